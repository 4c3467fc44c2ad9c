package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// The kinds of keys.
const (
	KindOut      = "out"      // a file that is sent: account, remote folder, content, name
	KindIn       = "in"       // an item that is received: account, remote folder, name
	KindJob      = "job"      // a bulk job: operation, name
	KindBatch    = "batch"    // a batch of a job: operation, name, first row
	KindAnalysis = "analysis" // a paid analysis: customer, caller's key
	KindEvent    = "event"    // a webhook event
)

// Key makes the key of an entry. The prefix is for people and for
// [ccr.LedgerQuery]; what tells entries apart is the SHA-256 of the kind, the
// service, the environment and the parts, each with its length: any bytes,
// compared exactly, also where a store folds case.
func Key(kind, service, environment string, parts ...string) string {
	h := sha256.New()
	for _, part := range append([]string{kind, service, environment}, parts...) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])         //nolint:errcheck // a hash takes everything
		h.Write([]byte(part)) //nolint:errcheck // likewise
	}
	return Prefix(kind, service, environment) + hex.EncodeToString(h.Sum(nil))
}

// Prefix is what the keys of a kind begin with. Environments that differ in
// case or punctuation alone share it.
func Prefix(kind, service, environment string) string {
	return kind + "." + service + "." + slug(environment) + "."
}

func slug(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, s[:min(len(s), 40)])
}

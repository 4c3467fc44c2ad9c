package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

// Any bytes in an environment, an account, a folder and a name: two lists of
// parts have one key only if they are the same, and every ledger takes it.
func FuzzKey(f *testing.F) {
	f.Add("production", "acme", "uploads", "a.csv", "acme", "uploads", "b.csv")
	f.Add("Production", "a", "b", "", "ab", "", "")
	f.Add("uat\x00", "", "\xe9", "relev\xe9.csv", "", "\xe9", "relev\xe8.csv")
	f.Add(strings.Repeat("é", 100), "a/b", "c", "d", "a", "b/c", "d")
	f.Fuzz(func(t *testing.T, environment, a, b, c, x, y, z string) {
		one, other := ledger.Key(ledger.KindOut, "sftp", environment, a, b, c), ledger.Key(ledger.KindOut, "sftp", environment, x, y, z)
		if same := a == x && b == y && c == z; same != (one == other) || same != strings.EqualFold(one, other) {
			t.Fatalf("%q and %q: %s, %s", []string{a, b, c}, []string{x, y, z}, one, other)
		}
		for _, key := range []string{one, ledger.Key(ledger.KindIn, "sftp", environment, a, b, c), ledger.Key(ledger.KindOut, "gateway", environment, a, b, c),
			ledger.Key(ledger.KindOut, "sftp", environment+"x", a, b, c), ledger.Key(ledger.KindOut, "sftp", environment, a, b, c, "")} {
			if err := (ccr.LedgerEntry{Key: key}).CheckKey(); err != nil {
				t.Fatal(key, err)
			}
			if key != one && strings.EqualFold(key, one) {
				t.Fatal(key)
			}
		}
		if !strings.HasPrefix(one, ledger.Prefix(ledger.KindOut, "sftp", environment)) {
			t.Fatal(one)
		}
	})
}

// A name of any bytes survives the ledger's form of it, which is printable and
// which JSON does not change.
func FuzzName(f *testing.F) {
	f.Add("relev\xe9.csv")
	f.Add("100%.csv")
	f.Add("%E9%\n")
	f.Add(" a b ")
	f.Fuzz(func(t *testing.T, name string) {
		e := ccr.LedgerEntry{Name: safetext.Escape(name)}
		for _, c := range []byte(e.Name) {
			if c <= ' ' || c > '~' {
				t.Fatalf("%q", e.Name)
			}
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back ccr.LedgerEntry
		if err := json.Unmarshal(text, &back); err != nil || back.FileName() != name {
			t.Fatalf("%q became %q: %v", name, back.FileName(), err)
		}
	})
}

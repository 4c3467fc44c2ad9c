package ledgerd

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Recorder is a ledger that keeps what is stored as text, with what differs
// from run to run replaced: owners, tokens, times and random names. Goldens are
// compared with it.
type Recorder struct {
	ccr.Ledger

	mu     sync.Mutex
	lines  strings.Builder
	tokens map[string]string
}

// Record returns a recorder over a ledger.
func Record(l ccr.Ledger) *Recorder { return &Recorder{Ledger: l, tokens: map[string]string{}} }

var randomName = regexp.MustCompile(`\.[A-Z2-7]{16}\.`)

// Store implements [ccr.Ledger].
func (r *Recorder) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if err := r.Ledger.Store(ctx, e); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Version++ // as stored
	if e.Owner != "" {
		e.Owner = "host/pid/random"
	}
	if e.Token != "" {
		if r.tokens[e.Token] == "" {
			r.tokens[e.Token] = fmt.Sprintf("token %d", len(r.tokens)+1)
		}
		e.Token = r.tokens[e.Token]
	}
	for _, t := range []*time.Time{&e.At, &e.Until} {
		if !t.IsZero() {
			*t = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	r.lines.Write(randomName.ReplaceAll(text, []byte(".random.")))
	r.lines.WriteByte('\n')
	return nil
}

// Text is what was stored, a line an entry.
func (r *Recorder) Text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.String()
}

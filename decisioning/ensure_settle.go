package decisioning

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

const (
	// idMark is how many digits of an id's hash are kept of what a customer had.
	idMark = 12
	// maxBefore bounds how many analyses of before a request are kept: more do
	// not fit into a ledger entry, and what becomes of a lost request is then
	// not found out by looking.
	maxBefore = 250
)

// before returns marks of the customer's analyses; "" if they cannot be kept.
func (e *ensuring) before(ctx context.Context) (string, error) {
	ids, complete, err := e.list(ctx)
	if err != nil || !complete || len(ids) > maxBefore {
		return "", err
	}
	marks := make([]string, len(ids))
	for i, id := range ids {
		marks[i] = mark(id)
	}
	slices.Sort(marks)
	return "-" + strings.Join(marks, ""), nil
}

func mark(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])[:idMark]
}

// unseen returns the ids whose marks are not among those of before.
func unseen(ids []string, before string) (fresh []string) {
	seen := map[string]bool{}
	for marks := range slices.Chunk([]byte(strings.TrimPrefix(before, "-")), idMark) {
		seen[string(marks)] = true
	}
	for _, id := range ids {
		if !seen[mark(id)] {
			fresh = append(fresh, id)
		}
	}
	return fresh
}

// list returns the ids of the customer's analyses, and whether they are known
// to be all: the vendor counted them, and these are as many, all different.
func (e *ensuring) list(ctx context.Context) (ids []string, complete bool, err error) {
	total, seen := -1, map[string]bool{}
	for page, err := range e.c.Analyses(e.customerID, ListOptions{}, e.opts...).ByPage(ctx) {
		if err != nil {
			return nil, false, err
		}
		total = page.TotalItems
		for _, a := range page.Items {
			if a.ID == "" {
				return nil, false, nil
			}
			if !seen[a.ID] {
				seen[a.ID], ids = true, append(ids, a.ID)
			}
		}
	}
	return ids, total == len(ids) || total < 0 && len(ids) == 0, nil
}

// SettleOptions say what became of a request for an analysis.
type SettleOptions struct {
	Ledger     ccr.Ledger // the one of EnsureAnalysis
	CustomerID string     // as given to EnsureAnalysis
	Key        string     // likewise
	AnalysisID string     // the analysis that it became; "": none was created, and it may be sent again
}

// SettleAnalysis ends a request of [Client.EnsureAnalysis] whose outcome is
// unknown, once you know which analysis it became, if any. The same word twice
// is fine; one that contradicts a recorded result is refused, one for a request
// without an entry is [ccr.ErrNoEntry], one that a live worker is at is
// [ccr.ErrClaimed]. An analysis that Algoan does not have is refused.
func (c *Client) SettleAnalysis(ctx context.Context, o SettleOptions, opts ...ccr.CallOption) error {
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return err
	}
	defer cancel()
	e, err := c.ensuring(settleAnalysis, o.CustomerID, o.Key, o.Ledger, opts)
	if err != nil {
		return err
	}
	switch id, err := e.known(ctx, o.Key); {
	case err != nil:
		return e.failed("", err, "")
	case id != "" && id == o.AnalysisID:
		return nil
	case id != "":
		return e.failed("", errors.New("the ledger holds another result for this key"), "")
	}
	if o.AnalysisID != "" {
		if _, err := c.Analysis(ctx, o.CustomerID, o.AnalysisID, opts...); err != nil {
			return err
		}
	}
	settled := false
	claim, err := e.book.Acquire(ctx, e.gate, e.what(), func(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
		open := found.State == ccr.StateIntent || found.State == ccr.StateResolving || found.State == ccr.StateUnknown
		mine := found.Attributes[attrKey] == safetext.Escape(o.Key)
		settled = mine && found.State == ccr.StateRefused && o.AnalysisID == ""
		if !mine || !open {
			return found, fmt.Errorf("analysis %q: %w", o.Key, ccr.ErrNoEntry)
		}
		found.State = ccr.StateResolving
		return found, nil
	})
	switch {
	case settled:
		return nil
	case err != nil:
		return e.failed("", err, "")
	}
	state := ccr.StateRefused
	if o.AnalysisID != "" {
		state = ccr.StateSent
		if err := e.record(ctx, o.Key, o.AnalysisID); err != nil {
			return both(e.failed("", err, ""), e.end(ctx, claim, ccr.StateUnknown))
		}
	}
	return e.failed("", e.end(ctx, claim, state), "Nothing is settled. Settle it again")
}

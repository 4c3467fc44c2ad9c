package ccrtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// TestLedger checks a ledger. Give several handles of the same store (two
// connections, two processes' worth) if it is meant to be shared; each is used
// from several goroutines at once. It writes entries whose keys begin with
// "ccrtest." and a random part, and leaves them there.
func TestLedger(ctx context.Context, l ccr.Ledger, others ...ccr.Ledger) error {
	t := &ledgerTest{all: append([]ccr.Ledger{l}, others...), prefix: "ccrtest." + strings.ToLower(rand.Text()) + "."}
	return runCases(ctx, t, ledgerCases)
}

type ledgerTest struct {
	all    []ccr.Ledger
	prefix string
	n      int
}

func (t *ledgerTest) key() string {
	t.n++
	return fmt.Sprintf("%s%d", t.prefix, t.n)
}

// handle returns the i-th handle, round and round.
func (t *ledgerTest) handle(i int) ccr.Ledger { return t.all[i%len(t.all)] }

var ledgerCases = []testCase[*ledgerTest]{
	{"missing", "what is not known is told from a failure", (*ledgerTest).missing},
	{"create", "a fact that was stored is read back as it was", (*ledgerTest).create},
	{"update", "a fact that was stored is read back as it was", (*ledgerTest).update},
	{"stale", "a worker that knows an old state cannot overwrite a newer one", (*ledgerTest).stale},
	{"create twice", "of two workers that begin the same thing one wins", (*ledgerTest).createTwice},
	{"ahead", "a version that does not exist is never overwritten", (*ledgerTest).ahead},
	{"race", "of many workers that claim the same thing at once exactly one wins", (*ledgerTest).race},
	{"counter", "no change is lost among many workers", (*ledgerTest).counter},
	{"keys", "every key the SDK makes is kept", (*ledgerTest).keys},
	{"near keys", "one thing's fact is never taken for another's", (*ledgerTest).nearKeys},
	{"values", "names, counts and attributes survive as they are", (*ledgerTest).values},
	{"times", "a claim ends when its owner said, on every worker", (*ledgerTest).times},
	{"cleared", "a released claim is nobody's", (*ledgerTest).cleared},
	{"not shared", "what a caller changes in memory changes nothing that is stored", (*ledgerTest).notShared},
	{"visible elsewhere", "a worker that stored something can tell another one to go on", (*ledgerTest).visible},
	{"ended context", "an error means that nobody knows, and a later Load tells", (*ledgerTest).endedContext},
	{"cut context", "an error means that nobody knows, and a later Load tells", (*ledgerTest).cutContext},
	{"list", "operators and sweepers see what is open", (*ledgerTest).list},
}

func (t *ledgerTest) missing(ctx context.Context) error {
	if _, err := t.all[0].Load(ctx, t.key()); !errors.Is(err, ccr.ErrNoEntry) {
		return fmt.Errorf("a Load of a key that was never stored: %v, not ccr.ErrNoEntry", err)
	}
	return nil
}

// full is an entry with every field set.
func full(key string) ccr.LedgerEntry {
	at := time.Date(2026, 3, 29, 0, 59, 59, 123456000, time.UTC) // a second before a clock change in London
	return ccr.LedgerEntry{
		Key: key, State: ccr.StateIntent, Service: "gateway", Environment: "Production/1", Name: "relev%E9%201.csv",
		Size: 1<<40 + 7, SHA256: strings.Repeat("0f", 32), At: at,
		Attributes: map[string]string{"request": "r-1", "empty": "", "note": `ü"\` + "\u2028"},
		Owner:      "host/1/ABCDEFGH", Until: at.Add(5*time.Minute + time.Microsecond), Token: "TOKEN",
	}
}

func (t *ledgerTest) create(ctx context.Context) error {
	e := full(t.key())
	if err := t.all[0].Store(ctx, e); err != nil {
		return err
	}
	e.Version = 1
	return t.same(ctx, e)
}

func (t *ledgerTest) update(ctx context.Context) error {
	key := t.key()
	for v := range int64(4) {
		e := full(key)
		e.Version, e.Size, e.State = v, v, []string{ccr.StateIntent, ccr.StateResolving, ccr.StateRefused, ccr.StateSent}[v]
		if err := t.handle(int(v)).Store(ctx, e); err != nil {
			return fmt.Errorf("version %d: %w", v, err)
		}
		e.Version++
		if err := t.same(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// same checks that every handle loads the entry as it is.
func (t *ledgerTest) same(ctx context.Context, want ccr.LedgerEntry) error {
	for i, l := range t.all {
		got, err := l.Load(ctx, want.Key)
		if err != nil {
			return fmt.Errorf("load by handle %d: %w", i, err)
		}
		if diff := difference(want, got); diff != "" {
			return fmt.Errorf("loaded by handle %d, %s differs from what was stored", i, diff)
		}
	}
	return nil
}

// difference names the first field in which two entries differ.
func difference(a, b ccr.LedgerEntry) string {
	switch {
	case a.Key != b.Key:
		return "Key"
	case a.Version != b.Version:
		return fmt.Sprintf("Version (%d, not %d)", b.Version, a.Version)
	case a.State != b.State:
		return fmt.Sprintf("State (%q, not %q)", b.State, a.State)
	case a.Service != b.Service:
		return "Service"
	case a.Environment != b.Environment:
		return "Environment"
	case a.Name != b.Name:
		return "Name"
	case a.Size != b.Size:
		return "Size"
	case a.SHA256 != b.SHA256:
		return "SHA256"
	case !a.At.Equal(b.At):
		return fmt.Sprintf("At (%v, not %v)", b.At, a.At)
	case !maps.Equal(a.Attributes, b.Attributes):
		return "Attributes"
	case a.Owner != b.Owner:
		return "Owner"
	case !a.Until.Equal(b.Until):
		return fmt.Sprintf("Until (%v, not %v)", b.Until, a.Until)
	case a.Token != b.Token:
		return "Token"
	}
	return ""
}

// conflict checks that storing e is refused and changes nothing.
func (t *ledgerTest) conflict(ctx context.Context, l ccr.Ledger, e, want ccr.LedgerEntry) error {
	if err := l.Store(ctx, e); !errors.Is(err, ccr.ErrLedgerConflict) {
		return fmt.Errorf("a Store of version %d over version %d: %v, not ccr.ErrLedgerConflict", e.Version, want.Version, err)
	}
	if want.Version == 0 {
		if _, err := t.all[0].Load(ctx, e.Key); !errors.Is(err, ccr.ErrNoEntry) {
			return errors.New("a refused Store left an entry")
		}
		return nil
	}
	return t.same(ctx, want)
}

func (t *ledgerTest) stale(ctx context.Context) error {
	e := full(t.key())
	for range 3 {
		if err := t.all[0].Store(ctx, e); err != nil {
			return err
		}
		e.Version++
	}
	for v := range e.Version {
		old := full(e.Key)
		old.Version, old.State, old.Token = v, ccr.StateRefused, "another"
		if err := t.conflict(ctx, t.handle(int(v)+1), old, e); err != nil {
			return err
		}
	}
	return nil
}

func (t *ledgerTest) createTwice(ctx context.Context) error {
	e := full(t.key())
	if err := t.all[0].Store(ctx, e); err != nil {
		return err
	}
	second := full(e.Key)
	second.Token = "another"
	e.Version = 1
	return t.conflict(ctx, t.handle(1), second, e)
}

func (t *ledgerTest) ahead(ctx context.Context) error {
	e := full(t.key())
	e.Version = 1
	if err := t.conflict(ctx, t.all[0], e, ccr.LedgerEntry{}); err != nil {
		return err
	}
	e.Version = 0
	if err := t.all[0].Store(ctx, e); err != nil {
		return err
	}
	next := e
	e.Version, next.Version = 1, 2
	return t.conflict(ctx, t.all[0], next, e)
}

func (t *ledgerTest) race(ctx context.Context) error {
	const workers, rounds = 16, 8
	e := full(t.key())
	for round := range int64(rounds) {
		errs := together(workers, func(i int) error {
			mine := e
			mine.Version, mine.Attributes, mine.Token = round, maps.Clone(e.Attributes), fmt.Sprint(round, "-", i)
			return t.handle(i).Store(ctx, mine)
		})
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				return fmt.Errorf("two of %d workers stored version %d", workers, round)
			case err == nil:
				winner = i
			case !errors.Is(err, ccr.ErrLedgerConflict):
				return fmt.Errorf("a worker that lost: %w, not ccr.ErrLedgerConflict", err)
			}
		}
		if winner < 0 {
			return fmt.Errorf("none of %d workers could store version %d", workers, round)
		}
		got, err := t.all[0].Load(ctx, e.Key)
		if err != nil {
			return err
		}
		if want := fmt.Sprint(round, "-", winner); got.Token != want || got.Version != round+1 {
			return fmt.Errorf("version %d is %q, stored was %q", got.Version, got.Token, want)
		}
	}
	return nil
}

func (t *ledgerTest) counter(ctx context.Context) error {
	const workers, each = 8, 12
	key := t.key()
	errs := together(workers, func(i int) error {
		l := t.handle(i)
		for range each {
			for tries := 1; ; tries++ {
				e, err := l.Load(ctx, key)
				if err != nil && !errors.Is(err, ccr.ErrNoEntry) {
					return err
				}
				e.Key, e.State, e.At = key, ccr.StateIntent, time.Now().UTC().Truncate(time.Microsecond)
				e.Size++
				if err = l.Store(ctx, e); err == nil {
					break
				}
				if !errors.Is(err, ccr.ErrLedgerConflict) {
					return err
				}
				if tries > workers*each { // each conflict means that another one got on
					return errors.New("conflicts for ever, although what was loaded is what is stored")
				}
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	e, err := t.all[0].Load(ctx, key)
	if err == nil && (e.Size != workers*each || e.Version != workers*each) {
		err = fmt.Errorf("%d workers counted to %d in %d versions, not to %d", workers, e.Size, e.Version, workers*each)
	}
	return err
}

func (t *ledgerTest) keys(ctx context.Context) error {
	longest := t.prefix + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz._-", 6)
	for _, key := range []string{longest[:200], t.prefix + "._-", t.prefix + "0", t.prefix + "select"} {
		e := full(key)
		if err := t.all[0].Store(ctx, e); err != nil {
			return fmt.Errorf("a key of %d bytes: %w", len(key), err)
		}
		e.Version = 1
		if err := t.same(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (t *ledgerTest) nearKeys(ctx context.Context) error {
	base := t.key()
	long := base + strings.Repeat("x", 199-len(base))
	near := []string{base + ".a", base + "_a", base + "-a", base + "aa", base + ".a.", base + ".", long + "1", long + "2"}
	for i, key := range near {
		e := full(key)
		e.Size = int64(i)
		if err := t.all[0].Store(ctx, e); err != nil {
			return fmt.Errorf("a key beside another that differs in little: %w", err)
		}
	}
	for i, key := range near {
		e, err := t.all[0].Load(ctx, key)
		if err != nil {
			return err
		}
		if e.Size != int64(i) || e.Key != key {
			return errors.New("a key was taken for another one that differs in one character")
		}
	}
	return nil
}

func (t *ledgerTest) values(ctx context.Context) error {
	many := map[string]string{}
	for i := range 40 {
		many[fmt.Sprint("attribute-", i)] = strings.Repeat("v", 80)
	}
	for name, change := range map[string]func(*ccr.LedgerEntry){
		"nothing but a claim": func(e *ccr.LedgerEntry) {
			*e = ccr.LedgerEntry{Key: e.Key, Owner: "me", Until: e.Until, Token: "T"}
		},
		"a long name":     func(e *ccr.LedgerEntry) { e.Name = strings.Repeat("%FF", 255) },
		"no attributes":   func(e *ccr.LedgerEntry) { e.Attributes = nil },
		"many attributes": func(e *ccr.LedgerEntry) { e.Attributes = many },
		"an odd state":    func(e *ccr.LedgerEntry) { e.State = "a state of tomorrow" },
		"the largest":     func(e *ccr.LedgerEntry) { e.Size = 1<<63 - 1 },
		"-1":              func(e *ccr.LedgerEntry) { e.Size = -1 },
	} {
		e := full(t.key())
		change(&e)
		if err := t.all[0].Store(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		e.Version = 1
		if err := t.same(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (t *ledgerTest) times(ctx context.Context) error {
	sydney := time.FixedZone("", 10*3600)
	for _, until := range []time.Time{
		time.Date(2026, 11, 21, 9, 0, 0, 1000, time.UTC),
		time.Date(2026, 11, 21, 9, 0, 0, 999999000, sydney),
		time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Now().Truncate(time.Microsecond),
		{},
	} {
		e := full(t.key())
		e.Until, e.At = until, until
		if err := t.all[0].Store(ctx, e); err != nil {
			return err
		}
		e.Version = 1
		if err := t.same(ctx, e); err != nil {
			return err
		}
		got, err := t.all[0].Load(ctx, e.Key)
		if err != nil {
			return err
		}
		if got.Until.IsZero() != until.IsZero() {
			return errors.New("the zero time is not read back as zero")
		}
	}
	return nil
}

func (t *ledgerTest) cleared(ctx context.Context) error {
	e := full(t.key())
	if err := t.all[0].Store(ctx, e); err != nil {
		return err
	}
	e.Version, e.Owner, e.Until, e.Attributes = 1, "", time.Time{}, nil
	if err := t.handle(1).Store(ctx, e); err != nil {
		return err
	}
	e.Version = 2
	return t.same(ctx, e)
}

func (t *ledgerTest) notShared(ctx context.Context) error {
	e := full(t.key())
	if err := t.all[0].Store(ctx, e); err != nil {
		return err
	}
	e.Attributes["request"] = "changed by the caller"
	got, err := t.all[0].Load(ctx, e.Key)
	if err != nil {
		return err
	}
	got.Attributes["note"] = "changed by the caller"
	want := full(e.Key)
	want.Version = 1
	return t.same(ctx, want)
}

func (t *ledgerTest) visible(ctx context.Context) error {
	key := t.key()
	for v := range int64(20) {
		e := full(key)
		e.Version = v
		if err := t.handle(int(v)).Store(ctx, e); err != nil {
			return fmt.Errorf("version %d by the next handle: %w", v, err)
		}
		for i := range t.all {
			got, err := t.all[i].Load(ctx, key)
			if err != nil {
				return fmt.Errorf("handle %d does not see what handle %d stored: %w", i, int(v)%len(t.all), err)
			}
			if got.Version != v+1 {
				return fmt.Errorf("handle %d sees version %d after version %d was stored", i, got.Version, v+1)
			}
		}
	}
	return nil
}

func (t *ledgerTest) endedContext(ctx context.Context) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return t.afterCut(ctx, full(t.key()), func(e ccr.LedgerEntry) error { return t.all[0].Store(ended, e) })
}

func (t *ledgerTest) cutContext(ctx context.Context) error {
	for i := range 24 {
		wait := time.Duration(i) * 150 * time.Microsecond
		err := t.afterCut(ctx, full(t.key()), func(e ccr.LedgerEntry) error {
			cut, cancel := context.WithTimeout(ctx, wait)
			defer cancel()
			return t.handle(i).Store(cut, e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// afterCut checks what may be known after a Store that its context may have cut.
func (t *ledgerTest) afterCut(ctx context.Context, e ccr.LedgerEntry, store func(ccr.LedgerEntry) error) error {
	err := store(e)
	if errors.Is(err, ccr.ErrLedgerConflict) {
		return errors.New("an ended context is no conflict: nobody else wrote")
	}
	got, lerr := t.all[0].Load(ctx, e.Key)
	switch {
	case errors.Is(lerr, ccr.ErrNoEntry):
		if err == nil {
			return errors.New("a Store returned nil and stored nothing")
		}
		// It may still land, or this one does: either way exactly one.
		if err := t.all[0].Store(ctx, e); err != nil && !errors.Is(err, ccr.ErrLedgerConflict) {
			return fmt.Errorf("storing again: %w", err)
		}
		got, lerr = t.all[0].Load(ctx, e.Key)
	case lerr == nil && err != nil:
		if err := t.all[0].Store(ctx, e); !errors.Is(err, ccr.ErrLedgerConflict) {
			return fmt.Errorf("storing again what had landed: %v, not ccr.ErrLedgerConflict", err)
		}
	}
	if lerr != nil {
		return lerr
	}
	e.Version = 1
	if diff := difference(e, got); diff != "" {
		return fmt.Errorf("after a Store that was cut, %s is neither old nor new", diff)
	}
	return nil
}

func (t *ledgerTest) list(ctx context.Context) error {
	lister, ok := t.all[0].(ccr.LedgerLister)
	if !ok {
		return nil // optional
	}
	prefix := t.key() + "-"
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := map[string]ccr.LedgerEntry{}
	for i, state := range []string{ccr.StateIntent, ccr.StateSent, ccr.StateUnknown, ccr.StateSent, ""} {
		e := full(fmt.Sprint(prefix, i))
		e.State, e.At, e.Service = state, at.AddDate(0, i, 0), []string{"gateway", "sftp"}[i%2]
		if i == 4 {
			e.Environment = "uat"
		}
		if err := t.all[0].Store(ctx, e); err != nil {
			return err
		}
		e.Version = 1
		want[e.Key] = e
	}
	for name, q := range map[string]ccr.LedgerQuery{
		"by prefix":      {KeyPrefix: prefix},
		"by state":       {KeyPrefix: prefix, States: []string{ccr.StateUnknown, ccr.StateIntent}},
		"by service":     {KeyPrefix: prefix, Service: "sftp"},
		"by environment": {KeyPrefix: prefix, Environment: "uat"},
		"by age":         {KeyPrefix: prefix, Before: at.AddDate(0, 2, 0)},
		"by all":         {KeyPrefix: prefix, Service: "sftp", Environment: "Production/1", States: []string{ccr.StateSent}, Before: at.AddDate(0, 2, 0)},
		"nothing":        {KeyPrefix: prefix + "none"},
		"a wildcard":     {KeyPrefix: strings.ReplaceAll(prefix, ".", "_")},
	} {
		if err := listed(ctx, lister, q, want); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for range lister.List(ctx, ccr.LedgerQuery{KeyPrefix: prefix}) {
		break // leaving the range must hold no resource: the next call would hang
	}
	_, err := t.all[0].Load(ctx, prefix+"0")
	return err
}

func listed(ctx context.Context, l ccr.LedgerLister, q ccr.LedgerQuery, all map[string]ccr.LedgerEntry) error {
	want := 0
	for _, e := range all {
		if q.Matches(e) {
			want++
		}
	}
	seen := map[string]bool{}
	for got, err := range l.List(ctx, q) {
		switch {
		case err != nil:
			return err
		case seen[got.Key]:
			return errors.New("an entry was yielded twice")
		case !q.Matches(got):
			return errors.New("an entry was yielded that does not match")
		}
		seen[got.Key] = true
		if diff := difference(all[got.Key], got); diff != "" {
			return fmt.Errorf("%s of a listed entry differs from what was stored", diff)
		}
	}
	if len(seen) != want {
		return fmt.Errorf("%d entries were yielded, not %d", len(seen), want)
	}
	return nil
}

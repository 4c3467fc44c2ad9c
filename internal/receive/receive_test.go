package receive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
)

// funcs is a source made of functions; the zero one lists nothing.
type funcs struct {
	items   []Item
	list    func() ([]Item, error)
	present func() (map[string]bool, error)
	fetch   func(ctx context.Context, item Item, restart func() (io.Writer, error)) error
	settle  func(ctx context.Context, item Item) error
}

func (f *funcs) Present(context.Context) (map[string]bool, error) {
	if f.present != nil {
		return f.present()
	}
	items, err := f.List(context.Background())
	return names(items), err
}

func names(items []Item) map[string]bool {
	present := map[string]bool{}
	for _, it := range items {
		present[it.Name] = true
	}
	return present
}

func (f *funcs) List(context.Context) ([]Item, error) {
	if f.list != nil {
		return f.list()
	}
	return f.items, nil
}

func (f *funcs) Fetch(ctx context.Context, item Item, restart func() (io.Writer, error)) error {
	return f.fetch(ctx, item, restart)
}

func (f *funcs) Settle(ctx context.Context, item Item, check func() error) error {
	if err := check(); err != nil || f.settle == nil {
		return err
	}
	return f.settle(ctx, item)
}

// writes is a fetch that writes one text.
func writes(text string) func(context.Context, Item, func() (io.Writer, error)) error {
	return func(_ context.Context, _ Item, restart func() (io.Writer, error)) error {
		w, err := restart()
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		return err
	}
}

func options() Options { return Options{Service: "gateway", Environment: "uat"} }

// withLedger is for sinks without a ledger of their own.
func withLedger() Options {
	return Options{Service: "gateway", Environment: "uat", Ledger: ccr.NewMemoryLedger()}
}

// testKey is the key of an item in a run of the service "test".
func testKey(name string) string { return ledger.Key("in", "test", "uat", "", "", name) }

func TestStatesAndLedger(t *testing.T) {
	t.Parallel()
	l, dir := ccr.NewMemoryLedger(), t.TempDir()
	v := newVendor(t, false, four)
	opts := Options{Service: "test", Environment: "uat", Ledger: l, Concurrency: 99}
	got, err := Run(t.Context(), &source{vendor: v, breaker: &breaker{at: -1}}, ccr.DirSink(dir), opts)
	require.NoError(t, err)
	require.Len(t, got, 4)
	for i, name := range []string{"a.csv", "b.xml", "empty", "twin.csv"} {
		assert.Equal(t, ccr.Received{Name: name, Location: filepath.Join(dir, name), Size: int64(len(four[name])),
			SHA256: sumOf(four[name]), State: ccr.Delivered}, got[i])
		e, err := l.Load(t.Context(), testKey(name))
		require.NoError(t, err)
		assert.Equal(t, ccr.StateArchived, e.State)
		assert.Equal(t, sumOf(four[name]), e.SHA256)
		assert.Equal(t, got[i].Size, e.Size)
		assert.Equal(t, map[string]string{attrIdentity: "id of " + four[name]}, e.Attributes)
		assert.False(t, e.At.IsZero())
	}
	assert.Empty(t, v.left())

	// The vendor lists one again that it was told to archive: told again.
	v.put("a.csv", "alpha")
	got, err = Run(t.Context(), &source{vendor: v, breaker: &breaker{at: -1}}, ccr.DirSink(dir), opts)
	require.NoError(t, err)
	require.Equal(t, []ccr.Received{{Name: "a.csv", Size: 5, SHA256: sumOf("alpha"), State: ccr.DeliveredBefore}}, got)
	assert.Empty(t, v.left())
	assert.Equal(t, 5, v.fetches, "size and second are no proof that it may go")
}

func TestLeaveRemote(t *testing.T) {
	t.Parallel()
	for _, weak := range []bool{true, false} {
		dir, v := t.TempDir(), newVendor(t, weak, two)
		opts := options()
		opts.LeaveRemote = true
		run := func() []ccr.Received {
			got, err := Run(t.Context(), &source{vendor: v, breaker: &breaker{at: -1}}, ccr.DirSink(dir), opts)
			require.NoError(t, err)
			require.Len(t, got, 2)
			return got
		}
		assert.Equal(t, ccr.Delivered, run()[0].State)
		assert.Equal(t, ccr.DeliveredBefore, run()[0].State)
		assert.Equal(t, 2, v.fetches)
		v.put("a.csv", "omega")
		if weak {
			assert.Equal(t, ccr.DeliveredBefore, run()[0].State, "names are all there is")
			assert.Equal(t, 2, v.fetches)
			continue
		}
		r := run()[0]
		assert.Equal(t, ccr.Delivered, r.State)
		assert.Equal(t, sumOf("omega"), r.SHA256)
		assert.Contains(t, r.Location, "a.other-")
		assert.Equal(t, ccr.DeliveredBefore, run()[0].State)
		assert.Equal(t, 3, v.fetches)
		assert.Len(t, v.left(), 2)
	}
}

// The same content with another modification time is fetched once to see
// that, and not again.
func TestNewIdentityOfSameContent(t *testing.T) {
	t.Parallel()
	for _, leave := range []bool{true, false} {
		fetches := 0
		src := &funcs{items: []Item{{Name: "a", Size: 5, Identity: "monday"}}, fetch: func(ctx context.Context, it Item, restart func() (io.Writer, error)) error {
			fetches++
			return writes("alpha")(ctx, it, restart)
		}}
		opts := options()
		opts.Ledger, opts.LeaveRemote = ccr.NewMemoryLedger(), leave
		dir := t.TempDir()
		for i, identity := range []string{"monday", "monday", "tuesday", "tuesday"} {
			src.items[0].Identity = identity
			got, err := Run(t.Context(), src, ccr.DirSink(dir), opts)
			require.NoError(t, err)
			assert.Equal(t, i == 0, got[0].State == ccr.Delivered)
		}
		assert.Equal(t, map[bool]int{true: 2, false: 4}[leave], fetches, "what is to go is compared each time")
		rest, err := os.ReadDir(filepath.Join(dir, ".ccr"))
		require.NoError(t, err)
		for _, e := range rest {
			assert.NotContains(t, []string{".part", ".staged", ".discarded"}, filepath.Ext(e.Name()), "what was fetched to compare is removed")
		}
	}
}

// A listed size may be wrong; whether the content is whole, the source decides.
func TestListedSizeIsNoProof(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{-1, 0, 4, 6} {
		src := &funcs{items: []Item{{Name: "a", Size: size}}, fetch: writes("alpha")}
		got, err := Run(t.Context(), src, ccr.DirSink(t.TempDir()), options())
		require.NoError(t, err)
		require.Equal(t, ccr.Delivered, got[0].State)
		require.EqualValues(t, 5, got[0].Size)
	}
}

// Settling failed: the next run compares and settles, without delivering.
func TestNotArchived(t *testing.T) {
	t.Parallel()
	refuse := true
	fetches := 0
	src := &funcs{items: []Item{{Name: "a", Size: -1, Identity: "1"}},
		fetch: func(ctx context.Context, it Item, restart func() (io.Writer, error)) error {
			fetches++
			return writes("alpha")(ctx, it, restart)
		},
		settle: func(context.Context, Item) error {
			if refuse {
				return &ccr.Error{Service: "gateway", Operation: "Archive", Classes: []error{ccr.ErrUnavailable}, Outcome: ccr.OutcomeUnknown, RetryAfter: 7e9}
			}
			return nil
		}}
	sink := ccr.DirSink(t.TempDir())
	for _, want := range []ccr.ReceivedState{ccr.DeliveredNotArchived, ccr.DeliveredNotArchived, ccr.DeliveredBefore} {
		got, err := Run(t.Context(), src, sink, options())
		require.Len(t, got, 1)
		require.Equal(t, want, got[0].State)
		if want == ccr.DeliveredNotArchived {
			require.ErrorIs(t, err, ccr.ErrUnavailable)
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			e, ok := errors.AsType[*ccr.Error](err)
			require.True(t, ok)
			assert.Equal(t, "Receive", e.Operation)
			assert.True(t, e.Temporary())
			assert.EqualValues(t, 7e9, e.RetryAfter)
			assert.Contains(t, e.Error(), `file "a"`)
			assert.Contains(t, e.Error(), "It is in the sink")
			refuse = got[0].Location != "" // from the second run on, no location
		} else {
			require.NoError(t, err)
		}
	}
	assert.Equal(t, 3, fetches, "an earlier run's word is compared before the file goes")
}

func TestRefusedContent(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	tests := map[string]struct {
		size  int64
		fetch func(ctx context.Context, item Item, restart func() (io.Writer, error)) error
		is    error
	}{
		"nothing at all": {-1, func(context.Context, Item, func() (io.Writer, error)) error { return nil }, ccr.ErrIncomplete},
		"failed": {5, func(ctx context.Context, it Item, restart func() (io.Writer, error)) error {
			return errors.Join(writes("alpha")(ctx, it, restart), broken)
		}, broken},
		"failed before the first byte": {5, func(context.Context, Item, func() (io.Writer, error)) error { return broken }, broken},
		"incomplete, says the source": {-1, func(context.Context, Item, func() (io.Writer, error)) error {
			return fmt.Errorf("no closing root: %w", ccr.ErrIncomplete)
		}, ccr.ErrIncomplete},
		"writes to an attempt that has ended": {5, func(ctx context.Context, it Item, restart func() (io.Writer, error)) error {
			old, err := restart()
			if err != nil {
				return err
			}
			if _, err := restart(); err != nil {
				return err
			}
			_, err = io.WriteString(old, "alpha")
			assert.Error(t, err)
			return err
		}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			settled := false
			src := &funcs{items: []Item{{Name: "a", Size: test.size}}, fetch: test.fetch,
				settle: func(context.Context, Item) error { settled = true; return nil }}
			got, err := Run(t.Context(), src, ccr.DirSink(dir), options())
			require.Error(t, err)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			require.Len(t, got, 1)
			assert.Equal(t, ccr.ReceiveFailed, got[0].State)
			assert.Equal(t, err.Error(), got[0].Err.Error())
			assert.Contains(t, err.Error(), `file "a"`)
			assert.False(t, settled)
			visible, err := filepath.Glob(filepath.Join(dir, "*"))
			require.NoError(t, err)
			assert.NotContains(t, visible, filepath.Join(dir, "a"))
		})
	}
}

// A writer that a source keeps after Fetch has returned writes nowhere.
func TestLateWrite(t *testing.T) {
	t.Parallel()
	var kept io.Writer
	src := &funcs{items: []Item{{Name: "a", Size: -1}}, fetch: func(_ context.Context, _ Item, restart func() (io.Writer, error)) (err error) {
		kept, err = restart()
		return err
	}}
	var sink memSink
	got, err := Run(t.Context(), src, &sink, withLedger())
	require.NoError(t, err)
	require.Equal(t, ccr.Delivered, got[0].State)
	_, err = io.WriteString(kept, "late")
	require.Error(t, err)
	require.Empty(t, sink.String())
}

// memSink takes whatever anyone writes.
type memSink struct{ bytes.Buffer }

func (s *memSink) Create(context.Context, ccr.Item) (ccr.Delivery, error) { return s, nil }
func (s *memSink) Commit(context.Context) (string, error)                 { return "memory", nil }
func (s *memSink) Stage(context.Context) (string, error)                  { return "", errors.ErrUnsupported }
func (s *memSink) Abort(context.Context) error                            { s.Reset(); return nil }
func (s *memSink) Resume(context.Context, ccr.Item, string) (ccr.Delivery, ccr.Staging, error) {
	return nil, "", errors.ErrUnsupported
}

// fullSink fails like a full disk, at the nth write.
type fullSink struct {
	ccr.Sink
	creates atomic.Int32
	n       int
}

var errFull = errors.New("no space left on device")

func (s *fullSink) Create(ctx context.Context, item ccr.Item) (ccr.Delivery, error) {
	s.creates.Add(1)
	f, err := s.Sink.Create(ctx, item)
	return &fullFile{f, s.n}, err
}

type fullFile struct {
	ccr.Delivery
	left int
}

func (f *fullFile) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return f.Delivery.Write(p)
}

// A full disk is the sink's error: no retry of the source hides or repeats it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for n := range 3 {
		sink := &fullSink{Sink: ccr.DirSink(t.TempDir()), n: n}
		src := &funcs{items: []Item{{Name: "a", Size: -1}}, fetch: func(_ context.Context, _ Item, restart func() (io.Writer, error)) error {
			for range 5 { // a source that retries whatever happens, and swallows errors
				w, err := restart()
				if err != nil {
					assert.ErrorIs(t, err, errFull)
					continue
				}
				for range 3 {
					io.WriteString(w, "alpha") //nolint:errcheck // on purpose
				}
			}
			return nil
		}}
		got, err := Run(t.Context(), src, sink, withLedger())
		require.ErrorIs(t, err, errFull)
		require.Equal(t, ccr.ReceiveFailed, got[0].State)
		require.EqualValues(t, 1, sink.creates.Load())
	}
}

type noSink struct{ err error }

func (s noSink) Create(context.Context, ccr.Item) (ccr.Delivery, error) { return nil, s.err }
func (s noSink) Resume(context.Context, ccr.Item, string) (ccr.Delivery, ccr.Staging, error) {
	return nil, "", errors.New("staged in another sink")
}

func TestCreateFails(t *testing.T) {
	t.Parallel()
	src := &funcs{items: []Item{{Name: "a", Size: -1}, {Name: "", Size: -1}, {Name: "..", Size: -1}}, fetch: writes("alpha")}
	got, err := Run(t.Context(), src, noSink{errFull}, withLedger())
	require.ErrorIs(t, err, errFull)
	require.Len(t, got, 3)
	got, err = Run(t.Context(), src, ccr.DirSink(t.TempDir()), options())
	require.Error(t, err)
	assert.Equal(t, ccr.Delivered, got[0].State)
	assert.Equal(t, ccr.ReceiveFailed, got[1].State, "an empty name")
	assert.Equal(t, ccr.ReceiveFailed, got[2].State, "a name that would leave the folder")
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	src := &funcs{items: []Item{{Name: "a", Size: -1}}, fetch: writes("alpha")}
	_, err := Run(t.Context(), src, nil, options())
	require.ErrorIs(t, err, ccr.ErrInvalid)
	require.ErrorContains(t, err, "sink is required")
	_, err = Run(t.Context(), src, noSink{}, options())
	require.ErrorIs(t, err, ccr.ErrInvalid)
	require.ErrorContains(t, err, "Ledger is required")

	sink := ccr.DirSink(t.TempDir())
	_, release, err := sink.OpenLedger(t.Context())
	require.NoError(t, err)
	got, err := Run(t.Context(), src, sink, options())
	require.ErrorIs(t, err, ccr.ErrLedgerInUse)
	require.Nil(t, got)
	require.NoError(t, release())

	src.list = func() ([]Item, error) { return nil, errFault }
	got, err = Run(t.Context(), src, sink, options())
	require.ErrorIs(t, err, errFault)
	require.Nil(t, got)

	src.list = func() ([]Item, error) { return nil, nil }
	got, err = Run(t.Context(), src, sink, options())
	require.NoError(t, err)
	require.NotNil(t, got)
	require.Empty(t, got)
}

func TestDuplicatesInListing(t *testing.T) {
	t.Parallel()
	var fetches atomic.Int32
	src := &funcs{items: []Item{{Name: "b", Size: -1}, {Name: "a", Size: -1}, {Name: "b", Size: -1}},
		fetch: func(ctx context.Context, it Item, restart func() (io.Writer, error)) error {
			fetches.Add(1)
			return writes("alpha")(ctx, it, restart)
		}}
	opts := options()
	opts.Concurrency = 3
	got, err := Run(t.Context(), src, ccr.DirSink(t.TempDir()), opts)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, "b", got[0].Name)
	assert.Equal(t, "a", got[1].Name)
	assert.EqualValues(t, 2, fetches.Load())
}

// The context ends at each moment of the second of three items: what is under
// way keeps its promise, nothing new is begun, and the next run finishes.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"fetch", "stage", "commit", "settle"} {
		t.Run(moment, func(t *testing.T) {
			v := newVendor(t, false, map[string]string{"a": "1", "b": "2", "c": "3"})
			ctx, cancel := context.WithCancelCause(t.Context())
			reason := errors.New("shutting down")
			b := &breaker{at: -1}
			src := &source{vendor: v, breaker: b}
			sink := &brokenSink{dir: ccr.DirSink(t.TempDir()), breaker: b, src: src, taken: func(string) {}}
			begun := 0
			opts := Options{Service: "test", Environment: "uat", Ledger: remoteLedger{ccr.NewMemoryLedger()}, Progress: func(p ccr.Progress) {
				if p.Name == "b" && moment == "fetch" && !p.Done {
					cancel(reason)
				}
			}}
			cancelling := &funcs{list: func() ([]Item, error) { return src.List(ctx) },
				fetch: func(ctx context.Context, it Item, restart func() (io.Writer, error)) error {
					begun++
					if err := src.Fetch(ctx, it, restart); err != nil {
						return err
					}
					return ctx.Err()
				},
				settle: func(ctx context.Context, it Item) error {
					if it.Name == "b" && moment == "settle" {
						cancel(reason)
						return context.Cause(ctx)
					}
					return src.Settle(ctx, it, func() error { return nil })
				}}
			sink.taken = func(location string) {
				if filepath.Base(location) == "b" && moment == "commit" {
					cancel(reason)
				}
			}
			hooked := &hookedSink{sink, func(name string) {
				if name == "b" && moment == "stage" {
					cancel(reason)
				}
			}}
			got, err := Run(ctx, cancelling, hooked, opts)
			require.ErrorIs(t, err, context.Canceled)
			require.Len(t, got, 3)
			assert.Equal(t, ccr.Delivered, got[0].State)
			want := ccr.DeliveredNotArchived
			if moment == "fetch" {
				want = ccr.ReceiveFailed
			}
			assert.Equal(t, want, got[1].State)
			assert.Equal(t, ccr.ReceiveFailed, got[2].State)
			require.ErrorIs(t, got[2].Err, reason)
			assert.Equal(t, 2, begun)
			assert.ErrorContains(t, err, "not begun")

			got, err = Run(t.Context(), src, sink, opts)
			require.NoError(t, err)
			require.Len(t, got, 2)
			assert.Empty(t, v.left())
			assert.Equal(t, want == ccr.ReceiveFailed, got[0].State == ccr.Delivered)
		})
	}
}

// remoteLedger fails once its context has ended, as one over a network does.
type remoteLedger struct{ ccr.Ledger }

func (l remoteLedger) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if ctx.Err() != nil {
		return ccr.LedgerEntry{}, ctx.Err()
	}
	return l.Ledger.Load(ctx, key)
}

func (l remoteLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return l.Ledger.Store(ctx, e)
}

// hookedSink calls hook when a file is staged.
type hookedSink struct {
	*brokenSink
	hook func(name string)
}

func (s *hookedSink) Create(ctx context.Context, item ccr.Item) (ccr.Delivery, error) {
	f, err := s.brokenSink.Create(ctx, item)
	if err != nil {
		return nil, err
	}
	return &hookedFile{f.(*brokenFile), func() { s.hook(item.Name) }}, nil
}

type hookedFile struct {
	*brokenFile
	hook func()
}

func (f *hookedFile) Stage(ctx context.Context) (string, error) {
	ticket, err := f.brokenFile.Stage(ctx)
	f.hook()
	return ticket, err
}

func TestProgressAndLog(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var reports []ccr.Progress
	var log bytes.Buffer
	opts := options()
	opts.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	opts.Progress = func(p ccr.Progress) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, p)
	}
	src := &funcs{items: []Item{{Name: "a.xml", Size: 10}, {Name: "b.xml", Size: -1}},
		fetch: func(_ context.Context, it Item, restart func() (io.Writer, error)) error {
			if it.Name == "b.xml" {
				return &ccr.Error{Service: "gateway", Operation: "Test", Classes: []error{ccr.ErrNotFound}}
			}
			w, err := restart()
			for range 2 {
				if err == nil {
					_, err = io.WriteString(w, "12345")
				}
			}
			return err
		}}
	_, err := Run(t.Context(), src, ccr.DirSink(t.TempDir()), opts)
	require.ErrorIs(t, err, ccr.ErrNotFound)
	assert.Equal(t, []ccr.Progress{
		{Operation: "Receive", Name: "a.xml", Bytes: 5, TotalBytes: 10},
		{Operation: "Receive", Name: "a.xml", Bytes: 10, TotalBytes: 10},
		{Operation: "Receive", Name: "a.xml", Bytes: 10, TotalBytes: 10, State: "delivered", Done: true},
		{Operation: "Receive", Name: "b.xml", State: "failed", Done: true},
	}, reports)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2)
	var first, second map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &first))
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &second))
	assert.Equal(t, "INFO", first["level"])
	assert.Equal(t, "a.xml", first["name"])
	assert.Equal(t, "delivered", first["state"])
	assert.EqualValues(t, 10, first["size"])
	assert.Equal(t, "gateway", first["service"])
	assert.Equal(t, "WARN", second["level"])
	assert.NotNil(t, second["error"])
}

package receive

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

var (
	errFault = errors.New("injected fault")
	errDead  = errors.New("the process is dead")
)

// breaker counts the points at which something can go wrong: before and after
// each call that leaves the engine. At one of them it injects a fault, or the
// process "dies": nothing has an effect from there on.
type breaker struct {
	mu    sync.Mutex
	n     int // points passed
	at    int // the one to break at; -1: none
	crash bool
	dead  bool
	ops   []string
	hook  func(op string) // called at each point; nil: none
}

func (b *breaker) point(op string) error {
	if b.hook != nil {
		b.hook(op)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead {
		return errDead
	}
	b.ops = append(b.ops, op)
	b.n++
	switch {
	case b.n-1 != b.at:
		return nil
	case b.crash:
		b.dead = true
		return errDead
	}
	return errFault
}

// do runs f between two points.
func (b *breaker) do(op string, f func() error) error {
	if err := b.point("before " + op); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return b.point("after " + op)
}

// vendor is a source that remembers what was settled.
type vendor struct {
	t    *testing.T
	weak bool

	mu      sync.Mutex
	files   map[string]string
	settled map[string][]string // contents that were gone from the vendor
	fetches int
}

func newVendor(t *testing.T, weak bool, files map[string]string) *vendor {
	return &vendor{t: t, weak: weak, files: maps.Clone(files), settled: map[string][]string{}}
}

func (v *vendor) put(name, content string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.files[name] = content
}

func (v *vendor) left() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.files))
}

// source is the vendor as one run sees it.
type source struct {
	*vendor
	*breaker
	ledger ccr.Ledger // the run's own, for the invariant of Settle; may be nil
}

func (s *source) List(context.Context) (items []Item, err error) {
	err = s.do("list", func() error {
		s.locked(func() {
			for _, name := range slices.Sorted(maps.Keys(s.files)) {
				it := Item{Name: name, Size: -1}
				if !s.weak {
					it.Size, it.Identity = int64(len(s.files[name])), "id of "+s.files[name]
				}
				items = append(items, it)
			}
		})
		return nil
	})
	return items, err
}

func (s *source) Present(ctx context.Context) (map[string]bool, error) {
	items, err := s.List(ctx)
	return names(items), err
}

func (s *source) locked(f func()) {
	s.vendor.mu.Lock()
	defer s.vendor.mu.Unlock()
	f()
}

func (s *source) Fetch(_ context.Context, item Item, restart func() (io.Writer, error)) error {
	return s.do("fetch", func() error {
		var content string
		found := false
		s.locked(func() { content, found = s.files[item.Name]; s.fetches++ })
		if !found {
			return ccr.ErrNotFound // another worker was faster
		}
		w, err := restart()
		if err != nil {
			return err
		}
		if len(content) > 1 { // a first attempt that breaks off half way
			if _, err := io.WriteString(w, content[:len(content)/2]+"garbage"); err != nil {
				return err
			}
			if w, err = restart(); err != nil {
				return err
			}
		}
		for chunk := range slices.Chunk([]byte(content), 3) {
			if _, err := w.Write(chunk); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *source) Settle(ctx context.Context, item Item, check func() error) error {
	return s.do("settle", func() error {
		if err := check(); err != nil {
			return err
		}
		s.locked(func() {
			content, ok := s.files[item.Name]
			if !ok {
				return // as after a settle whose answer was lost
			}
			if s.ledger != nil {
				e, err := s.ledger.Load(context.WithoutCancel(ctx), testKey(item.Name))
				assert.NoError(s.t, err)
				assert.Contains(s.t, []string{ccr.StateDelivered, ccr.StateArchived}, e.State, "settled before the delivery was on record")
				assert.Equal(s.t, sumOf(content), e.SHA256, "settled something else than was delivered")
			}
			s.settled[item.Name] = append(s.settled[item.Name], content)
			delete(s.files, item.Name)
		})
		return nil
	})
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// brokenLedger breaks around a real ledger.
type brokenLedger struct {
	ccr.Ledger
	*breaker
}

func (l *brokenLedger) Load(ctx context.Context, key string) (e ccr.LedgerEntry, err error) {
	err = l.do("load", func() error {
		e, err = l.Ledger.Load(ctx, key)
		return err
	})
	return e, err
}

func (l *brokenLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	return l.do("store "+e.State, func() error { return l.Ledger.Store(ctx, e) })
}

// brokenSink breaks around a real folder.
type brokenSink struct {
	dir *ccr.DirectorySink
	*breaker
	taken func(location string) // called right after a file became visible
	src   *source               // is told the ledger in use
	open  atomic.Int64          // files that were neither staged, committed nor aborted
}

func (s *brokenSink) OpenLedger(ctx context.Context) (ccr.Ledger, func() error, error) {
	if err := s.point("before open ledger"); err != nil {
		return nil, nil, err
	}
	l, closeIt, err := s.dir.OpenLedger(ctx)
	if err != nil {
		return nil, nil, err
	}
	s.src.ledger = l
	return &brokenLedger{l, s.breaker}, func() error {
		// The death of a process releases its locks, too.
		return errors.Join(closeIt(), s.point("after close ledger"))
	}, nil
}

func (s *brokenSink) Create(ctx context.Context, item ccr.Item) (f ccr.Delivery, err error) {
	err = s.do("create", func() error {
		f, err = s.dir.Create(ctx, item)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.open.Add(1)
	return &brokenFile{f, s, new(sync.Once)}, nil
}

func (s *brokenSink) Resume(ctx context.Context, item ccr.Item, ref string) (f ccr.Delivery, staging ccr.Staging, err error) {
	err = s.do("resume", func() error {
		f, staging, err = s.dir.Resume(ctx, item, ref)
		return err
	})
	if err != nil || f == nil {
		return nil, staging, err
	}
	ended := new(sync.Once)
	ended.Do(func() {}) // a staged file holds nothing open
	return &brokenFile{f, s, ended}, staging, nil
}

type brokenFile struct {
	ccr.Delivery
	s     *brokenSink
	ended *sync.Once
}

func (f *brokenFile) end() { f.ended.Do(func() { f.s.open.Add(-1) }) }

func (f *brokenFile) Write(p []byte) (n int, err error) {
	if err := f.s.point("before write"); err != nil {
		return 0, err
	}
	n, err = f.Delivery.Write(p[:(len(p)+1)/2])
	if err == nil {
		err = f.s.point("half written")
	}
	if err == nil {
		var m int
		m, err = f.Delivery.Write(p[n:])
		n += m
	}
	return n, err
}

func (f *brokenFile) Stage(ctx context.Context) (ticket string, err error) {
	f.end()
	err = f.s.do("stage", func() error {
		ticket, err = f.Delivery.Stage(ctx)
		return err
	})
	return ticket, err
}

func (f *brokenFile) Commit(ctx context.Context) (location string, err error) {
	f.end()
	err = f.s.do("commit", func() error {
		location, err = f.Delivery.Commit(ctx)
		if err == nil && location != "" { // else another worker's Commit was first
			f.s.taken(location)
		}
		return err
	})
	return location, err
}

func (f *brokenFile) Abort(ctx context.Context) error {
	f.end()
	return f.s.do("abort", func() error { return f.Delivery.Abort(ctx) })
}

// plainSink hides staging and the ledger of a folder.
type plainSink struct{ s *brokenSink }

func (p plainSink) Create(ctx context.Context, item ccr.Item) (ccr.Delivery, error) {
	item.Token = rand.Text() // the engine may come again with a token that a folder has seen
	f, err := p.s.Create(ctx, item)
	if err != nil {
		return nil, err
	}
	return plainFile{f}, nil
}

func (plainSink) Resume(context.Context, ccr.Item, string) (ccr.Delivery, ccr.Staging, error) {
	return nil, "", errors.ErrUnsupported
}

type plainFile struct{ ccr.Delivery }

func (plainFile) Stage(context.Context) (string, error) { return "", errors.ErrUnsupported }

// consumer takes files out of a sink folder.
type consumer struct {
	t   *testing.T
	mu  sync.Mutex
	got map[string][]string // content by the vendor's name
}

func (c *consumer) take(location string) {
	b, err := os.ReadFile(location)
	require.NoError(c.t, err)
	require.NoError(c.t, os.Remove(location))
	c.mu.Lock()
	defer c.mu.Unlock()
	name := filepath.Base(location)
	if stem, rest, ok := strings.Cut(name, ".other-"); ok {
		name = stem + filepath.Ext(rest)
	}
	c.got[name] = append(c.got[name], string(b))
}

// collect takes everything that is visible.
func (c *consumer) collect(dir string) {
	list, err := os.ReadDir(dir)
	require.NoError(c.t, err)
	for _, e := range list {
		if !e.IsDir() {
			c.take(filepath.Join(dir, e.Name()))
		}
	}
}

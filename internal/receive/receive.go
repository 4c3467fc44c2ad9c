package receive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Item is one thing that a vendor has for us.
type Item struct {
	Name    string    // as the vendor wrote it; the key of its ledger entry
	Size    int64     // -1 if not known beforehand; content of another size is refused
	ModTime time.Time // zero if not known
	// Identity tells contents under one name apart without fetching them
	// (size and time on an SFTP server). Empty if the vendor lists names only.
	Identity string
}

// Source is a vendor's side of a Receive. Fetch and Settle are called
// concurrently for different items if Options.Concurrency allows.
type Source interface {
	// List returns what is there to receive.
	List(ctx context.Context) ([]Item, error)
	// Fetch writes the whole content of item, or returns an error: nil only
	// if the content is known to be whole. restart gives a fresh writer and
	// discards what was written before, for a retry inside Fetch; it must be
	// called before the first write, for empty content too. An error of
	// restart or of the writer is the sink's: retrying does not help.
	Fetch(ctx context.Context, item Item, restart func() (io.Writer, error)) error
	// Settle tells the vendor that its copy is no longer needed (archive,
	// remove, move). It may be called again for an item that was settled
	// before, and should succeed then where the vendor allows to tell.
	Settle(ctx context.Context, item Item) error
}

// Options adjust a [Run].
type Options struct {
	Service     string // "gateway" or "sftp": part of the ledger key, and named in errors
	Environment string // part of the ledger key
	// Ledger remembers what was received. nil: the sink's own, if it has one,
	// else one that lasts for this Run only.
	Ledger      ccr.Ledger
	LeaveRemote bool             // never settle
	Concurrency int              // items at once; default 1
	Progress    ccr.ProgressFunc // bytes per item, and its state when done
	Logger      *slog.Logger     // one event per item; nil: none
}

// Run receives everything that the source lists. The result has one entry for
// each listed name, in the order of the list (nil if it could not be listed);
// the error joins what failed, one *ccr.Error an item. When the context ends,
// no further item is begun, and those are reported as failed.
func Run(ctx context.Context, src Source, sink ccr.Sink, opts Options) (_ []ccr.Received, err error) {
	e := &engine{src: src, sink: sink, opts: opts, log: opts.Logger}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	release, err := e.openLedger(ctx)
	if err != nil {
		return nil, e.failure("", err, "")
	}
	defer func() {
		if rerr := release(); rerr != nil {
			err = errors.Join(err, e.failure("", fmt.Errorf("close ledger: %w", rerr), ""))
		}
	}()
	listed, err := src.List(ctx)
	if err != nil {
		return nil, e.failure("", err, "Nothing was received.")
	}
	items := distinct(listed)
	received := make([]ccr.Received, len(items))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(max(opts.Concurrency, 1), len(items)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(items) {
					return
				}
				received[i] = e.handle(ctx, items[i])
			}
		})
	}
	wg.Wait()
	return received, e.sum(ctx, items, received)
}

// sum fills in the items that were not begun and joins the errors.
func (e *engine) sum(ctx context.Context, items []Item, received []ccr.Received) error {
	var errs []error
	left := 0
	for i := range received {
		r := &received[i]
		if r.State == "" {
			left++
			*r = ccr.Received{Name: items[i].Name, Size: items[i].Size, State: ccr.ReceiveFailed,
				Err: e.failure(items[i].Name, ended(ctx), "It was not begun; run Receive again.")}
			continue
		}
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	if left > 0 {
		errs = append(errs, e.failure("", fmt.Errorf("%d of the files not begun: %w", left, ended(ctx)), "Run Receive again."))
	}
	return errors.Join(errs...)
}

// distinct drops repeated names; the first one counts.
func distinct(items []Item) []Item {
	seen := make(map[string]bool, len(items))
	out := make([]Item, 0, len(items))
	for _, it := range items {
		if !seen[it.Name] {
			seen[it.Name] = true
			out = append(out, it)
		}
	}
	return out
}

type engine struct {
	src    Source
	sink   ccr.Sink
	ledger ccr.Ledger
	opts   Options
	log    *slog.Logger
}

// ledgerSink is a sink with a ledger of its own, as [ccr.DirectorySink].
type ledgerSink interface {
	OpenLedger(ctx context.Context) (l ccr.Ledger, release func() error, err error)
}

func (e *engine) openLedger(ctx context.Context) (release func() error, err error) {
	release = func() error { return nil }
	switch own, ok := e.sink.(ledgerSink); {
	case e.sink == nil:
		return nil, errors.New("no sink to receive into")
	case e.opts.Ledger != nil:
		e.ledger = e.opts.Ledger
	case ok:
		e.ledger, release, err = own.OpenLedger(ctx)
	default:
		e.ledger = ccr.NewMemoryLedger()
	}
	return release, err
}

// handle receives one item and reports it.
func (e *engine) handle(ctx context.Context, item Item) ccr.Received {
	j := &job{engine: e, item: item}
	r := j.run(ctx)
	if e.opts.Progress != nil {
		e.opts.Progress(ccr.Progress{Operation: operation, Name: r.Name, Bytes: j.bytes,
			TotalBytes: max(item.Size, 0), State: string(r.State), Done: true})
	}
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("service", e.opts.Service), slog.String("environment", e.opts.Environment),
		slog.String("name", r.Name), slog.String("state", string(r.State)), slog.Int64("size", r.Size),
	}
	if r.Err != nil {
		level, attrs = slog.LevelWarn, append(attrs, slog.Any("error", r.Err))
	}
	e.log.LogAttrs(ctx, level, "ccr received", attrs...)
	return r
}

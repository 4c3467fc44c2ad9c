package receive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/wait"
)

// Item is one thing that a vendor has for us.
type Item struct {
	Name    string    // as the vendor wrote it: any bytes; part of the key of its ledger entry
	Size    int64     // as listed, -1 if not known; the source decides what is whole
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
	// Present returns the names of all that the vendor has right now, without
	// any choice or wait.
	Present(ctx context.Context) (map[string]bool, error)
	// Fetch writes the whole content of item, or returns an error: nil only
	// if the content is known to be whole. restart gives a fresh writer and
	// discards what was written before, for a retry inside Fetch; it must be
	// called before the first write, for empty content too. An error of
	// restart or of the writer is the sink's: retrying does not help.
	Fetch(ctx context.Context, item Item, restart func() (io.Writer, error)) error
	// Settle tells the vendor that its copy is no longer needed (archive,
	// remove, move). It calls check right before the first byte of each
	// request that changes something, and sends nothing after an error of it.
	// It may be called again for an item that was settled before, and should
	// succeed then where the vendor allows to tell.
	Settle(ctx context.Context, item Item, check func() error) error
}

// Options adjust a [Run].
type Options struct {
	Service     string // "gateway" or "sftp": part of the ledger key, and named in errors
	Environment string // part of the ledger key, as are Account and Folder
	Account     string
	Folder      string // the full remote folder
	// Ledger remembers what was received. nil: the sink's own, if it has one.
	Ledger      ccr.Ledger
	Lease       ccr.LeasePolicy
	LeaveRemote bool             // never settle
	SkipClaimed bool             // do not wait for what other workers are at work on
	Concurrency int              // items at once; default 1
	Progress    ccr.ProgressFunc // bytes per item, and its state when done
	Logger      *slog.Logger     // one event per item; nil: none
}

// Run receives everything that the source lists. The result has one entry for
// each listed name, in the order of the list (nil if it could not be listed);
// the error joins what failed, one *ccr.Error an item. Without an error and
// without SkipClaimed, everything that was listed is in the sink. When the
// context ends, no further item is begun, and those are reported as failed.
func Run(ctx context.Context, src Source, sink ccr.Sink, opts Options) (_ []ccr.Received, err error) {
	e := &engine{src: src, sink: sink, opts: opts, log: opts.Logger}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	release, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if rerr := release(); rerr != nil {
			err = errors.Join(err, e.failure("", fmt.Errorf("close ledger: %w", rerr), ""))
		}
	}()
	if err := e.sweep(ctx); err != nil {
		return nil, e.failure("", err, "Nothing was received.")
	}
	began := time.Now()
	listed, err := src.List(ctx)
	if err != nil {
		return nil, e.failure("", err, "Nothing was received.")
	}
	jobs := e.jobs(listed)
	e.work(ctx, jobs)
	received, err := e.sum(ctx, jobs)
	if err == nil && !opts.LeaveRemote {
		if ferr := e.finish(ctx, jobs, began); ferr != nil {
			err = e.failure("", ferr, "Everything that was listed is in the sink; only entries of earlier runs were not finished.")
		}
	}
	return received, err
}

type engine struct {
	src  Source
	sink ccr.Sink
	book *ledger.Book
	opts Options
	log  *slog.Logger
}

// ledgerSink is a sink with a ledger of its own, as [ccr.DirectorySink].
type ledgerSink interface {
	OpenLedger(ctx context.Context) (l ccr.Ledger, release func() error, err error)
}

// open opens the ledger.
func (e *engine) open(ctx context.Context) (release func() error, err error) {
	var f ccr.Faults
	if e.sink == nil {
		f.Add("sink", "is required")
		return nil, f.Err(e.opts.Service, operation)
	}
	l, release := e.opts.Ledger, func() error { return nil }
	if l == nil {
		own, ok := e.sink.(ledgerSink)
		if !ok {
			f.Add("options.Ledger", "is required: this sink has none of its own")
			return nil, f.Err(e.opts.Service, operation)
		}
		if l, release, err = own.OpenLedger(ctx); err != nil {
			return nil, e.failure("", err, "Nothing was received.")
		}
	}
	e.book = ledger.New(l, e.opts.Lease)
	return release, nil
}

// jobs makes one of each name; the first of the same ones counts.
func (e *engine) jobs(listed []Item) []*job {
	seen := make(map[string]bool, len(listed))
	out := make([]*job, 0, len(listed))
	for _, it := range listed {
		if !seen[it.Name] {
			seen[it.Name] = true
			out = append(out, &job{engine: e, item: it, key: e.key(it.Name)})
		}
	}
	return out
}

// key is the key of an item's ledger entry.
func (e *engine) key(name string) string {
	return ledger.Key(ledger.KindIn, e.opts.Service, e.opts.Environment, e.opts.Account, e.opts.Folder, name)
}

// work brings all jobs to their end: first what nobody else is at work on,
// then what others had claimed, then what others archived since the listing.
func (e *engine) work(ctx context.Context, jobs []*job) {
	e.pass(ctx, jobs)
	claimed := left(jobs, errClaimed)
	for _, j := range claimed {
		if e.opts.SkipClaimed {
			e.report(ctx, j, j.elsewhere())
		} else {
			j.wait = true
		}
	}
	if !e.opts.SkipClaimed {
		e.pass(ctx, claimed)
	}
	doubtful := left(jobs, errDoubtful)
	if len(doubtful) == 0 || ctx.Err() != nil {
		return
	}
	present, err := e.src.Present(ctx)
	for _, j := range doubtful {
		switch {
		case err != nil:
			e.report(ctx, j, j.failed(err))
		case !present[j.item.Name]:
			e.report(ctx, j, j.done(j.found))
		default:
			j.listedAgain, j.wait = true, !e.opts.SkipClaimed
		}
	}
	e.pass(ctx, left(doubtful, errDoubtful))
	for _, j := range left(doubtful, errClaimed) {
		e.report(ctx, j, j.elsewhere())
	}
}

// left are the jobs that ended with an error that says what is open.
func left(jobs []*job, open error) []*job {
	return slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return j.received.State != "" || !errors.Is(j.open, open) })
}

// pass runs jobs, some at once, until the context ends.
func (e *engine) pass(ctx context.Context, jobs []*job) {
	next := make(chan *job)
	var wg sync.WaitGroup
	for range min(max(e.opts.Concurrency, 1), len(jobs)) {
		wg.Go(func() {
			for j := range next {
				if ctx.Err() != nil {
					continue
				}
				j.open = nil
				r, err := j.run(ctx)
				if err != nil {
					j.open = err
					continue
				}
				e.report(ctx, j, r)
			}
		})
	}
	for _, j := range jobs {
		if ctx.Err() != nil {
			break
		}
		next <- j
	}
	close(next)
	wg.Wait()
}

// report notes and tells what became of an item.
func (e *engine) report(ctx context.Context, j *job, r ccr.Received) {
	j.received = r
	if e.opts.Progress != nil {
		e.opts.Progress(ccr.Progress{Operation: operation, Name: r.Name, Bytes: j.bytes,
			TotalBytes: max(j.item.Size, 0), State: string(r.State), Done: true})
	}
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("service", e.opts.Service), slog.String("environment", e.opts.Environment),
		slog.String("name", r.Name), slog.String("state", string(r.State)), slog.Int64("size", r.Size),
	}
	if r.Err != nil {
		level, attrs = slog.LevelWarn, append(attrs, slog.Any("error", r.Err))
	}
	e.log.LogAttrs(ctx, level, "ccr received", attrs...)
}

// sum fills in the items that were not begun and joins the errors.
func (e *engine) sum(ctx context.Context, jobs []*job) ([]ccr.Received, error) {
	received := make([]ccr.Received, len(jobs))
	var errs []error
	open := 0
	for i, j := range jobs {
		if j.received.State == "" {
			open++
			j.received = ccr.Received{Name: j.item.Name, Size: j.item.Size, State: ccr.ReceiveFailed,
				Err: e.failure(j.item.Name, wait.Ended(ctx), "It was not begun; run Receive again.")}
		} else if j.received.Err != nil {
			errs = append(errs, j.received.Err)
		}
		received[i] = j.received
	}
	if open > 0 {
		errs = append(errs, e.failure("", fmt.Errorf("%d of the files not begun: %w", open, wait.Ended(ctx)), "Run Receive again."))
	}
	return received, errors.Join(errs...)
}

package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/receive"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// After says what happens to a remote file once it is safe in the sink.
type After string

const (
	// LeaveRemote leaves it; the ledger remembers that it was received. It is
	// the default: neither vendor says that clients may or should remove files.
	LeaveRemote After = "leave"
	// RemoveRemote deletes it.
	RemoveRemote After = "remove"
	// MoveRemote renames it into [ReceiveOptions.MoveTo].
	MoveRemote After = "move"
)

// ReceiveOptions adjust [Client.Receive] and [Client.Watch].
type ReceiveOptions struct {
	// Folder is relative to the layout's Root; "" is the folder of downloads.
	Folder string
	// After says what happens to the remote file at last. Default LeaveRemote.
	// Before it is removed or moved, it is looked at again: one that changed
	// since it was received stays.
	After  After
	MoveTo string // MoveRemote: a folder relative to Root, which must exist
	// StableFor is how long size and time of a file must stay the same before
	// it is fetched. Default 5 s; negative: it is fetched at once, for vendors
	// that make files appear whole. Files that change meanwhile are left to
	// the next Receive.
	StableFor time.Duration
	// Match chooses files; nil takes all regular ones whose name is not that
	// of a temporary file.
	Match func(Entry) bool
	// Ledger remembers what was received, and who is at work on what. nil: the
	// one that a [ccr.DirSink] keeps in its folder, for one process at a time;
	// any other sink needs one. Workers that share a ledger divide the files
	// among them, and must share the sink.
	Ledger ccr.Ledger
	// SkipClaimed leaves what other workers are at work on to them, without
	// waiting: it is reported as [ccr.ClaimedElsewhere], and [ccr.Complete] is
	// false. Watch always does so.
	SkipClaimed bool
	// Channels is what [DownloadOptions.Channels] is.
	Channels int
	// Progress is called for each file.
	Progress ccr.ProgressFunc
}

// WatchOptions adjust [Client.Watch].
type WatchOptions struct {
	// Interval is the poll interval; default 5 min.
	Interval time.Duration
	ReceiveOptions
}

const defaultStableFor = 5 * time.Second

// Receive brings the files of the downloads folder into a sink, each once:
// list, wait until files are stable, skip what the ledger knows, fetch, check,
// hand to the sink, note it, and only then remove or move the remote file if
// asked to. Whatever moment the process dies at, the next Receive goes on
// from there, and nothing is lost or delivered twice.
//
// Several workers may do so at once over one ledger and one sink: each file is
// claimed before it is fetched, for as long as [Config.Lease] says, and waited
// for while another worker is at work on it. What a dead worker had claimed is
// taken over when its claim ends.
//
// The result has one element for each file that was dealt with. The error
// joins the failures; without one, and without SkipClaimed, everything that
// was listed (and stable) is in the sink.
func (c *Client) Receive(ctx context.Context, sink ccr.Sink, o ReceiveOptions, opts ...ccr.CallOption) ([]ccr.Received, error) {
	const op = "Receive"
	ctx, cancel, id, err := call(ctx, op, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	src, err := c.source(op, id, o)
	if err != nil {
		return nil, err
	}
	return src.receive(ctx, sink)
}

// Watch receives again and again, about every Interval, until
// the context ends or the loop is left. What it has seen before counts as
// stable if it looks the same one interval later, without further waiting.
// Errors are yielded, and watching goes on. What other workers are at work on
// is left to them.
func (c *Client) Watch(ctx context.Context, sink ccr.Sink, o WatchOptions, opts ...ccr.CallOption) iter.Seq2[[]ccr.Received, error] {
	const op = "Receive"
	_, cancel, id, err := call(ctx, op, opts)
	var src *source
	if err == nil {
		o.SkipClaimed = true
		cancel() // a timeout is for each Receive, not for watching
		src, err = c.source(op, id, o.ReceiveOptions)
	}
	if err != nil {
		return func(yield func([]ccr.Received, error) bool) { yield(nil, err) }
	}
	return receive.Watch(ctx, o.Interval, func(ctx context.Context) ([]ccr.Received, error) {
		ctx, cancel, _, err := call(ctx, op, opts)
		if err != nil {
			return nil, err
		}
		defer cancel()
		return src.receive(ctx, sink)
	})
}

// source is a downloads folder as the engine of internal/receive sees it.
type source struct {
	c    *Client
	id   string // correlation id
	o    ReceiveOptions
	dir  string
	move string
	seen map[string]sighting // by name; only List uses it

	mu      sync.Mutex
	refused error // the account may not remove or move: nothing is compared again for it
}

// sighting is how a file looked, and since when.
type sighting struct {
	size  int64
	mod   time.Time
	since time.Time
}

func (c *Client) source(op, id string, o ReceiveOptions) (*source, error) {
	dir, err := c.folder(op, o.Folder)
	if err != nil {
		return nil, err
	}
	var f ccr.Faults
	switch o.After {
	case "":
		o.After = LeaveRemote
	case LeaveRemote, RemoveRemote:
	case MoveRemote:
		if msg := checkFolder(o.MoveTo); msg != "" {
			f.Add("MoveTo", msg)
		} else if o.MoveTo == "" || join(c.cfg.Layout.Root, o.MoveTo) == dir {
			f.Add("MoveTo", "must be another folder than the one that is received from")
		}
	default:
		f.Add("After", "is not one of LeaveRemote, RemoveRemote, MoveRemote")
	}
	if o.After != MoveRemote && o.MoveTo != "" {
		f.Add("MoveTo", "needs After: MoveRemote")
	}
	DownloadOptions{Channels: o.Channels}.faults(&f)
	if o.StableFor == 0 {
		o.StableFor = defaultStableFor
	}
	return &source{c: c, id: id, o: o, dir: dir, move: join(c.cfg.Layout.Root, o.MoveTo), seen: map[string]sighting{}}, f.Err(serviceName, op)
}

func (s *source) receive(ctx context.Context, sink ccr.Sink) ([]ccr.Received, error) {
	leave, err := s.c.enter()
	if err != nil {
		return nil, failure("Receive", s.dir, ccr.OutcomeNotSent, err)
	}
	defer leave()
	return receive.Run(ctx, s, sink, receive.Options{
		Service: serviceName, Environment: s.c.environment, Account: s.c.cfg.Layout.Vendor + "/" + s.c.cfg.User, Folder: s.dir,
		Ledger: s.o.Ledger, Lease: s.c.cfg.Lease, LeaveRemote: s.o.After == LeaveRemote, SkipClaimed: s.o.SkipClaimed,
		Concurrency: s.c.cfg.Concurrency, Progress: s.o.Progress, Logger: s.c.cfg.Logger,
	})
}

func (s *source) failed(subject string, err error) error {
	return withID(failure("Receive", subject, "", err), s.id)
}

// List looks until what it returns has been the same for long enough.
func (s *source) List(ctx context.Context) ([]receive.Item, error) {
	entries, err := s.poll(ctx)
	if err == nil && s.o.StableFor > 0 && s.anyYoung(entries) {
		if err := sleep(ctx, s.o.StableFor); err != nil {
			return nil, s.failed(s.dir, err)
		}
		entries, err = s.poll(ctx)
	}
	if err != nil {
		return nil, s.failed(s.dir, missing(err))
	}
	var items []receive.Item
	for _, e := range entries {
		if s.young(e) {
			s.c.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "sftp file is still being written", slog.String("service", serviceName), slog.String("path", e.Path))
			continue
		}
		items = append(items, receive.Item{Name: e.Name, Size: said(e.Size), ModTime: e.ModTime, Identity: s.identity(e)})
	}
	return items, nil
}

// Present implements [receive.Source].
func (s *source) Present(ctx context.Context) (map[string]bool, error) {
	all, err := run(ctx, s.c, func(ctx context.Context) ([]Entry, error) { return s.c.list(ctx, s.dir) })
	if err != nil {
		return nil, s.failed(s.dir, missing(err))
	}
	present := make(map[string]bool, len(all))
	for _, e := range all {
		present[e.Name] = true
	}
	return present, nil
}

// poll lists once and notes how each file looks.
func (s *source) poll(ctx context.Context) ([]Entry, error) {
	all, err := run(ctx, s.c, func(ctx context.Context) ([]Entry, error) {
		all, err := s.c.list(ctx, s.dir)
		for i, e := range all {
			// A size of zero may only mean that the listing did not say.
			if err == nil && e.Regular && e.Size == 0 {
				all[i], err = s.c.statEntry(ctx, e)
			}
		}
		return all, err
	})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	seen := make(map[string]sighting, len(all))
	var entries []Entry
	for _, e := range all {
		if !e.Regular || s.o.Match != nil && !s.o.Match(e) || s.o.Match == nil && e.Temporary {
			continue
		}
		at := sighting{e.Size, e.ModTime, now}
		if before, ok := s.seen[e.Name]; ok && before.size == at.size && before.mod.Equal(at.mod) {
			at.since = before.since
		}
		seen[e.Name] = at
		entries = append(entries, e)
	}
	s.seen = seen
	return entries, nil
}

// statEntry asks for the attributes by name; a file that has gone since keeps
// what the listing said.
func (c *Client) statEntry(ctx context.Context, e Entry) (Entry, error) {
	err := c.repeat(ctx, func(_ context.Context, s *engine.Session) error {
		st, err := s.First().Stat(e.Path)
		if err == nil {
			name, dir := e.Name, strings.TrimSuffix(e.Path, e.Name)
			e = entry(dir, st)
			e.Name, e.Path = name, dir+name
		}
		return err
	})
	if _, refused := engine.StatusCode(err); refused {
		return e, nil
	}
	return e, err
}

func (s *source) young(e Entry) bool {
	return s.o.StableFor > 0 && time.Since(s.seen[e.Name].since) < s.o.StableFor
}

func (s *source) anyYoung(entries []Entry) bool {
	for _, e := range entries {
		if s.young(e) {
			return true
		}
	}
	return false
}

// identity tells versions of a file apart; empty if the server gives no times.
// It is empty, too, where the file is to go at last: size and second are too
// little to remove a file on an earlier run's word, so it is compared.
func (s *source) identity(e Entry) string {
	if e.ModTime.IsZero() || s.o.After != LeaveRemote && s.mayNotSettle() == nil {
		return ""
	}
	return fmt.Sprintf("%d@%d", e.Size, e.ModTime.Unix())
}

func (s *source) mayNotSettle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

func (s *source) path(item receive.Item) string { return join(s.dir, item.Name) }

// Fetch writes the whole file. A connection that breaks is followed by
// another, which goes on where it was.
func (s *source) Fetch(ctx context.Context, item receive.Item, restart func() (io.Writer, error)) error {
	if !checkListed(item.Name) && !strings.Contains(item.Name, `\`) {
		return s.failed("", &engine.LocalError{Err: errors.New("the server's name for a file could lead elsewhere; refused")})
	}
	d := &download{
		c: s.c, op: "Receive", name: item.Name, path: s.path(item), channels: s.o.Channels,
	}
	d.expect(Entry{Size: item.Size, ModTime: item.ModTime})
	w, err := restart()
	if err != nil {
		return err
	}
	_, err = run(ctx, s.c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.c.move(ctx, &d.closing, func(ctx context.Context) error {
			return d.into(ctx, func() (io.Writer, error) { return w, nil })
		})
	})
	d.end()
	if err != nil {
		return s.failed(d.path, err)
	}
	return nil
}

// Settle removes or moves the remote file, unless it is not the one that was
// received any more. One that is gone was settled before.
func (s *source) Settle(ctx context.Context, item receive.Item, check func() error) error {
	path := s.path(item)
	if err := s.mayNotSettle(); err != nil {
		return s.failed(path, err)
	}
	_, err := run(ctx, s.c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.c.repeat(ctx, func(ctx context.Context, ss *engine.Session) error {
			ch := ss.First()
			var now Entry
			st, err := ch.Stat(path)
			if err == nil {
				now = entry(s.dir, st)
			}
			switch {
			case engine.IsStatus(err, engine.StatusNoSuchFile):
				return nil
			case err != nil:
				return err
			case !now.Regular || said(now.Size) != item.Size || !now.ModTime.Equal(item.ModTime):
				return fmt.Errorf("%w: it is not the one that was received, so it stays", ErrRemoteChanged)
			}
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			return s.takeAway(ch, item, check)
		})
	})
	if err != nil {
		if engine.IsStatus(err, engine.StatusPermission) {
			s.mu.Lock()
			s.refused = err
			s.mu.Unlock()
		}
		return s.failed(path, err)
	}
	return nil
}

// takeAway removes or moves the remote file, as After says.
func (s *source) takeAway(ch *engine.Channel, item receive.Item, check func() error) error {
	path := s.path(item)
	if s.o.After == RemoveRemote {
		if err := check(); err != nil {
			return err
		}
		return ch.Remove(path)
	}
	to := join(s.move, item.Name)
	switch err := ch.Exists(to); {
	case err == nil:
		return ErrExists
	case engine.IsLost(err):
		return err
	}
	if err := check(); err != nil {
		return err
	}
	return missing(ch.Rename(path, to))
}

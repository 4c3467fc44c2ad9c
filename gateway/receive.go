package gateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/bacs"
	"github.com/ccr-sdk/ccr/internal/receive"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// ReceiveOptions adjust [Client.Receive] and [Client.Watch]; both work without.
type ReceiveOptions struct {
	// LeaveRemote delivers reports without archiving them at the bureau. What
	// the ledger knows is not fetched again.
	LeaveRemote bool
	// Concurrency is how many reports are fetched at once; 0 is 1, at most 64.
	// The bureau publishes no limits, so be modest.
	Concurrency int
	// Ledger remembers what was received, and who is at work on what. nil: the
	// one that a [ccr.DirSink] keeps in its folder, for one process at a time;
	// any other sink needs one. Workers that share a ledger divide the reports
	// among them, and must share the sink.
	Ledger ccr.Ledger
	// SkipClaimed leaves what other workers are at work on to them, without
	// waiting: it is reported as [ccr.ClaimedElsewhere], and [ccr.Complete] is
	// false. Watch always does so.
	SkipClaimed bool
	// Match chooses reports by name; nil takes all.
	Match func(name string) bool
	// AcceptAnyContent delivers and archives reports even if their XML ends
	// before the root element is closed, or their name ends in .xml and they
	// are not XML, should the bureau send such a thing. All other checks stay.
	// A report of no bytes is delivered, too.
	AcceptAnyContent bool
	// MaxReportSize is how many bytes a report may have; 0 is [MaxReportSize].
	MaxReportSize int64
	// Progress is told the bytes of each report and what became of it. With
	// Concurrency it is called from several goroutines.
	Progress ccr.ProgressFunc
	// CorrelationID appears in errors and log events of every request.
	CorrelationID string
}

// Receive brings every waiting report into the sink and archives it at the
// bureau only once it is safe there. It may be killed at any moment and run
// again: no report is lost, none is delivered twice.
//
// For each name that listReports gives, it fetches the report with testByName,
// which is taken to return the same bytes as downloadByName and not to archive
// (both inferred, the latter strongly), checks that it is whole, persists it,
// and then calls archiveByName. Whole means: HTTP 2xx, the JSON ended, exactly
// one file of the asked name came, its row is OK, its data are strict base64
// and not empty, and an XML document has its root element closed. What fails a
// check is not archived; what came of it stays in the sink's private place.
//
// Several workers may do so at once over one ledger and one sink: each report
// is claimed before it is fetched, for as long as [ccr.WithLease] says, and
// waited for while another worker is at work on it. What a dead worker had
// claimed is taken over when its claim ends.
//
// The result has one entry for each listed name. The error joins one
// [*ccr.Error] for each that failed; the others were received all the same.
// Without an error, and without SkipClaimed, everything that was listed is in
// the sink.
//
// The bureau can only be told a name. So if it gives a name to another report
// between the fetch and the archiving, that one is archived unread.
func (c *Client) Receive(ctx context.Context, sink ccr.Sink, opts ...ReceiveOptions) ([]ccr.Received, error) {
	run, err := c.receiver(sink, opts, 0, false)
	if err != nil {
		return nil, err
	}
	return run(ctx)
}

// Watch runs [Client.Receive] now and then every interval, give or take a
// fifth, until the context ends or the range is left. Errors are yielded and
// watching goes on; zero means five minutes. Reports that were received beside
// an error are yielded with it. What other workers are at work on is left to
// them.
func (c *Client) Watch(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...ReceiveOptions) iter.Seq2[[]ccr.Received, error] {
	run, err := c.receiver(sink, opts, interval, true)
	if err != nil {
		return func(yield func([]ccr.Received, error) bool) { yield(nil, err) }
	}
	return receive.Watch(ctx, interval, run)
}

// receiver checks the arguments and returns what receives once.
func (c *Client) receiver(sink ccr.Sink, opts []ReceiveOptions, interval time.Duration, watch bool) (func(context.Context) ([]ccr.Received, error), error) {
	var f ccr.Faults
	var o ReceiveOptions
	switch len(opts) {
	case 0:
	case 1:
		o = opts[0]
	default:
		f.Add("options", "are given more than once")
	}
	if sink == nil {
		f.Add("sink", "is required")
	}
	if o.MaxReportSize < 0 {
		f.Add("options.MaxReportSize", "must not be negative")
	}
	if interval < 0 {
		f.Add("interval", "must not be negative")
	}
	if o.Concurrency < 0 || o.Concurrency > maxConcurrency {
		f.Addf("options.Concurrency", "must be from 0 to %d", maxConcurrency)
	}
	src := &source{c: c, match: o.Match, anything: o.AcceptAnyContent, most: cmp.Or(o.MaxReportSize, MaxReportSize)}
	if o.CorrelationID != "" {
		if safetext.Token(o.CorrelationID) == "" {
			f.Add("options.CorrelationID", "must be 1 to 128 letters, digits or _.:/-")
		}
		src.call = []ccr.CallOption{ccr.WithCorrelationID(o.CorrelationID)}
	}
	if err := f.Err(service, "Receive"); err != nil {
		return nil, err
	}
	return func(ctx context.Context) ([]ccr.Received, error) {
		return receive.Run(ctx, src, sink, receive.Options{
			Service: service, Environment: c.t.Environment(), Account: c.secret.account(), Logger: c.t.Logger(),
			Ledger: o.Ledger, Lease: c.t.Lease(), LeaveRemote: o.LeaveRemote, SkipClaimed: o.SkipClaimed || watch,
			Concurrency: o.Concurrency, Progress: o.Progress,
		})
	}, nil
}

const maxConcurrency = 64

// source is the bureau as internal/receive sees it.
type source struct {
	c        *Client
	match    func(name string) bool // nil: all
	anything bool
	most     int64 // bytes of one report
	call     []ccr.CallOption
}

// List implements [receive.Source].
func (s *source) List(ctx context.Context) ([]receive.Item, error) {
	names, err := s.c.ListReports(ctx, s.call...)
	if err != nil {
		return nil, err
	}
	items := make([]receive.Item, 0, len(names))
	for _, name := range names {
		if s.match == nil || s.match(name) {
			items = append(items, receive.Item{Name: name, Size: -1})
		}
	}
	return items, nil
}

// Present implements [receive.Source].
func (s *source) Present(ctx context.Context) (map[string]bool, error) {
	names, err := s.c.ListReports(ctx, s.call...)
	if err != nil {
		return nil, err
	}
	present := make(map[string]bool, len(names))
	for _, name := range names {
		present[name] = true
	}
	return present, nil
}

// Settle implements [receive.Source]. A report that is no longer listed is
// archived, whatever the gateway said: an earlier attempt whose answer was
// lost may have done it.
func (s *source) Settle(ctx context.Context, item receive.Item, check func() error) error {
	_, err := s.c.ArchiveByName(transport.WithBefore(ctx, check), []string{item.Name}, s.call...)
	if err == nil || errors.Is(err, ccr.ErrNotSent) || errors.Is(err, ccr.ErrUnauthorized) {
		return err
	}
	if left, listErr := s.Present(ctx); listErr == nil && !left[item.Name] {
		return nil
	}
	return err
}

// Fetch implements [receive.Source].
func (s *source) Fetch(ctx context.Context, item receive.Item, restart func() (io.Writer, error)) error {
	r := request{route: routeTestByName, names: []string{item.Name}, call: s.call}
	var in *single
	r.events = func() fileEvents {
		in = &single{name: item.Name, restart: restart, most: s.most}
		return fileEvents{data: in.data, end: in.end}
	}
	a, resp, err := s.c.send(ctx, r)
	if err != nil {
		return err
	}
	return s.whole(r, in, a, resp)
}

// single takes the one file that was asked for.
type single struct {
	name    string
	restart func() (io.Writer, error)
	check   bacs.RootCheck
	w       io.Writer
	most    int64      // bytes
	size    int64      // that came
	got     answerFile // of the asked name
}

func (in *single) data(name string, named bool) (io.Writer, error) {
	if in.w != nil || named && name != in.name {
		return nil, nil // one too many: the answer will be refused
	}
	w, err := in.restart()
	if err != nil {
		return nil, err
	}
	in.w = w
	return in, nil
}

// Write passes data on and looks at them.
func (in *single) Write(p []byte) (int, error) {
	if in.size += int64(len(p)); in.size > in.most {
		return 0, errReportSize
	}
	in.check.Write(p) //nolint:errcheck // it never fails; it is asked at the end
	return in.w.Write(p)
}

func (in *single) end(got answerFile) error {
	if got.named && got.name == in.name {
		in.got = got
	}
	return got.err // of the base64 or the sink: nothing more is to be had
}

// whole says whether an answer that was read to its end brought a whole report.
func (s *source) whole(r request, in *single, a *answer, resp *transport.Response) error {
	if no := a.refused(); no != nil {
		return r.refusal(ccr.OutcomeRejected, resp, no)
	}
	row, said := a.row(in.name)
	var what string
	classes := []error{ccr.ErrIncomplete}
	switch {
	case a.files == 0:
		what = "the gateway listed it, but returned no file"
		if classes = append(classes, classesOf(a.text)...); len(classes) == 1 {
			classes = append(classes, ccr.ErrNotFound)
		}
	case a.files > 1:
		what = "more than one file came; want exactly the one that was asked for"
	case !in.got.named:
		what = "a file without a name, or of another one, came"
	case !said:
		what = "the gateway gave no status for it"
	case !row.OK():
		what = "its status is empty, not OK"
	case !in.got.hasData || in.got.size == 0 && !s.anything:
		what = "it is empty"
	default:
		return s.content(r, in, resp)
	}
	return r.failed(ccr.OutcomeRejected, resp, incomplete(what), classes...)
}

// content checks that the one file is XML to its end, if it has to be.
func (s *source) content(r request, in *single, resp *transport.Response) error {
	if in.w == nil { // of no bytes, none of which was written
		if _, err := in.restart(); err != nil {
			return err
		}
	}
	err := checkXML(&in.check, in.name)
	if err == nil || s.anything && isNotWholeXML(err) {
		return nil
	}
	return r.failed(ccr.OutcomeRejected, resp, err, ccr.ErrIncomplete)
}

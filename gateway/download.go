package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/bacs"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// Reports is what a download or test brought.
type Reports struct {
	Files []Report // in the order of the answer
	Rows  []Row    // what the gateway said of them
}

// Report is one file of an answer.
type Report struct {
	Name     string // the gateway's; made up ("unnamed-…") if it gave none
	Location string // where the sink put it; empty if it did not
	Size     int64  // bytes, of the file itself, not of its base64
	SHA256   string // lowercase hex; empty if it did not arrive whole
	// Err says what is wrong: without Location the file is not in the sink,
	// with Location it is there and doubtful (its row is not OK, or it is an
	// XML document that does not end).
	Err error
}

// Download ARCHIVES what it hands over: it fetches every waiting report into
// the sink, and a report that is lost on the way is lost for good. Use
// [Client.Receive] instead, unless you have a reason not to.
//
// It is never repeated. Whatever arrives whole is committed to the sink at
// once, even if the rest of the answer fails; then both the result and an
// error are returned. Without waiting reports the result is empty.
func (c *Client) Download(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*Reports, error) {
	return c.fetch(ctx, request{route: routeDownload, call: opts}, sink)
}

// DownloadByName ARCHIVES what it hands over: as [Client.Download], for the
// named reports. A name that did not come is named in the error.
func (c *Client) DownloadByName(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*Reports, error) {
	return c.fetch(ctx, request{route: routeDownloadByName, names: names, call: opts}, sink)
}

// Test fetches every waiting report into the sink and leaves it waiting. That
// it archives nothing is inferred from its name.
func (c *Client) Test(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*Reports, error) {
	return c.fetch(ctx, request{route: routeTest, call: opts}, sink)
}

// TestByName fetches the named reports into the sink and leaves them waiting.
// That it archives nothing, and returns the bytes that downloadByName would,
// is inferred.
func (c *Client) TestByName(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*Reports, error) {
	return c.fetch(ctx, request{route: routeTestByName, names: names, call: opts}, sink)
}

func (c *Client) fetch(ctx context.Context, r request, sink ccr.Sink) (*Reports, error) {
	if r.route == routeDownloadByName || r.route == routeTestByName {
		if err := r.checkNames(); err != nil {
			return nil, err
		}
	}
	if sink == nil {
		var f ccr.Faults
		f.Add("sink", "is required")
		return nil, f.Err(service, r.route.Operation)
	}
	r.salvage = destructive(r.route)
	var in *intake
	r.events = func() fileEvents {
		if in != nil { // a repetition; only tests are repeated
			in.drop()
		}
		in = &intake{ctx: ctx, sink: sink, environment: c.t.Environment(), most: MaxReportSize}
		return fileEvents{data: in.data, end: in.end}
	}
	a, resp, err := c.send(ctx, r)
	if in == nil {
		return nil, err // nothing came
	}
	in.drop()
	out := &Reports{Files: in.reports}
	if a != nil {
		out.Rows = a.rows
	}
	if err != nil {
		return out, err
	}
	return out, r.classify(out, a, resp)
}

// classify finds what is wrong with an answer that was read to its end.
func (r request) classify(out *Reports, a *answer, resp *transport.Response) error {
	fields, causes := r.missing(out, a)
	no := a.refused()
	silent := !a.hasFiles && !slices.ContainsFunc(a.rows, Row.OK)
	if len(fields) == 0 && no == nil && !a.preamble && !silent {
		return nil
	}
	outcome := ccr.OutcomeRejected
	if destructive(r.route) && (a.files > 0 || no == nil && !silent) {
		outcome = ccr.OutcomeUnknown // what did not come may be archived all the same
	}
	var e *ccr.Error
	switch {
	case no != nil:
		e = r.refusal(outcome, resp, no)
	case silent:
		e = r.contract(outcome, resp, errors.New("the answer has neither files nor a row that is OK"))
		e.Classes = append(e.Classes, classesOf(a.text)...)
	case len(causes) > 0:
		e = r.failed(outcome, resp, errors.Join(causes...))
		missing := func(class error) bool { return !errors.Is(e.Err, class) }
		e.Classes = append(e.Classes, slices.DeleteFunc([]error{ccr.ErrIncomplete, ccr.ErrInvalid}, missing)...)
	case len(fields) > 0:
		e = r.failed(outcome, resp, nil, ccr.ErrNotFound)
	default:
		e = r.contract(outcome, resp, errors.New("other text stands before the answer's JSON; every report in it was read all the same"))
	}
	e.Fields = fields
	return advise(e, r.route)
}

// missing sets the error of each file that did not come as it should, and
// returns the places and causes of all that is missing.
func (r request) missing(out *Reports, a *answer) (fields []ccr.FieldError, causes []error) {
	asked := make(map[string]bool, len(r.names))
	for _, name := range r.names {
		asked[name] = true
	}
	for i := range out.Files {
		f := &out.Files[i]
		row, ok := a.row(f.Name)
		switch {
		case f.Err != nil:
		case !ok:
			f.Err = incomplete("the gateway gave no status for it")
		case !row.OK():
			f.Err = &RefusedError{Rows: []Row{row}}
		case len(asked) > 0 && !asked[f.Name]:
			f.Err = errors.New("it was not asked for")
		}
		delete(asked, f.Name)
		if f.Err != nil {
			fields = append(fields, ccr.FieldError{Path: fmt.Sprintf("files[%d]", i), Message: "did not come as it should (see Report.Err)"})
			causes = append(causes, f.Err)
		}
	}
	for i, name := range r.names {
		if asked[name] {
			fields = append(fields, ccr.FieldError{Path: fmt.Sprintf("names[%d]", i), Message: "did not come"})
		}
	}
	return fields, causes
}

// intake takes the files of one answer into a sink. What goes wrong with one
// file does not keep it from taking the next.
type intake struct {
	ctx  context.Context
	sink ccr.Sink

	environment string
	most        int64 // bytes of one report
	reports     []Report
	file        *incoming
}

// incoming is a file between the beginning of its data and its end.
type incoming struct {
	in    *intake
	name  string
	file  ccr.Delivery
	hash  hash.Hash
	check bacs.RootCheck
	early []byte // data that came before the name
	size  int64
}

// MaxReportSize is how large a report may be: a larger one is not stored. Bacs
// reports have some megabytes at most.
const MaxReportSize = 1 << 30

// maxReports is how many files one answer may have.
const maxReports = 100_000

var (
	errReportSize = fmt.Errorf("%w: it is larger than MaxReportSize", ccr.ErrIncomplete)
	errReports    = fmt.Errorf("%w: more than %d files in one answer", ccr.ErrContract, maxReports)
)

// maxEarly bounds what is held while the name is not known yet.
const maxEarly = 8 << 20

func (in *intake) data(name string, named bool) (io.Writer, error) {
	if len(in.reports) >= maxReports {
		return nil, errReports
	}
	f := &incoming{in: in, hash: sha256.New()}
	in.file = f
	if !named {
		return f, nil
	}
	return f, f.create(name)
}

func (f *incoming) create(name string) (err error) {
	if name == "" {
		name = "unnamed-" + time.Now().UTC().Format("20060102T150405.000000000")
	}
	f.name = name
	f.file, err = f.in.sink.Create(f.in.ctx, ccr.Item{
		Service: service, Environment: f.in.environment, Name: name, Size: -1, Token: rand.Text(),
	})
	return err
}

func (f *incoming) Write(p []byte) (int, error) {
	if f.file == nil {
		if len(f.early)+len(p) <= maxEarly {
			f.early = append(f.early, p...)
			return len(p), nil
		}
		// Too much to wait for a name: better under a made-up one than lost.
		if err := f.begin(""); err != nil {
			return 0, err
		}
	}
	return f.write(p)
}

// begin creates the file and writes what came before its name.
func (f *incoming) begin(name string) error {
	if err := f.create(name); err != nil {
		return err
	}
	early := f.early
	f.early = nil
	_, err := f.write(early)
	return err
}

func (f *incoming) write(p []byte) (int, error) {
	if f.size += int64(len(p)); f.size > f.in.most {
		return 0, errReportSize
	}
	f.hash.Write(p)
	f.check.Write(p) //nolint:errcheck // it never fails; it is asked at the end
	return f.file.Write(p)
}

// end commits a file that is whole.
func (in *intake) end(got answerFile) error {
	f := in.file
	in.file = nil
	report := Report{Name: got.name, Size: got.size}
	defer func() { in.reports = append(in.reports, report) }()
	if f == nil {
		report.Err = incomplete("it came without data")
		return nil
	}
	if f.file == nil && got.err == nil && got.size > 0 {
		got.err = f.begin(got.name)
	}
	if f.name != "" {
		report.Name = f.name
	}
	switch {
	case got.err != nil:
		report.Err = errors.Join(got.err, f.abort())
		return nil
	case got.size == 0:
		report.Err = errors.Join(incomplete("it is empty"), f.abort())
		return nil
	}
	// What is archived at the vendor must not be given up because the caller
	// did in the same moment.
	location, err := f.file.Commit(context.WithoutCancel(in.ctx))
	if err != nil {
		report.Err = err
		return nil
	}
	report.Location, report.SHA256 = location, hex.EncodeToString(f.hash.Sum(nil))
	report.Err = checkXML(&f.check, report.Name)
	if got.named && got.name != "" && got.name != f.name {
		report.Err = errors.Join(report.Err, fmt.Errorf("its name came after so much data that it is stored under another one"))
	}
	return nil
}

func (f *incoming) abort() error {
	if f.file == nil {
		return nil
	}
	return f.file.Abort(context.WithoutCancel(f.in.ctx))
}

// drop ends a file whose end never came.
func (in *intake) drop() {
	f := in.file
	in.file = nil
	if f == nil {
		return
	}
	report := Report{Name: f.name, Err: incomplete("the answer ended in the middle of it")}
	if err := f.abort(); err != nil {
		report.Err = errors.Join(report.Err, err)
	}
	in.reports = append(in.reports, report)
}

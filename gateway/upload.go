package gateway

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/outbox"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// UploadRequest is what [Client.Upload] sends in one call.
type UploadRequest struct {
	// Files are sent under their names, which may hold a-z A-Z 0-9, space and
	// . - _ ( ) [ ] only (the API page's list). At least one; no name twice.
	Files []ccr.File
	// Overwrite replaces files of the same names at the bureau ("force").
	// Without it an existing name is refused (inferred).
	Overwrite bool
	// AllowEmpty sends files of no bytes, which are refused otherwise.
	AllowEmpty bool
	// Ledger, if set, keeps reruns and other workers from sending the same
	// content twice: each file is claimed in it before the first byte leaves,
	// and its result is recorded. The files' checksums are computed first, so
	// each file is read twice. A file that another live worker is sending fails
	// the call with [ccr.ErrClaimed].
	Ledger ccr.Ledger
	// AllowSameContent sends content that the ledger knows under another name.
	AllowSameContent bool
	// Progress is told the bytes of each file as they leave, and its state.
	Progress ccr.ProgressFunc
	// Extra adds members to the request, or replaces force and resultsformat;
	// apikey, secret, action and files cannot be replaced.
	Extra map[string]any
	// Rows, if set, reads the answer in place of the SDK, since the bureau
	// does not document it: it returns one row for each file, with status OK
	// if the file was taken. Without it, rows as in a download are expected.
	Rows func(answer []byte) ([]Row, error)
}

// UploadState says what became of one file.
type UploadState string

const (
	// Accepted: the gateway said OK to this file.
	Accepted UploadState = "accepted"
	// AcceptedBefore: the ledger says that an earlier call sent this very
	// file; nothing was sent now.
	AcceptedBefore UploadState = "accepted before"
	// Refused: the gateway said no; the file is not there.
	Refused UploadState = "refused"
	// NotSent: nothing reached the gateway; the file may be sent again.
	NotSent UploadState = "not sent"
	// UploadUnknown: nobody said yes or no to it; see [Client.SettleUpload].
	UploadUnknown UploadState = "unknown"
)

// UploadResult is what [Client.Upload] returns.
type UploadResult struct {
	Files []UploadedFile // in the order of the request
	Rows  []Row          // as the gateway sent them
	Raw   RawAnswer      // nil if nothing was sent
}

// UploadedFile is one file of an upload.
type UploadedFile struct {
	Name   string      // as sent
	Size   int64       // bytes, of the file itself, not of its base64
	SHA256 string      // lowercase hex; empty without a ledger
	State  UploadState // whether the bureau has it
	Row    Row         // what the gateway said, if it named the file
}

// Upload sends files. They are streamed, base64 made on the way; memory does
// not grow with them. A file that changes meanwhile fails the call before the
// request is complete, so nothing is taken by the gateway.
//
// An upload is repeated only if nothing was sent at all. If it broke off, or
// the answer could not be understood, the error is [ccr.ErrOutcomeUnknown] and
// says how to settle it; do not simply call again with Overwrite. If the
// gateway took some files and refused others, the result and an error are both
// returned.
//
// What the gateway answers to an upload is not documented. Rows as in a
// download are understood, a status beside the message, and an error member;
// anything else is of unknown outcome. See UploadRequest.Rows.
func (c *Client) Upload(ctx context.Context, req UploadRequest, opts ...ccr.CallOption) (*UploadResult, error) {
	u := &upload{c: c, req: req, r: request{route: routeUpload, call: opts}}
	if err := u.plan(ctx); err != nil {
		return nil, err
	}
	if err := u.claim(ctx); err != nil {
		return nil, err
	}
	if len(u.sending) == 0 {
		return u.result, nil
	}
	return u.send(ctx)
}

// Validate reports every fault of the request that can be seen without opening
// its files; Upload does the same first.
func (r UploadRequest) Validate() error {
	var f ccr.Faults
	r.check(&f)
	return f.Err(service, routeUpload.Operation)
}

func (r UploadRequest) check(f *ccr.Faults) {
	if len(r.Files) == 0 {
		f.Add("files", "must not be empty")
	}
	seen := make(map[string]int, len(r.Files))
	for i, file := range r.Files {
		path := fmt.Sprintf("files[%d].name", i)
		name := file.Name()
		switch {
		case name == "":
			f.Add(path, "must not be empty")
		case name == "." || name == "..":
			f.Add(path, "is not a file name")
		case !uploadable(name):
			f.Add(path, "may hold only a-z A-Z 0-9, space and . - _ ( ) [ ]")
		}
		if first, ok := seen[name]; ok {
			f.Addf(path, "is the name of files[%d], too", first)
		} else {
			seen[name] = i
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Extra)) {
		switch name {
		case "apikey", "secret", "action", "files":
			f.Add("extra."+name, "cannot be replaced")
		case "":
			f.Add("extra", "must not have a member without a name")
		}
	}
}

// uploadable checks the alphabet of the API page.
func uploadable(name string) bool {
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case r == ' ', r == '.', r == '-', r == '_', r == '(', r == ')', r == '[', r == ']':
		default:
			return false
		}
	}
	return true
}

// upload is one Upload on its way.
type upload struct {
	c       *Client
	req     UploadRequest
	r       request
	result  *UploadResult
	claims  []*outbox.Claim // one for each file, nil until claimed
	sending []*outgoing
	index   []int // of sending in result.Files

	mu       sync.Mutex
	ended    bool // no more progress from a body that the transport still reads
	recorded bool
}

// plan checks the request and finds the sizes, and with a ledger the checksums.
func (u *upload) plan(ctx context.Context) error {
	var f ccr.Faults
	u.req.check(&f)
	u.result = &UploadResult{Files: make([]UploadedFile, len(u.req.Files))}
	var causes []error
	for i, file := range u.req.Files {
		path := fmt.Sprintf("files[%d]", i)
		out, err := u.look(ctx, file)
		switch {
		case err != nil && ctx.Err() != nil, errors.Is(err, ccr.ErrFileChanged):
			return unsent(err)
		case err != nil:
			f.Add(path, "cannot be opened")
			causes = append(causes, err)
		case out.Size == 0 && !u.req.AllowEmpty:
			f.Add(path, "is empty; set AllowEmpty if that is meant")
		}
		u.result.Files[i] = out
	}
	err := f.Err(service, routeUpload.Operation)
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		e.Err = errors.Join(causes...)
	}
	return err
}

// look finds the size of a file, and its checksum if it is to be claimed.
func (u *upload) look(ctx context.Context, file ccr.File) (UploadedFile, error) {
	out := UploadedFile{Name: file.Name()}
	if u.req.Ledger != nil {
		sum, size, err := file.SHA256(ctx)
		out.Size, out.SHA256 = size, hex.EncodeToString(sum[:])
		return out, err
	}
	r, err := file.Open()
	if err != nil {
		return out, err
	}
	out.Size = r.Size()
	return out, r.Close()
}

// unsent is the error of a call that failed on this machine.
func unsent(err error) *ccr.Error {
	e := &ccr.Error{Service: service, Operation: routeUpload.Operation, Outcome: ccr.OutcomeNotSent, Err: err}
	if errors.Is(err, ccr.ErrFileChanged) {
		e.Classes = []error{ccr.ErrFileChanged}
	}
	return e
}

// claim claims the files and stores the intents; files that the ledger knows
// as sent drop out. The order is that of the names, so that of two calls with
// the same files one gets all.
func (u *upload) claim(ctx context.Context) error {
	u.claims = make([]*outbox.Claim, len(u.req.Files))
	order := make([]int, len(u.req.Files))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(u.result.Files[a].Name, u.result.Files[b].Name) })
	for _, i := range order {
		p := u.c.params(u.req.Ledger, u.result.Files[i])
		p.AllowSameContent = u.req.AllowSameContent
		claim, err := outbox.Begin(ctx, p)
		if err != nil {
			return joined(err, u.release(ctx))
		}
		u.claims[i] = claim
	}
	for i, claim := range u.claims {
		out := &u.result.Files[i]
		if e, ok := claim.Recorded(); ok {
			out.State, out.Row = AcceptedBefore, Row{File: e.FileName(), Status: e.Attributes["status"]}
			u.tell(i, out.Size, true)
			continue
		}
		before, err := intro(len(u.sending) == 0, out.Name)
		if err != nil {
			return joined(unsent(err), u.release(ctx))
		}
		u.sending = append(u.sending, &outgoing{file: u.req.Files[i], size: out.Size, sha256: out.SHA256, intro: before})
		u.index = append(u.index, i)
	}
	return nil
}

// params are those of a file in the ledger.
func (c *Client) params(l ccr.Ledger, f UploadedFile) outbox.Params {
	return outbox.Params{
		Ledger: l, Lease: c.t.Lease(), Operation: routeUpload.Operation, Service: service, Environment: c.t.Environment(),
		Account: c.secret.account(), Name: f.Name, SHA256: f.SHA256, Size: f.Size, Advice: adviceUpload,
	}
}

// release gives the claims back: nothing was sent.
func (u *upload) release(ctx context.Context) (errs []error) {
	for _, c := range u.claims {
		if c == nil {
			continue
		}
		if err := c.Refused(ctx, nil); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// held returns a context that ends before any of the claims does, and whose
// requests ask right before their first byte whether all of them still hold.
func (u *upload) held(ctx context.Context) (context.Context, context.CancelFunc) {
	check := func() error {
		for _, i := range u.index {
			if err := u.claims[i].Check(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	sending, stops := transport.WithBefore(ctx, check), make([]context.CancelFunc, len(u.index))
	for n, i := range u.index {
		sending, stops[n] = u.claims[i].Context(sending)
	}
	return sending, func() {
		for _, stop := range stops {
			stop()
		}
	}
}

func (u *upload) send(ctx context.Context) (*UploadResult, error) {
	begin, err := u.head(ctx)
	if err != nil {
		return nil, joined(err, u.release(ctx))
	}
	u.r.body = uploadBody(begin, u.sending, func(file int, done int64) { u.tell(u.index[file], done, false) })
	u.state(UploadUnknown)
	defer u.record(ctx) // if the caller's middleware panics
	sending, stop := u.held(ctx)
	a, resp, err := u.c.send(sending, u.r)
	stop()
	u.mu.Lock()
	u.ended = true
	u.mu.Unlock()
	if resp == nil { // no response, or one without success
		err = u.failed(err)
	} else {
		u.result.Raw = resp.Body
		if e := u.judge(a, resp, err); e != nil {
			err = e
		} else {
			err = nil
		}
	}
	return u.result, joined(err, u.record(ctx))
}

// failed reads what a response without success says of each file. Without a
// word of them, several files may have fared differently, unless the status
// speaks of the request.
func (u *upload) failed(err error) error {
	e, ok := errors.AsType[*ccr.Error](err)
	if !ok || e.StatusCode == 0 {
		if errors.Is(err, ccr.ErrNotSent) {
			u.state(NotSent)
		}
		return err
	}
	body := e.Body()
	u.result.Raw = body
	a, unreadable := readAnswer(bytes.NewReader(body), false, fileEvents{})
	if u.req.Rows != nil {
		rows, rowsErr := u.req.Rows(body)
		a, unreadable = &answer{rows: rows}, rowsErr
	}
	if unreadable == nil && slices.ContainsFunc(a.rows, func(r Row) bool { return r.File != "" }) {
		resp := &transport.Response{StatusCode: e.StatusCode, RequestID: e.RequestID, Attempts: e.Attempts, Body: body}
		if judged := u.judgeRows(a, resp, nil); judged != nil {
			judged.Classes = append(judged.Classes, e.Classes...)
			return judged
		}
		return nil
	}
	switch {
	case e.Outcome != ccr.OutcomeRejected:
	case len(u.index) == 1 || speaksOfRequest(e.StatusCode):
		u.state(Refused)
	default:
		e.Outcome = ccr.OutcomeUnknown
		advise(e, routeUpload) //nolint:errcheck // it returns its argument
	}
	return err
}

// speaksOfRequest reports whether a status refuses a request as a whole.
func speaksOfRequest(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return true
	}
	return false
}

// state sets what became of all files that are sent.
func (u *upload) state(s UploadState) {
	for _, i := range u.index {
		u.result.Files[i].State = s
	}
}

// joined adds further errors to one, which stays itself if there are none.
func joined(err error, more []error) error {
	if len(more) == 0 {
		return err
	}
	return errors.Join(append([]error{err}, more...)...)
}

// head is the request up to its files.
func (u *upload) head(ctx context.Context) ([]byte, error) {
	key, secret, err := u.c.login(ctx, routeUpload)
	if err != nil {
		return nil, err
	}
	m := []member{{"apikey", key}, {"secret", secret}, {"action", action(routeUpload)}}
	if u.req.Overwrite {
		m = append(m, member{"force", "yes"})
	}
	m = append(m, member{"resultsformat", "JSON"})
	for _, name := range slices.Sorted(maps.Keys(u.req.Extra)) {
		at := slices.IndexFunc(m, func(have member) bool { return have.name == name })
		if at >= 0 {
			m[at].value = u.req.Extra[name]
		} else {
			m = append(m, member{name, u.req.Extra[name]})
		}
	}
	b, err := head(m)
	if err != nil {
		var f ccr.Faults
		f.Add("extra", "cannot be written as JSON")
		return nil, f.Err(service, routeUpload.Operation)
	}
	return b, nil
}

// judge reads what a 2xx answer says of each file. unreadable is what kept it
// from being understood as JSON.
func (u *upload) judge(a *answer, resp *transport.Response, unreadable error) *ccr.Error {
	if u.req.Rows != nil {
		rows, err := u.req.Rows(resp.Body)
		if err != nil {
			unreadable = u.r.contract(ccr.OutcomeUnknown, resp, err)
		} else {
			a, unreadable = &answer{rows: rows}, nil
		}
	}
	return u.judgeRows(a, resp, unreadable)
}

func (u *upload) judgeRows(a *answer, resp *transport.Response, unreadable error) *ccr.Error {
	e, _ := errors.AsType[*ccr.Error](unreadable)
	no := (*RefusedError)(nil)
	whole := false // what was said was said of the request
	if e == nil {
		u.result.Rows = a.rows
		no = a.refused()
		whole = len(a.rows) == 0 || slices.ContainsFunc(a.rows, func(r Row) bool { return r.File == "" && r.refuses() })
	}
	var fields []ccr.FieldError
	unknown := false
	for _, i := range u.index {
		f := &u.result.Files[i]
		f.State = UploadUnknown
		if e == nil {
			row, named := a.row(f.Name)
			f.Row = row
			switch {
			case named && row.OK():
				f.State = Accepted
			case named && row.refuses(), no != nil && whole:
				f.State = Refused
			case len(a.rows) == 0 && (Row{Status: a.status}).OK():
				f.State = Accepted
				f.Row = Row{File: f.Name, Status: a.status, Message: a.text}
			}
		}
		switch f.State {
		case Refused:
			fields = append(fields, ccr.FieldError{Path: fmt.Sprintf("files[%d]", i), Message: "refused by the gateway"})
		case UploadUnknown:
			unknown = true
			fields = append(fields, ccr.FieldError{Path: fmt.Sprintf("files[%d]", i), Message: "the answer says neither yes nor no to it"})
		}
	}
	switch {
	case e != nil:
		return e
	case len(fields) == 0:
		return nil
	case no != nil && !unknown:
		e = u.r.refusal(ccr.OutcomeRejected, resp, no)
	case no != nil:
		e = u.r.refusal(ccr.OutcomeUnknown, resp, no)
	default:
		e = u.r.contract(ccr.OutcomeUnknown, resp, errors.New("the answer does not say what became of the files (its form is not documented; see UploadRequest.Rows)"))
		e.Classes = append(e.Classes, classesOf(a.text)...)
	}
	e.Fields = fields
	advise(e, routeUpload) //nolint:errcheck // it returns its argument
	return e
}

// record ends the claims and the progress.
func (u *upload) record(ctx context.Context) (errs []error) {
	if u.recorded {
		return nil
	}
	u.recorded = true
	for _, i := range u.index {
		f, claim := u.result.Files[i], u.claims[i]
		var err error
		switch f.State {
		case Accepted:
			err = claim.Sent(ctx, map[string]string{"status": f.Row.Status})
		case Refused, NotSent:
			err = claim.Refused(ctx, nil)
		default:
			err = claim.Unknown(ctx)
		}
		if err != nil {
			errs = append(errs, err)
		}
		u.tell(i, f.Size, true)
	}
	return errs
}

// tell reports progress of one file.
func (u *upload) tell(i int, done int64, last bool) {
	if u.req.Progress == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended && !last {
		return
	}
	f := u.result.Files[i]
	p := ccr.Progress{Operation: "Upload", Name: f.Name, Bytes: done, TotalBytes: f.Size, Done: last}
	if last {
		p.State = string(f.State)
		if f.State != Accepted && f.State != AcceptedBefore {
			p.Bytes = 0
		}
	}
	u.req.Progress(p)
}

// SettleOptions say which upload is settled, and how.
type SettleOptions struct {
	Ledger  ccr.Ledger // the one that the upload used
	File    ccr.File   // of the same name and content as uploaded
	Arrived bool       // whether the bureau has the file
}

// SettleUpload tells the ledger what became of an upload of unknown outcome,
// once you know. A file that did not arrive may then be sent again. The same
// answer twice is fine; one that contradicts a recorded result is refused, one
// for an upload that a live worker is at is [ccr.ErrClaimed].
func (c *Client) SettleUpload(ctx context.Context, o SettleOptions, opts ...ccr.CallOption) error {
	const op = "SettleUpload"
	call, err := option.NewCall(opts...)
	if err != nil {
		return &ccr.Error{Service: service, Operation: op, Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid}, Err: err}
	}
	if call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, call.Timeout)
		defer cancel()
	}
	sum, size, err := o.File.SHA256(ctx)
	if err != nil {
		err = &ccr.Error{Service: service, Operation: op, Err: err}
	} else {
		p := c.params(o.Ledger, UploadedFile{Name: o.File.Name(), Size: size, SHA256: hex.EncodeToString(sum[:])})
		p.Operation = op
		err = outbox.Settle(ctx, p, o.Arrived)
	}
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		e.CorrelationID = call.CorrelationID
	}
	return err
}

package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/outbox"
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
		out, err := u.examine(ctx, file)
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

// examine finds the size of a file, and its checksum if it is to be claimed.
func (u *upload) examine(ctx context.Context, file ccr.File) (UploadedFile, error) {
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

func (u *upload) send(ctx context.Context) (*UploadResult, error) {
	begin, err := u.head(ctx)
	if err != nil {
		return nil, joined(err, u.release(ctx))
	}
	u.r.body = uploadBody(begin, u.sending, func(file int, done int64) { u.notify(u.index[file], done, false) })
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
		if e := u.classify(a, resp, err); e != nil {
			err = e
		} else {
			err = nil
		}
	}
	return u.result, joined(err, u.record(ctx))
}

// state sets what became of all files that are sent.
func (u *upload) state(s UploadState) {
	for _, i := range u.index {
		u.result.Files[i].State = s
	}
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

// notify reports progress of one file.
func (u *upload) notify(i int, done int64, last bool) {
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

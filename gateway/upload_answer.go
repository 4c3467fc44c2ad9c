package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

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
		if judged := u.classifyRows(a, resp, nil); judged != nil {
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

// classify reads what a 2xx answer says of each file. unreadable is what kept it
// from being understood as JSON.
func (u *upload) classify(a *answer, resp *transport.Response, unreadable error) *ccr.Error {
	if u.req.Rows != nil {
		rows, err := u.req.Rows(resp.Body)
		if err != nil {
			unreadable = u.r.contract(ccr.OutcomeUnknown, resp, err)
		} else {
			a, unreadable = &answer{rows: rows}, nil
		}
	}
	return u.classifyRows(a, resp, unreadable)
}

func (u *upload) classifyRows(a *answer, resp *transport.Response, unreadable error) *ccr.Error {
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
			f.State, f.Row = a.uploaded(f.Name, no != nil && whole)
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

// uploaded is what the answer says of one file; refused: all of the request was.
func (a *answer) uploaded(name string, refused bool) (UploadState, Row) {
	row, named := a.row(name)
	switch {
	case named && row.OK():
		return Accepted, row
	case named && row.refuses(), refused:
		return Refused, row
	case len(a.rows) == 0 && (Row{Status: a.status}).OK():
		return Accepted, Row{File: name, Status: a.status, Message: a.text}
	}
	return UploadUnknown, row
}

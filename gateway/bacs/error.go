package bacs

import (
	"errors"
	"fmt"
	"io"

	"github.com/ccr-sdk/ccr"
)

const service = "bacs"

// The classes of failure beside those of package ccr, for errors.Is.
//
// Every error is a [*ccr.Error]. [ccr.ErrIncomplete] says that the document
// ends before its root element is closed: fetch it again. [ccr.ErrContract]
// says that it is not well-formed, or, from [Report.Err], that it holds values
// that could not be read. No error quotes what a document holds.
var (
	// ErrNotXML: the content does not start like XML at all; perhaps it is a
	// report of another form (CSV, PDF). Keep it and read it as what it is.
	ErrNotXML = errors.New("not XML")
	// ErrLimit: the document exceeds one of the [Limits].
	ErrLimit = errors.New("limit exceeded")
)

// A fault is what the scanner finds; the exported functions wrap it with the
// operation that the caller asked for.
type fault struct {
	class  error
	line   int
	what   string
	advice string
	cause  error
}

func (f *fault) Error() string {
	text := f.what
	if f.line > 0 {
		text = fmt.Sprintf("line %d: %s", f.line, f.what)
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

func (f *fault) Unwrap() error { return f.cause }

// wrap makes the error that callers see.
func wrap(operation string, err error) error {
	if _, done := errors.AsType[*ccr.Error](err); done || err == nil {
		return err
	}
	e := &ccr.Error{Service: service, Operation: operation, Err: err}
	if f, ok := errors.AsType[*fault](err); ok {
		e.Advice = f.advice
		if f.class != nil {
			e.Classes = []error{f.class}
		}
	}
	return e
}

func truncated(line int, what string) error {
	return &fault{ccr.ErrIncomplete, line, what, "The document is cut off: fetch the report again and do not archive it before it is whole.", io.ErrUnexpectedEOF}
}

func malformed(line int, what string) error {
	return &fault{ccr.ErrContract, line, what, "The document is not well-formed XML: keep it as it is and ask the bureau.", nil}
}

func exceeded(line int, what, advice string) error {
	return &fault{ErrLimit, line, what, advice, nil}
}

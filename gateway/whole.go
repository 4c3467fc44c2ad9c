package gateway

import (
	"errors"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

// checkXML tells whether what passed through check may be a whole report of
// that name.
func checkXML(check *bacs.RootCheck, name string) error {
	isXML, closed := check.Whole()
	switch {
	case isXML && !closed:
		return &notWholeXML{"its XML ends before the root element is closed"}
	case !isXML && strings.HasSuffix(strings.ToLower(name), ".xml"):
		return &notWholeXML{"its name ends in .xml, but it is not XML"}
	}
	return nil
}

// notWholeXML is the one fault of a report that a caller may decide to accept.
type notWholeXML struct{ what string }

func (e *notWholeXML) Error() string { return e.what }

func (e *notWholeXML) Unwrap() error { return ccr.ErrIncomplete }

func isNotWholeXML(err error) bool {
	_, ok := errors.AsType[*notWholeXML](err)
	return ok
}

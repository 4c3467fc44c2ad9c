package receive

import (
	"errors"
	"fmt"

	"github.com/ccr-sdk/ccr"
)

// operation is what errors and progress call a Run.
const operation = "Receive"

// classes that a failed Receive passes on from its cause.
var classes = [...]error{
	ccr.ErrInvalid, ccr.ErrUnauthorized, ccr.ErrForbidden, ccr.ErrNotFound, ccr.ErrDuplicate,
	ccr.ErrRateLimited, ccr.ErrMaybeLimited, ccr.ErrUnavailable, ccr.ErrContract,
	ccr.ErrFileChanged, ccr.ErrIncomplete,
}

// failure wraps what went wrong with an item (or with the whole run, if name
// is empty). Apart from the cause it holds nothing but the name.
func (e *engine) failure(name string, cause error, advice string) *ccr.Error {
	out := &ccr.Error{Service: e.opts.Service, Operation: operation, Err: cause, Advice: advice}
	if name != "" {
		out.Err = fmt.Errorf("file %q: %w", name, cause)
	}
	for _, c := range classes {
		if errors.Is(cause, c) {
			out.Classes = append(out.Classes, c)
		}
	}
	if inner, ok := errors.AsType[*ccr.Error](cause); ok {
		out.RetryAfter = inner.RetryAfter
	}
	return out
}

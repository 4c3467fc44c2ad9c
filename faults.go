package ccr

import (
	"fmt"
	"slices"
)

// FieldError is one fault at one place. The path is written the way a
// program writes it (accounts[3].outstandingAmount); neither part ever holds
// the value that was found there.
type FieldError struct {
	Path    string `json:"path"`    // members and indices, from the root of the request
	Message string `json:"message"` // what is wrong there, and what is wanted
}

// Faults collects every fault of a request before anything is sent.
// The zero value is ready; it is not safe for concurrent use.
type Faults struct {
	fields []FieldError
}

// maxFaults bounds what a hopeless batch of a million rows costs.
const maxFaults = 1000

// Add records a fault. The message must not quote the value.
func (f *Faults) Add(path, message string) {
	if len(f.fields) < maxFaults {
		f.fields = append(f.fields, FieldError{path, message})
	}
}

// Addf records a fault with a formatted message, which must not quote the value.
func (f *Faults) Addf(path, format string, args ...any) {
	if len(f.fields) < maxFaults {
		f.Add(path, fmt.Sprintf(format, args...))
	}
}

// Len returns the number of faults; it stops counting at 1,000.
func (f *Faults) Len() int { return len(f.fields) }

// Err returns nil without faults, else an [*Error] of class [ErrInvalid] with
// outcome not sent.
func (f *Faults) Err(service, operation string) error {
	if len(f.fields) == 0 {
		return nil
	}
	return &Error{
		Service: service, Operation: operation, Outcome: OutcomeNotSent,
		Classes: []error{ErrInvalid}, Fields: slices.Clone(f.fields),
	}
}

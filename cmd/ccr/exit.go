package main

import (
	"errors"
	"fmt"

	"github.com/ccr-sdk/ccr"
)

// The exit codes.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2
	exitUnknown   = 3
	exitPerson    = 4
	exitElsewhere = 5
)

// usageError is a fault of the command line or the environment.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// configured turns the error of a FromEnv into one of usage.
func configured[T any](v T, err error) (T, error) {
	if err != nil {
		return v, usageError{message(err)}
	}
	return v, nil
}

// personError ends a command that worked, and found something for a person.
type personError struct{ text string }

func (e personError) Error() string { return e.text }

// elsewhereError ends a command that left work to another worker.
type elsewhereError struct{ text string }

func (e elsewhereError) Error() string { return e.text }

// exitCode is the gravest of what an error holds.
func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	action := ccr.DispositionOf(err).Action
	_, person := errors.AsType[personError](err)
	_, damaged := errors.AsType[*ccr.LedgerDamagedError](err)
	_, elsewhere := errors.AsType[elsewhereError](err)
	switch {
	case action == ccr.ActionSettle:
		return exitUnknown
	case person, damaged, action == ccr.ActionStop:
		return exitPerson
	case elsewhere, action == ccr.ActionElsewhere, errors.Is(err, ccr.ErrLedgerInUse):
		return exitElsewhere
	}
	return exitFailed
}

// message is the error with its cause and the next step. Errors of the SDK say
// both and hold nothing secret; where the words of the bureau are needed, the
// ledger and the result have them.
func message(err error) string {
	text := err.Error()
	if errors.Is(err, ccr.ErrLedgerInUse) {
		text += "; another process has it open: run this again when that has ended"
	}
	return text
}

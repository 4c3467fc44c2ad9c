package main

import (
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// spurious reports whether an error is one that neither a broken line nor a
// kill explains: the SDK says that the work cannot succeed, the sink, the ledger or
// another client was in the way, or the client itself did wrong. late: the attempt's time was up.
func spurious(err error, late bool) bool {
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // each part by itself
		return slices.ContainsFunc(many.Unwrap(), func(err error) bool { return spurious(err, late) })
	}
	if headerCutOff(err) {
		return false
	}
	if ccr.DispositionOf(err).Action == ccr.ActionStop || errors.Is(err, ccr.ErrLedgerConflict) {
		return true
	}
	for _, local := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission} {
		if errors.Is(err, local) {
			return true
		}
	}
	if late {
		return false // a wait that was given up: whatever was asked of sink and ledger failed then
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return true
	}
	_, ours := errors.AsType[*ccr.Error](err)
	return !ours || errors.Is(err, ccr.ErrClaimed) || strings.Contains(err.Error(), "ledgerd:")
}

// headerCutOff reports whether an error is net/http's word on a request whose
// header was cut off, before any vendor sees it; a Receive wraps it.
func headerCutOff(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		e, ok := err.(*ccr.Error) //nolint:errorlint // each layer by itself
		if ok && e.StatusCode == http.StatusBadRequest && strings.HasPrefix(string(e.Body()), "400 Bad Request") {
			return true
		}
	}
	return false
}

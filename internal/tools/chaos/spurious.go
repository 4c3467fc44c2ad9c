package main

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// spurious reports whether an error is one that neither a broken line nor a
// kill explains: the SDK says that the work cannot succeed, the sink, the ledger or
// another client was in the way, or the client itself did wrong. late: the attempt's time was up.
func spurious(err error, late bool) bool {
	if e, ok := errors.AsType[*ccr.Error](err); ok && e.StatusCode == http.StatusBadRequest && strings.HasPrefix(string(e.Body()), "400 Bad Request") {
		return false // net/http's word on a request whose header was cut off, before any vendor sees it
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

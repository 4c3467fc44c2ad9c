package auth

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ccr-sdk/ccr/internal/transport"
)

// Credential authenticates the requests of one API. The constructors of this
// package return one; a credential of your own is made with [NewTokenSource].
type Credential = transport.Credential

// ErrWrongAPI: the credential is bound to another API than the client's.
var ErrWrongAPI = errors.New("the credential belongs to another API; make one for each")

var errZero = errors.New("auth: a credential that no constructor made")

// bound ties a credential to the service and origin it is first used for: two
// services may share a host, behind a gateway, but never a credential.
type bound struct {
	mu  sync.Mutex
	api string
}

// bind accepts one API; first, if there is one, runs for the first client.
func (b *bound) bind(to transport.Binding, first func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	api := to.Service + " at " + to.Origin
	if b.api != "" && b.api != api {
		return fmt.Errorf("auth: %w", ErrWrongAPI)
	}
	if b.api == "" && first != nil {
		first()
	}
	b.api = api
	return nil
}

// hidden is what credentials print.
const hidden = "[credential]"

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

// bound ties a credential to the first origin it is used for.
type bound struct {
	mu     sync.Mutex
	origin string
}

func (b *bound) bind(to transport.Binding) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.origin != "" && b.origin != to.Origin {
		return fmt.Errorf("auth: %w", ErrWrongAPI)
	}
	b.origin = to.Origin
	return nil
}

// hidden is what credentials print.
const hidden = "[credential]"

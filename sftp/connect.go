package sftp

import (
	"context"
	"fmt"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
	"golang.org/x/crypto/ssh"
)

// connect opens one connection and logs in.
func (c *Client) connect(ctx context.Context) (*engine.Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.HandshakeTimeout, fmt.Errorf("%w: the handshake took longer than %s", ErrStalled, c.cfg.HandshakeTimeout))
	defer cancel()
	cred, err := c.credential(ctx)
	if err != nil {
		return nil, &engine.ConnectError{Step: engine.StepKey, Err: err}
	}
	defer cred.release()
	hosts, err := c.cfg.HostKeys.verifier(c.addr)
	if err != nil {
		return nil, &engine.ConnectError{Step: engine.StepHosts, Err: err}
	}
	return engine.Dial(ctx, engine.Target{
		Address: c.addr, User: c.cfg.User, Signer: cred.signer, Password: cred.password, Hosts: hosts,
		DialContext: c.cfg.DialContext, ClientVersion: "SSH-2.0-ccr_" + ccr.Version,
		Stall: c.cfg.Retry.AttemptTimeout, KeepAlive: max(c.cfg.KeepAlive, 0),
	})
}

// credential is what one login may use, read before the connection is opened.
type credential struct {
	signer   ssh.Signer
	password func() (string, error)
	release  func()
}

func (c *Client) credential(ctx context.Context) (*credential, error) {
	out := &credential{release: func() {}}
	if !c.cfg.Key.IsZero() {
		s, release, err := c.cfg.Key.signer(ctx)
		if err != nil {
			return nil, err
		}
		out.signer, out.release = s, release
	}
	if !c.cfg.Password.IsZero() {
		if _, err := c.cfg.Password.Reveal(); err != nil {
			out.release()
			return nil, fmt.Errorf("%w: password: %w", ErrKey, err)
		}
		out.password = c.cfg.Password.Reveal
	}
	return out, nil
}

package sftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"golang.org/x/crypto/ssh"
)

// step says how far connecting got, for Diagnose and for what an error means.
type step string

const (
	stepKey     step = "credential"
	stepHosts   step = "host keys"
	stepConnect step = "connect"
	stepHostKey step = "host key"
	stepLogin   step = "login"
	stepSFTP    step = "sftp"
)

// connectError is a failed attempt to connect.
type connectError struct {
	step    step
	offered bool // a credential went to the server, whose key had been verified
	err     error
}

func (e *connectError) Error() string { return string(e.step) + ": " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// connect opens one connection and logs in.
func (c *Client) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.HandshakeTimeout, fmt.Errorf("%w: the handshake took longer than %s", ErrStalled, c.cfg.HandshakeTimeout))
	defer cancel()
	cred, err := c.credential(ctx)
	if err != nil {
		return nil, &connectError{step: stepKey, err: err}
	}
	defer cred.release()
	hosts, err := c.cfg.HostKeys.verifier(c.addr)
	if err != nil {
		return nil, &connectError{step: stepHosts, err: err}
	}
	algorithms, first := hosts.algorithms, error(nil)
	for {
		s, err := c.handshake(ctx, cred, hosts, algorithms)
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
		bad, mismatch := errors.AsType[*HostKeyError](err)
		_, none := errors.AsType[*ssh.AlgorithmNegotiationError](err)
		switch {
		case mismatch && !hosts.exact && errors.Is(bad, ErrHostKeyChanged):
			// The pinned key may be another one that the server has. It shows
			// one a connection; no credential is offered before the right one.
			left := slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return slices.Contains(algorithmsOf(bad.KeyType), a) })
			if len(left) == 0 || len(left) == len(algorithms) {
				return nil, first
			}
			algorithms = left
		case none && hosts.exact && errors.Is(err, errNoHostKeyAlgorithm) && len(algorithms) != len(hostKeyAlgorithms()):
			// It has no key of a known kind any more: look which one it has, to name it.
			hosts.exact = true
			algorithms = hostKeyAlgorithms()
		case none && !hosts.exact:
			return nil, first // no further key: the first mismatch says it best
		default:
			return nil, err
		}
	}
}

var errNoHostKeyAlgorithm = errors.New("the server has no host key of a kind that is configured")

// handshake dials and speaks SSH up to the started SFTP session.
func (c *Client) handshake(ctx context.Context, cred *credential, hosts *verifier, algorithms []string) (_ *session, err error) {
	conn, err := c.cfg.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, &connectError{step: stepConnect, err: contextual(ctx, err)}
	}
	w := newWire(conn)
	if deadline, ok := ctx.Deadline(); ok {
		_ = w.SetDeadline(deadline) // some conns cannot; closing them ends the wait, too
	}
	stop := context.AfterFunc(ctx, func() { _ = w.Close() })
	defer stop()
	l := &login{cred: cred}
	conf := &ssh.ClientConfig{
		User: c.cfg.User, AuthCallback: l.next,
		ClientVersion:     "SSH-2.0-ccr_" + ccr.Version,
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			l.hostKey = hosts.check(key)
			l.verified, l.shown = l.hostKey == nil, key
			return l.hostKey
		},
	}
	strong := ssh.SupportedAlgorithms()
	conf.Ciphers, conf.KeyExchanges = strong.Ciphers, strong.KeyExchanges
	conf.MACs = slices.DeleteFunc(strong.MACs, func(m string) bool { return strings.Contains(m, "sha1") })
	sc, chans, reqs, err := ssh.NewClientConn(w, c.addr, conf)
	if err != nil {
		_ = w.Close()
		return nil, l.explain(contextual(ctx, err))
	}
	go refuse(chans)
	go answer(reqs)
	s := &session{
		wire: w, conn: sc, hostKey: l.shown, stall: c.cfg.Retry.AttemptTimeout, alive: max(c.cfg.KeepAlive, 0),
		dead: make(chan struct{}), idleAt: time.Now(),
	}
	ch, err := s.openChannel()
	if err != nil {
		s.fail(ErrConnectionLost)
		return nil, &connectError{step: stepSFTP, offered: true, err: contextual(ctx, err)}
	}
	s.channels = []*channel{ch}
	if !stop() { // the context ended in this moment
		s.fail(ErrConnectionLost)
		return nil, &connectError{step: stepSFTP, offered: true, err: context.Cause(ctx)}
	}
	w.hastening.Store(false)
	_ = w.SetDeadline(time.Time{})
	go func() {
		err := sc.Wait()
		s.fail(fmt.Errorf("%w: %w", ErrConnectionLost, orEOF(err)))
	}()
	return s, nil
}

func orEOF(err error) error {
	if err == nil {
		return errors.New("the server closed it")
	}
	return err
}

// contextual says what ended the context instead of what that did to the socket.
func contextual(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: the handshake took too long", ErrStalled)
	}
	return err
}

// refuse turns down channels that a server asks for: it has no business here.
func refuse(chans <-chan ssh.NewChannel) {
	for ch := range chans {
		_ = ch.Reject(ssh.Prohibited, "not offered")
	}
}

// answer says no to the server's global requests, which is what keepalives
// from it need.
func answer(reqs <-chan *ssh.Request) {
	for r := range reqs {
		_ = r.Reply(false, nil)
	}
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

// login decides what is offered to a server, once its host key is verified.
type login struct {
	cred     *credential
	hostKey  error // why the host key was not accepted
	shown    ssh.PublicKey
	verified bool
	offered  bool
}

// next offers the key first, and the password only if there is no key or the
// server wants both. Nothing is offered twice: each try counts on the server.
func (l *login) next(at *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	tried := func(m string) bool { return slices.Contains(at.TriedMethods, m) }
	passed := func(m string) bool { return slices.Contains(at.PartialSuccessMethods, m) }
	allowed := func(m string) bool { return slices.Contains(at.AllowedMethods, m) }
	const byKey, byPassword, byQuestion = "publickey", "password", "keyboard-interactive"
	if l.cred.signer != nil && !tried(byKey) && !passed(byKey) && allowed(byKey) {
		l.offered = true
		return ssh.PublicKeys(l.cred.signer), nil
	}
	if l.cred.password != nil && (l.cred.signer == nil || passed(byKey)) && !tried(byPassword) && !tried(byQuestion) {
		switch {
		case allowed(byPassword) && !passed(byPassword):
			l.offered = true
			return ssh.PasswordCallback(l.cred.password), nil
		case allowed(byQuestion) && !passed(byQuestion):
			l.offered = true
			return ssh.KeyboardInteractive(l.reply), nil
		}
	}
	return nil, fmt.Errorf("%w: the server accepts %s; tried %s", ccr.ErrUnauthorized,
		list(at.AllowedMethods), list(slices.DeleteFunc(slices.Clone(at.TriedMethods), func(m string) bool { return m == "none" })))
}

// reply answers the one hidden question of a server that asks for the
// password in a dialogue; anything else it asks is left empty.
func (l *login) reply(_, _ string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range questions {
		if i < len(echos) && !echos[i] && len(questions) == 1 {
			p, err := l.cred.password()
			if err != nil {
				return nil, err
			}
			answers[i] = p
		}
	}
	return answers, nil
}

func list(methods []string) string {
	if len(methods) == 0 {
		return "nothing"
	}
	return strings.Join(methods, ", ")
}

// explain says at which step a handshake failed.
func (l *login) explain(err error) error {
	switch {
	case l.hostKey != nil:
		return &connectError{step: stepHostKey, err: l.hostKey}
	case !l.verified:
		if a, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
			err = fmt.Errorf("%w: %w", ErrAlgorithms, err)
			if a.What == "host key" {
				err = fmt.Errorf("%w: %w", errNoHostKeyAlgorithm, err)
			}
		}
		return &connectError{step: stepConnect, err: err}
	case errors.Is(err, ccr.ErrUnauthorized), refusedByDisconnect(err):
		return &connectError{step: stepLogin, offered: l.offered, err: unauthorized(err)}
	}
	return &connectError{step: stepLogin, offered: l.offered, err: err}
}

func unauthorized(err error) error {
	if errors.Is(err, ccr.ErrUnauthorized) {
		return err
	}
	return fmt.Errorf("%w: %w", ccr.ErrUnauthorized, err)
}

// refusedByDisconnect recognises the disconnect messages that end a refused
// login (RFC 4253 §11.1): 2 too many failures (OpenSSH), 13 cancelled, 14 no
// more methods, 15 illegal user name. The SSH library has no type for them.
func refusedByDisconnect(err error) bool {
	for _, reason := range []string{"2", "13", "14", "15"} {
		if strings.Contains(err.Error(), "ssh: disconnect, reason "+reason+":") {
			return true
		}
	}
	return false
}

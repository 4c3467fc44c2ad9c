package engine

import (
	"cmp"
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

// Step says how far connecting got, for Diagnose and for what an error means.
type Step string

const (
	StepKey     Step = "credential"
	StepHosts   Step = "host keys"
	StepConnect Step = "connect"
	StepHostKey Step = "host key"
	StepLogin   Step = "login"
	StepSFTP    Step = "sftp"
)

// ConnectError is a failed attempt to connect.
type ConnectError struct {
	Step    Step
	Offered bool          // a credential went to the server, whose key had been verified
	Shown   ssh.PublicKey // the host key that was not accepted
	Err     error
}

func (e *ConnectError) Error() string { return string(e.Step) + ": " + e.Err.Error() }
func (e *ConnectError) Unwrap() error { return e.Err }

// Target says where, as whom and how to connect.
type Target struct {
	Address       string // host:port
	User          string
	Signer        ssh.Signer             // nil: none
	Password      func() (string, error) // nil: none
	Hosts         *Verifier
	DialContext   func(ctx context.Context, network, address string) (net.Conn, error)
	ClientVersion string
	Stall         time.Duration // unanswered requests and no byte for so long end the session
	KeepAlive     time.Duration // 0: none
	Window        int           // bytes in flight on one channel; 0: InFlight
}

// Verifier is the configured host keys made ready for one connection to one host.
type Verifier struct {
	Algorithms []string                      // to negotiate, in order
	Exact      bool                          // the algorithms are those of known keys
	Check      func(key ssh.PublicKey) error // nil: accepted
}

// Dial opens one connection and logs in. The context bounds the handshake.
func Dial(ctx context.Context, t Target) (*Session, error) {
	hosts := t.Hosts
	algorithms, first := hosts.Algorithms, error(nil)
	for {
		s, err := t.handshake(ctx, algorithms)
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
		bad, mismatch := errors.AsType[*ConnectError](err)
		mismatch = mismatch && bad.Shown != nil
		_, none := errors.AsType[*ssh.AlgorithmNegotiationError](err)
		switch {
		case mismatch && !hosts.Exact && errors.Is(bad, ErrHostKeyChanged):
			// The pinned key may be another one that the server has. It shows
			// one a connection; no credential is offered before the right one.
			left := slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return slices.Contains(AlgorithmsOf(bad.Shown.Type()), a) })
			if len(left) == 0 || len(left) == len(algorithms) {
				return nil, first
			}
			algorithms = left
		case none && hosts.Exact && errors.Is(err, errNoHostKeyAlgorithm) && len(algorithms) != len(HostKeyAlgorithms()):
			// It has no key of a known kind any more: look which one it has, to name it.
			hosts.Exact = true
			algorithms = HostKeyAlgorithms()
		case none && !hosts.Exact, first != err && !mismatch:
			return nil, first // no further key: the first mismatch says it best
		default:
			return nil, err
		}
	}
}

// HostKeyAlgorithms are those that are negotiated at all, best first. SHA-1
// and DSA are not among them.
func HostKeyAlgorithms() []string {
	all := ssh.SupportedAlgorithms().HostKeys
	rank := func(a string) int {
		switch {
		case strings.HasPrefix(a, ssh.KeyAlgoED25519):
			return 0
		case strings.HasPrefix(a, "ecdsa"):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b string) int { return rank(a) - rank(b) })
	return all
}

// AlgorithmsOf returns the signature algorithms of a key type.
func AlgorithmsOf(keyType string) []string {
	switch keyType {
	case ssh.KeyAlgoRSA:
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	case ssh.CertAlgoRSAv01:
		return []string{ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01}
	}
	return []string{keyType}
}

var errNoHostKeyAlgorithm = errors.New("the server has no host key of a kind that is configured")

// handshake dials and speaks SSH up to the started SFTP session.
func (t Target) handshake(ctx context.Context, algorithms []string) (_ *Session, err error) {
	conn, err := t.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, &ConnectError{Step: StepConnect, Err: contextual(ctx, err)}
	}
	w := newWire(conn)
	if deadline, ok := ctx.Deadline(); ok {
		_ = w.SetDeadline(deadline) // some conns cannot; closing them ends the wait, too
	}
	stop := context.AfterFunc(ctx, func() { _ = w.Close() })
	defer stop()
	l := &login{target: t}
	conf := &ssh.ClientConfig{
		User: t.User, AuthCallback: l.next,
		ClientVersion:     t.ClientVersion,
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			l.hostKey = t.Hosts.Check(key)
			l.verified, l.shown = l.hostKey == nil, key
			return l.hostKey
		},
	}
	strong := ssh.SupportedAlgorithms()
	conf.Ciphers, conf.KeyExchanges = strong.Ciphers, strong.KeyExchanges
	conf.MACs = slices.DeleteFunc(strong.MACs, func(m string) bool { return strings.Contains(m, "sha1") })
	sc, chans, reqs, err := ssh.NewClientConn(w, t.Address, conf)
	if err != nil {
		_ = w.Close()
		return nil, l.explain(contextual(ctx, err))
	}
	go refuse(chans)
	go answer(reqs)
	s := &Session{
		wire: w, conn: sc, hostKey: l.shown, stall: t.Stall, alive: t.KeepAlive,
		dead: make(chan struct{}), idleAt: time.Now(), window: cmp.Or(t.Window, InFlight),
	}
	ch, err := s.openChannel()
	if err != nil {
		s.Fail(ErrConnectionLost)
		return nil, &ConnectError{Step: StepSFTP, Offered: true, Err: contextual(ctx, err)}
	}
	s.channels = []*Channel{ch}
	if !stop() { // the context ended in this moment
		s.Fail(ErrConnectionLost)
		return nil, &ConnectError{Step: StepSFTP, Offered: true, Err: context.Cause(ctx)}
	}
	w.quickAcking.Store(false)
	_ = w.SetDeadline(time.Time{})
	go func() {
		err := sc.Wait()
		s.Fail(fmt.Errorf("%w: %w", ErrConnectionLost, orEOF(err)))
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

// login decides what is offered to a server, once its host key is verified.
type login struct {
	target   Target
	hostKey  error // why the host key was not accepted
	shown    ssh.PublicKey
	verified bool
	offered  bool
	denied   error // what to say should the server have refused all that was offered
}

// next offers the key first, and the password only if there is no key or the
// server wants both. Nothing is offered twice: each try counts on the server.
func (l *login) next(at *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	tried := func(m string) bool { return slices.Contains(at.TriedMethods, m) }
	passed := func(m string) bool { return slices.Contains(at.PartialSuccessMethods, m) }
	allowed := func(m string) bool { return slices.Contains(at.AllowedMethods, m) }
	const byKey, byPassword, byQuestion = "publickey", "password", "keyboard-interactive"
	if l.target.Signer != nil && !tried(byKey) && !passed(byKey) && allowed(byKey) {
		l.offered = true
		return ssh.PublicKeys(l.target.Signer), nil
	}
	if l.target.Password != nil && (l.target.Signer == nil || passed(byKey)) && !tried(byPassword) && !tried(byQuestion) {
		switch {
		case allowed(byPassword) && !passed(byPassword):
			l.offered = true
			return ssh.PasswordCallback(l.target.Password), nil
		case allowed(byQuestion) && !passed(byQuestion):
			l.offered = true
			return ssh.KeyboardInteractive(l.reply), nil
		}
	}
	l.denied = fmt.Errorf("%w: the server accepts %s; tried %s", ccr.ErrUnauthorized,
		list(at.AllowedMethods), list(slices.DeleteFunc(slices.Clone(at.TriedMethods), func(m string) bool { return m == "none" })))
	if len(at.PartialSuccessMethods) > 0 {
		l.denied = fmt.Errorf("%w: %s was accepted, and the server wants %s besides", ccr.ErrUnauthorized, list(at.PartialSuccessMethods), list(at.AllowedMethods))
	}
	return nil, nil //nolint:nilnil // so the library asks for it
}

// reply answers the one hidden question of a server that asks for the
// password in a dialogue; anything else it asks is left empty.
func (l *login) reply(_, _ string, questions []string, echos []bool) ([]string, error) {
	if len(questions) > 1 {
		return nil, fmt.Errorf("%w: the server asked %d questions at login, and only a password is known", ccr.ErrUnauthorized, len(questions))
	}
	answers := make([]string, len(questions))
	for i := range questions {
		if i < len(echos) && !echos[i] {
			p, err := l.target.Password()
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
		return &ConnectError{Step: StepHostKey, Shown: l.shown, Err: l.hostKey}
	case !l.verified:
		if a, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
			err = fmt.Errorf("%w: %w", ErrAlgorithms, err)
			if a.What == "host key" {
				err = fmt.Errorf("%w: %w", errNoHostKeyAlgorithm, err)
			}
		}
		return &ConnectError{Step: StepConnect, Err: err}
	case l.denied != nil && strings.Contains(err.Error(), "ssh: unable to authenticate"): // the SSH library has no type for it
		return &ConnectError{Step: StepLogin, Offered: l.offered, Err: l.denied}
	case errors.Is(err, ccr.ErrUnauthorized), refusedByDisconnect(err):
		return &ConnectError{Step: StepLogin, Offered: l.offered, Err: unauthorized(err)}
	}
	return &ConnectError{Step: StepLogin, Offered: l.offered, Err: err}
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

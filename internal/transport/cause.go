package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/ccr-sdk/ccr"
)

// hiddenCause shows a text of our own in place of an error's, which errors.Is
// and errors.As still reach. The error is behind a closure, since fmt follows
// a pointer from a field that is not exported.
type hiddenCause struct {
	text  string
	cause func() error
}

func hideCause(text string, err error) *hiddenCause {
	return &hiddenCause{text, func() error { return err }}
}

func (h *hiddenCause) Error() string { return h.text }

// Is reaches the cause without printing it.
func (h *hiddenCause) Is(target error) bool { return errors.Is(h.cause(), target) }

// As reaches the cause without printing it.
func (h *hiddenCause) As(target any) bool { return errors.As(h.cause(), target) }

// Format keeps the cause out of every printed form.
func (h *hiddenCause) Format(f fmt.State, _ rune) { io.WriteString(f, h.text) } //nolint:errcheck // fmt.State keeps no errors

// Timeout is the cause's.
func (h *hiddenCause) Timeout() bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](h.cause())
	return ok && t.Timeout()
}

// Temporary is there for net.Error's sake.
func (h *hiddenCause) Temporary() bool { return h.Timeout() }

// endedError is the end of the caller's context, with its cause if it has one
// of its own.
type endedError struct{ err, cause error }

func (e *endedError) Error() string   { return e.err.Error() + ": " + e.cause.Error() }
func (e *endedError) Unwrap() []error { return []error{e.err, e.cause} }

// contextCause describes why a context that ended did.
func contextCause(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == err || cause == nil { //nolint:errorlint // identity: is there anything to add?
		return err
	}
	return &endedError{err, cause}
}

// safeCause makes of an error what an *ccr.Error may hold and print.
func (k *call) safeCause(err error) error {
	err = unwrapURL(err)
	if err == nil {
		return errors.New("no answer")
	}
	if ended := k.ctx.Err(); ended != nil && (errors.Is(err, ended) || errors.Is(err, context.Cause(k.ctx.Context))) {
		if _, ok := errors.AsType[*limiterError](err); !ok {
			err = contextCause(k.ctx.Context)
		}
	}
	text := err.Error()
	if cred, ok := errors.AsType[*credentialError](err); ok {
		// An *ccr.Error of the token endpoint's must not answer errors.Is for
		// this one.
		inner, own := errors.AsType[*ccr.Error](cred.err)
		if !own {
			return k.hideForeign(hideCause("credential: "+withoutURL(cred.err), cred.err))
		}
		return hideCause("credential: "+inner.Error(), inner.Err)
	}
	if strings.Contains(text, "://") {
		err = hideCause(withoutURL(err), err)
	}
	return k.hideForeign(err)
}

// unwrapURL drops what net/http's client puts around an error: method and URL.
func unwrapURL(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // only the outermost
		return u.Err
	}
	return err
}

// withoutURL is an error's text without those of the *url.Error in its chain,
// which quote a URL with its query.
func withoutURL(err error) string {
	text := err.Error()
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return text
		}
		text = strings.ReplaceAll(text, u.Error(), u.Op+": "+wireText(u.Err))
		err = u.Err
	}
}

// hideForeign drops the text of an error that repeats something of the
// request: a middleware's, say, that quotes its URL.
func (k *call) hideForeign(err error) error {
	text := err.Error()
	if !k.quotes(text) {
		return err
	}
	return hideCause("an error whose text repeats data of the request", err)
}

// quotes reports whether a text holds data of the request.
func (k *call) quotes(text string) bool {
	has := func(s string) bool { return len(s) >= 3 && strings.Contains(text, s) }
	for _, arg := range k.req.PathArgs {
		if has(arg) || has(url.PathEscape(arg)) {
			return true
		}
	}
	for _, query := range []string{k.req.Query, k.url.RawQuery} {
		if has(query) {
			return true
		}
		values, _ := url.ParseQuery(query) // what of it can be read
		for _, all := range values {
			for _, v := range all {
				if has(v) || has(url.QueryEscape(v)) {
					return true
				}
			}
		}
	}
	if k.req.URL != nil && has(k.url.EscapedPath()) {
		return true
	}
	return k.cur != nil && k.cur.auth != nil && has(k.cur.auth())
}

// wireCause makes an error of the caller's transport one that can be printed:
// such errors may quote an answer, a redirect, or the URL of a proxy with its
// password.
func wireCause(err error) error {
	if text := wireText(err); text != err.Error() {
		return hideCause(text, err)
	}
	return err
}

// wireText is what can be shown of an error of the caller's transport.
func wireText(err error) string {
	switch e := err.(type) { //nolint:errorlint // each layer by itself
	case *net.OpError:
		shown := *e
		shown.Err = errors.New(wireText(e.Err))
		return shown.Error()
	case *url.Error:
		return wireText(e.Err)
	case syscall.Errno, *os.SyscallError, *net.DNSError, *net.AddrError, net.UnknownNetworkError,
		tls.AlertError, tls.RecordHeaderError, *tls.CertificateVerificationError,
		x509.UnknownAuthorityError, x509.HostnameError, x509.CertificateInvalidError,
		*hiddenCause, *timeoutError, *proxyRefusal, *sourceError, *endedError, *ccr.Error, *http.MaxBytesError:
		return err.Error()
	}
	for _, known := range []error{
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, os.ErrDeadlineExceeded,
		net.ErrClosed, errOrigin, errLostContext, errSecond, ccr.ErrFileChanged,
	} {
		if err == known { //nolint:errorlint // each layer by itself
			return err.Error()
		}
	}
	if errors.Is(err, ccr.ErrFileChanged) {
		return err.Error()
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "malformed "):
		return "malformed HTTP answer"
	case strings.HasPrefix(text, "http2: server sent GOAWAY"):
		return "http2: server sent GOAWAY and closed the connection"
	case strings.HasPrefix(text, "net/http: invalid "):
		return unsendable
	case strings.Contains(text, `"`):
	default:
		for _, prefix := range []string{"net/http: ", "http: ", "http2: ", "tls: ", "x509: ", "stream error: ", "connection error: ", "gzip: "} {
			if strings.HasPrefix(text, prefix) {
				return text
			}
		}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return wireText(inner)
	}
	return "the HTTP transport failed"
}

// unsendable is the text for a request that net/http refuses to send.
const unsendable = "net/http: invalid header in the request"

// proxyRefusal is a proxy's answer to CONNECT that is not 200.
type proxyRefusal struct{ status int }

func (p *proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy answered HTTP %d to CONNECT", p.status)
}

// proxyAnswer is http.Transport.OnProxyConnectResponse: it gives the failure
// a type, and keeps the proxy's own words out of it.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyRefusal{resp.StatusCode}
}

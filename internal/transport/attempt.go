package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
)

// call is the state of one call over all its attempts. Only the goroutine
// that makes the call uses it.
type call struct {
	c   *Client
	req *Request
	ctx context.Context

	probed         bool
	attempts       int
	cur            *attempt
	replayed       bool // a 401 was answered with one replay
	earlierUnknown bool
	wait           time.Duration // before the next attempt
	status         int           // of the attempt before it
	resp           *Response     // the success
	err            *ccr.Error    // the failure
}

type callKey struct{}

// callContext lets the engine's callbacks and our transports find the call.
type callContext struct {
	context.Context
	k *call
}

func (c *callContext) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c.k
	}
	return c.Context.Value(key)
}

// RouteInfo implements ccr.RouteSource for middleware.
func (k *call) RouteInfo() ccr.RouteInfo {
	return ccr.RouteInfo{Service: k.c.cfg.Service, Operation: k.req.Route.Operation, Template: k.req.Route.Path, Attempt: k.attempts}
}

// attempt is the state of one request on the wire. The transport's own
// goroutines touch what is atomic.
type attempt struct {
	k        *call
	started  time.Time
	gotConn  atomic.Bool  // a connection was handed to the request
	bodySent atomic.Int64 // bytes of the body that the transport took
	bodyErr  atomic.Pointer[error]
	timer    *time.Timer
	timeout  time.Duration
	cancel   context.CancelCauseFunc
	auth     string // header value that was attached
	authName string
	logged   bool
}

var errAttemptTimeout = errors.New("no byte moved for the attempt timeout")

// progress puts the attempt's end off: bytes are moving.
func (a *attempt) progress() { a.timer.Reset(a.timeout) }

// end releases the timer and the context; the body must have been read.
func (a *attempt) end() {
	a.timer.Stop()
	a.cancel(nil)
}

// outer is the outermost transport: what happens once per attempt.
type outer struct{ next http.RoundTripper }

func (o *outer) RoundTrip(req *http.Request) (*http.Response, error) {
	k, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errOrigin
	}
	if req.Response == nil { // a followed redirect goes on within its attempt
		k.attempts++
	}
	a := &attempt{k: k, started: time.Now(), timeout: k.c.retry.AttemptTimeout}
	k.cur = a
	ctx := req.Context()
	if k.c.limiter != nil {
		if err := k.c.limiter.Wait(ctx); err != nil {
			return nil, a.unsent(req, &limiterError{err})
		}
	}
	if k.c.cred != nil {
		name, value, err := k.c.cred.Header(ctx)
		if err != nil {
			return nil, a.unsent(req, &credentialError{err})
		}
		a.authName, a.auth = name, value
	}
	a.started = time.Now()
	ctx, a.cancel = context.WithCancelCause(ctx)
	a.timer = time.AfterFunc(a.timeout, func() { a.cancel(errAttemptTimeout) })
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.gotConn.Store(true) }})
	out := req.WithContext(ccr.ContextWithRoute(ctx, k))
	if req.Body != nil && req.Body != http.NoBody {
		out.Body = &sentBody{r: req.Body, a: a}
		if open := req.GetBody; open != nil {
			out.GetBody = func() (io.ReadCloser, error) {
				r, err := open()
				if err != nil {
					return nil, err
				}
				return &sentBody{r: r, a: a}, nil
			}
		}
	}
	resp, err := o.next.RoundTrip(out)
	if err != nil {
		cause := context.Cause(ctx)
		a.end()
		if errors.Is(cause, errAttemptTimeout) {
			err = fmt.Errorf("%w (%v)", errAttemptTimeout, a.timeout)
		}
		return nil, err
	}
	a.progress()
	resp.Body = &answerBody{resp.Body, a, ctx}
	return resp, nil
}

// unsent ends an attempt that never got as far as the transport, which would
// have closed the body.
func (a *attempt) unsent(req *http.Request, err error) error {
	if req.Body != nil {
		err = errors.Join(err, req.Body.Close())
	}
	return err
}

// answerBody keeps the attempt alive while the answer flows.
type answerBody struct {
	io.ReadCloser
	a   *attempt
	ctx context.Context
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.a.progress()
	}
	if err != nil && err != io.EOF && errors.Is(context.Cause(b.ctx), errAttemptTimeout) { //nolint:errorlint // io.Reader contract
		err = fmt.Errorf("%w (%v)", errAttemptTimeout, b.a.timeout)
	}
	return n, err
}

func (b *answerBody) Close() error {
	err := b.ReadCloser.Close()
	b.a.end()
	return err
}

// guard is the innermost transport, below the caller's middleware: it lets a
// request out only to its client's origin, and attaches the credential there.
type guard struct{ next http.RoundTripper }

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	k, ok := req.Context().Value(callKey{}).(*call)
	if !ok || Origin(req.URL) != k.c.origin || req.URL.User != nil {
		if req.Body != nil {
			req.Body.Close() //nolint:errcheck // refused; nothing of it was sent
		}
		return nil, errOrigin
	}
	if k.cur.auth == "" {
		return g.next.RoundTrip(req)
	}
	out := *req
	out.Header = make(http.Header, len(req.Header)+1)
	for name, v := range req.Header {
		out.Header[name] = slices.Clip(v)
	}
	out.Header[k.cur.authName] = []string{k.cur.auth}
	resp, err := g.next.RoundTrip(&out)
	if resp != nil {
		resp.Request = req // the caller's middleware must not find the credential there
	}
	return resp, err
}

package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/ccr-sdk/ccr"
)

// maxIdle is how long a kept connection may have been idle to carry a request
// that must not be sent twice. A server that closes a connection just as the
// request is written leaves the outcome unknown; servers wait longer than this.
const maxIdle = 2 * time.Second

// errSecond ends an attempt that would be sent a second time.
var errSecond = errors.New("the connection was lost before the response; the request was not sent again on another one")

// class is the route's, unless the request is a special one of its route.
func (k *call) class() Class {
	if k.req.Once && k.req.Route.Class == Idempotent {
		return UnsentOnly
	}
	return k.req.Route.Class
}

// policy is the client's, unless the call has one of its own.
func (k *call) policy() ccr.RetryPolicy {
	if own := k.req.Call.Retry; own != nil {
		return own.WithDefaults()
	}
	return k.c.retry
}

// once reports whether a second request would do something twice.
func (k *call) once() bool { return k.class() != Idempotent }

// send hands the request to the caller's transport, once. It asks the check of
// the call's context each time, and does it again only where the transport
// chose a connection that was idle for too long, of which nothing was used.
func (a *attempt) send(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	for {
		if err := a.before(); err != nil {
			return nil, refuse(req, err)
		}
		if !a.handed.CompareAndSwap(false, true) {
			return nil, refuse(req, errSecond)
		}
		resp, err := next.RoundTrip(req)
		if err == nil {
			return resp, nil
		}
		if resp != nil && resp.Body != nil {
			resp.Body.Close() //nolint:errcheck // an answer with an error is none
		}
		if a.connected(err) {
			return nil, err
		}
		a.handed.Store(false)
		if !a.stale.Swap(false) || a.ctx.Err() != nil {
			return nil, err
		}
		if req, err = a.reopen(req); err != nil {
			return nil, err
		}
	}
}

// reopen gives a request a body of its own for another connection.
func (a *attempt) reopen(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	if _, ok := req.Body.(*sentBody); !ok {
		return nil, errors.New("the connection was idle for too long, and a middleware replaced the body; nothing was sent")
	}
	body, err := a.k.req.Body.open()
	if err != nil {
		return nil, err
	}
	again := *req
	again.Body = newSentBody(a, body)
	return &again, nil
}

// onGetConn ends an attempt that had its connection and asks for another one:
// net/http sends some requests again by itself, under HTTP/2 without end.
func (a *attempt) onGetConn(string) {
	a.getConn.Store(true)
	if a.gotConn.Load() {
		a.cancel(errSecond)
	}
}

// onGotConn is called before the first byte is written. Under HTTP/2 the end
// of the context keeps it from being written; under HTTP/1 the end of the
// connection does. A connection that was idle for too long is closed under
// either: only one that carries no other request has an IdleTime.
func (a *attempt) onGotConn(info httptrace.GotConnInfo) {
	shared := false
	conn := info.Conn
	if t, ok := conn.(*tls.Conn); ok {
		shared, conn = t.ConnectionState().NegotiatedProtocol == "h2", t.NetConn()
	}
	switch {
	case info.Reused && (a.k.once() && info.IdleTime >= maxIdle || shared && !a.k.c.traced && gone(conn)):
		a.stale.Store(true)
		conn.Close() //nolint:errcheck // nothing of it was used
		return
	case a.gotConn.Swap(true):
		a.cancel(errSecond)
		if !shared {
			conn.Close() //nolint:errcheck // as above
		}
	}
	a.stale.Store(false)
}

// gone reports whether a connection was closed here: one of HTTP/2 that was
// idle for too long stays in its pool until a write to it has failed.
func gone(conn net.Conn) bool {
	_, err := conn.Write(nil)
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// connected reports whether a connection was, or may have been, handed to the
// request. A transport that does not speak httptrace never says so: unless
// its error is one of dialling, what it was handed counts as sent.
func (a *attempt) connected(err error) bool {
	if a.hop || a.gotConn.Load() || a.answered.Load() {
		return true
	}
	if a.k.c.traced || !a.handed.Load() || a.getConn.Load() {
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	return !ok || op.Op != "dial"
}

// second reports whether the attempt was ended because it would have been sent
// a second time.
func (a *attempt) second() bool { return errors.Is(context.Cause(a.cause), errSecond) }

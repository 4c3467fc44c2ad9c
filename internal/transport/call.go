package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/ccr-sdk/ccr"
)

// call is the state of one call over all its attempts. Only the goroutine
// that makes the call uses it. What each call needs is in it by value, so
// that it costs one allocation.
type call struct {
	c   *Client
	req *Request
	ctx callContext

	probed         bool
	attempts       int // requests made
	replays        int // of them, after a 401: 0 or 1
	cur            *attempt
	between        bool // the last attempt is over and another one may follow
	earlierUnknown bool
	note           string     // why no attempt follows, for the log
	resp           *Response  // the success
	err            *ccr.Error // the failure

	url    url.URL
	http   http.Request
	retry  retryablehttp.Request
	engine retryablehttp.Client
	first  attempt
}

// Format keeps what a call holds out of every printed form.
func (k *call) Format(f fmt.State, _ rune) { io.WriteString(f, "call") } //nolint:errcheck // fmt.State keeps no errors

// callContext is the context of a call, by which our transports find it.
type callContext struct {
	context.Context
	k *call
}

type callKey struct{}

func (c *callContext) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c.k
	}
	return c.Context.Value(key)
}

// String is what a context derived from this one prints.
func (c *callContext) String() string { return "ccr.call" }

// Format keeps what the context leads to out of every printed form.
func (c *callContext) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) } //nolint:errcheck // fmt.State keeps no errors

func callOf(ctx context.Context) *call {
	if c, ok := ctx.(*callContext); ok {
		return c.k
	}
	k, _ := ctx.Value(callKey{}).(*call)
	return k
}

// Do sends a request, with retries. Every error is an *ccr.Error.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	k := &call{c: c, req: req}
	if into := req.Call.Response; into != nil {
		*into = ccr.Response{} // nothing of an earlier call's may stay
	}
	if err := k.resolve(); err != nil {
		return nil, err
	}
	if req.Call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, req.Call.Timeout)
		defer cancel()
	}
	k.ctx = callContext{ctx, k}
	if ctx.Err() != nil {
		return nil, k.failure(contextCause(ctx))
	}
	k.http = *(&http.Request{
		Method: req.Route.Method, URL: &k.url, Host: k.url.Host, Header: k.header(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(&k.ctx) //nolint:contextcheck // it is made of ctx
	k.retry.Request = &k.http
	if req.Body.Open != nil && req.Body.Length > 0 {
		if err := k.retry.SetBody(retryablehttp.ReaderFunc(k.openBody)); err != nil {
			return nil, k.failure(err)
		}
		k.http.ContentLength = req.Body.Length
		// Without GetBody, net/http's client has no redirect of a body to
		// prepare, for which it would open the source and not close it. The
		// attempt gives the transport one of its own.
		k.http.GetBody = nil
	}
	k.retry.SetResponseHandler(handle)
	// Each call has an engine of its own, by which the policy can tell the
	// back-off what to wait. It holds no connection.
	k.engine.HTTPClient = c.http
	k.engine.RetryMax = math.MaxInt32 // the policy counts attempts itself
	k.engine.CheckRetry = check
	k.engine.Backoff = backoff
	k.engine.ErrorHandler = retryablehttp.PassthroughErrorHandler
	resp, err := k.engine.Do(&k.retry)
	return k.finish(resp, err)
}

// finish turns what the engine returned into what Do returns.
func (k *call) finish(resp *http.Response, err error) (*Response, error) {
	if err == nil && k.resp != nil {
		k.c.budget.earn()
		return k.resp, nil
	}
	if resp != nil {
		resp.Body.Close() //nolint:errcheck // nothing more is read from it
	}
	if k.err == nil {
		// The engine ended the call without asking: its context ended before
		// the next attempt, or the body could not be opened for it.
		if k.ctx.Err() != nil {
			err = contextCause(k.ctx.Context)
		}
		k.err = k.failure(err)
		if _, ok := errors.AsType[*sourceError](err); ok {
			k.logUnsent("body", k.err)
		}
	}
	if k.err.StatusCode != 0 && k.err.StatusCode < 500 && k.err.StatusCode != http.StatusTooManyRequests {
		k.c.budget.earn()
	}
	if into := k.req.Call.Response; into != nil {
		into.Attempts = k.attempts
	}
	return nil, k.err
}

// newAttempt begins an attempt, or the next hop of one that is redirected.
func (k *call) newAttempt(hop bool) *attempt {
	a := &k.first
	if k.cur != nil {
		a = new(attempt)
		if hop {
			a.hop = k.cur.hop || k.cur.gotConn.Load()
		}
	}
	a.k = k
	k.cur = a
	return a
}

// renew prepares the engine's request for the next attempt: net/http adds
// cookies to the headers that it is given, and the last attempt's transport
// may still be reading those.
func (k *call) renew(req *http.Request) error {
	req.Header = k.header()
	return nil
}

// capture fills the caller's CaptureResponse.
func (k *call) capture(status int, h http.Header, body []byte, requestID string) {
	if into := k.req.Call.Response; into != nil {
		*into = ccr.Response{StatusCode: status, Header: h, Body: body, RequestID: requestID, Attempts: k.attempts}
	}
}

package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

// attempt is the state of one request on the wire. The transport's own
// goroutines touch what is atomic, and what mu guards.
type attempt struct {
	k       *call
	number  int    // 0 until it becomes a request
	stopped string // why it did not, for the log
	started time.Time
	ctx     attemptContext
	cause   context.Context // whose cause says why the attempt was ended
	cancel  context.CancelCauseFunc
	out     http.Request
	answer  answerBody
	trace   httptrace.ClientTrace

	// The credential's value is behind a closure, where no printer that
	// walks a context finds it.
	authName string
	auth     func() string

	handed  atomic.Bool              // the caller's transport has the request
	getConn atomic.Bool              // it has asked for a connection: it speaks httptrace
	gotConn atomic.Bool              // a connection was handed to the request
	stale   atomic.Bool              // the last one was idle for too long and closed instead
	hop     bool                     // a redirect led here, over a connection
	sent    atomic.Pointer[sentBody] // the last pass over the body
	bodyErr atomic.Pointer[error]    // of the body's source
	stop    atomic.Pointer[beforeError]

	timeout  time.Duration // without a byte moving
	moved    atomic.Int64  // when one moved last, since started; negative: nobody waits for the network
	answered atomic.Bool

	mu    sync.Mutex
	timer *time.Timer
	whole time.Duration // the attempt's end, since started; 0: none
	ended bool

	status    int // of the answer, once there is one
	requestID string
	logged    bool
}

// RouteInfo is what [ccr.RouteFromContext] returns to middleware.
func (a *attempt) RouteInfo() ccr.RouteInfo {
	return ccr.RouteInfo{Service: a.k.c.cfg.Service, Operation: a.k.req.Route.Operation, Template: a.k.req.Route.Path, Attempt: a.number}
}

// Format keeps what an attempt holds out of every printed form.
func (a *attempt) Format(f fmt.State, _ rune) { io.WriteString(f, "attempt") } //nolint:errcheck // fmt.State keeps no errors

// attemptContext is the context of one attempt, by which the guard finds it
// below any middleware.
type attemptContext struct {
	context.Context
	a *attempt
}

type attemptKey struct{}

func (c *attemptContext) Value(key any) any {
	if _, ok := key.(attemptKey); ok {
		return c.a
	}
	return c.Context.Value(key)
}

// String is what a context derived from this one prints.
func (c *attemptContext) String() string { return "ccr.attempt" }

// Format keeps what the context leads to out of every printed form.
func (c *attemptContext) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) } //nolint:errcheck // fmt.State keeps no errors

func attemptOf(ctx context.Context) *attempt {
	if c, ok := ctx.(*attemptContext); ok {
		return c.a
	}
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// timeoutError is how time ends an attempt.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }

// Timeout makes it a timeout to who looks at net.Error.
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// outer is the outermost transport: what happens once per attempt.
type outer struct{ next http.RoundTripper }

func (o *outer) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	k := callOf(req.Context())
	if k == nil {
		return nil, refuse(req, errLostContext)
	}
	a := k.newAttempt(req.Response != nil)
	if err := a.admit(k.ctx.Context); err != nil { //nolint:contextcheck // the caller's own, which the request's is made of
		return nil, refuse(req, err)
	}
	k.between = false
	if req.Response == nil { // a followed redirect goes on within its attempt
		k.attempts++
	}
	a.number = k.attempts
	a.start(req)
	done := false
	defer func() {
		if !done { // the caller's middleware panics
			a.end()
			refuse(&a.out, nil) //nolint:errcheck // there is a panic under way
		}
	}()
	resp, err = o.next.RoundTrip(&a.out)
	done = true
	if err == nil && resp == nil {
		err = errors.New("a middleware or transport returned neither an answer nor an error")
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			resp.Body.Close() //nolint:errcheck // an answer with an error is none
		}
		err = a.failed(err)
		a.end()
		return nil, err
	}
	a.pause()
	a.answered.Store(true)
	a.status, a.requestID = resp.StatusCode, k.shown(requestID(resp))
	a.answer = answerBody{rc: resp.Body, a: a}
	if a.answer.rc == nil {
		a.answer.rc = http.NoBody
	}
	resp.Body = &a.answer
	unfollowable(req, resp)
	return resp, nil
}

// unfollowable hides a Location that net/http would fail on, quoting it.
func unfollowable(req *http.Request, resp *http.Response) {
	if resp.StatusCode/100 != 3 {
		return
	}
	if _, err := req.URL.Parse(resp.Header.Get("Location")); err != nil {
		resp.Header = resp.Header.Clone()
		resp.Header.Del("Location")
	}
}

// admit fetches the credential and waits for the limiter, in this order: what
// the limiter lets go must go at once, or two windows' worth go together.
func (a *attempt) admit(ctx context.Context) error {
	a.stopped = "context"
	if ctx.Err() != nil {
		return contextCause(ctx)
	}
	a.stopped = "credential"
	if err := a.authorize(ctx); err != nil {
		return err
	}
	if a.k.c.limiter == nil {
		return nil
	}
	a.stopped = "limiter"
	asked := time.Now()
	if err := a.k.c.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			err = contextCause(ctx)
		}
		return &limiterError{err}
	}
	if time.Since(asked) <= time.Second {
		return nil
	}
	a.stopped = "credential"
	return a.authorize(ctx) // the first one may have expired in the queue
}

func (a *attempt) authorize(ctx context.Context) error {
	if a.k.c.cred == nil {
		if a.k.req.Authorization != nil {
			a.authName, a.auth = "Authorization", a.k.req.Authorization
		}
		return nil
	}
	name, value, err := a.k.c.cred.Header(ctx)
	if err != nil {
		return &credentialError{err}
	}
	a.authName, a.auth = name, func() string { return value }
	return nil
}

// start makes the request that goes to the middleware, and starts the clock.
func (a *attempt) start(req *http.Request) {
	a.started, a.timeout, a.whole = time.Now(), a.k.policy().AttemptTimeout, a.k.c.whole
	ctx, cancel := context.WithCancelCause(req.Context())
	a.cause, a.cancel = ctx, cancel
	first := a.timeout
	if a.whole > 0 {
		first = min(first, a.whole)
	}
	a.mu.Lock()
	a.timer = time.AfterFunc(first, a.expire)
	a.mu.Unlock()
	a.trace.GetConn, a.trace.GotConn = a.onGetConn, a.onGotConn
	a.ctx = attemptContext{httptrace.WithClientTrace(context.WithValue(ctx, option.RouteKey{}, a), &a.trace), a}
	a.out = *req.WithContext(&a.ctx) //nolint:contextcheck // it is made of the request's
	if req.Body == nil || req.Body == http.NoBody {
		return
	}
	// The transport gets no GetBody: whether the request is sent again is not
	// its decision.
	a.out.Body, a.out.GetBody = newSentBody(a, req.Body), nil
}

// delivered reports whether the vendor may have got the whole request.
func (a *attempt) delivered(err error) bool {
	if !a.connected(err) {
		return false
	}
	if sent := a.sent.Load(); sent != nil && a.bodyErr.Load() != nil && sent.taken.Load() < sent.length {
		return false // our own source failed: a shortened body is never a request
	}
	return true
}

// progress puts the attempt's end off: bytes of the request are moving.
func (a *attempt) progress() {
	if !a.answered.Load() {
		a.moved.Store(int64(time.Since(a.started)))
	}
}

// resume and pause are around each wait for the answer's bytes.
func (a *attempt) resume() { a.moved.Store(int64(time.Since(a.started))) }
func (a *attempt) pause()  { a.moved.Store(-1) }

// expire runs when the timer does: it ends the attempt, or waits on if bytes
// have moved since.
func (a *attempt) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return
	}
	now, next := time.Since(a.started), a.timeout
	if a.whole > 0 && now >= a.whole {
		a.cancel(&timeoutError{"the attempt was not done after " + a.whole.String()})
		return
	}
	if moved := time.Duration(a.moved.Load()); moved >= 0 {
		if now-moved >= a.timeout {
			a.cancel(&timeoutError{"no byte moved for " + a.timeout.String()})
			return
		}
		next = a.timeout - (now - moved)
	}
	if a.whole > 0 {
		next = min(next, a.whole-now)
	}
	a.timer.Reset(next)
}

// within bounds what is left of the attempt, whatever moves.
func (a *attempt) within(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if end := time.Since(a.started) + d; !a.ended && (a.whole == 0 || end < a.whole) {
		a.whole = end
		a.timer.Reset(min(d, a.timeout))
	}
}

// end releases the timer and the context; the body must have been read.
func (a *attempt) end() {
	a.mu.Lock()
	a.ended = true
	a.timer.Stop()
	a.mu.Unlock()
	a.cancel(nil)
}

// failed says that the check before the first byte or time ended the attempt,
// if one did.
func (a *attempt) failed(err error) error {
	if stopped := a.stop.Load(); stopped != nil {
		return stopped
	}
	if a.second() {
		return errSecond
	}
	if t, ok := errors.AsType[*timeoutError](context.Cause(a.cause)); ok {
		return t
	}
	return err
}

// answerBody starts and stops the attempt's clock around each read.
type answerBody struct {
	rc    io.ReadCloser
	a     *attempt
	speed meter
}

func (b *answerBody) Read(p []byte) (int, error) {
	b.a.resume()
	start := time.Now()
	n, err := b.rc.Read(p)
	waited := time.Since(start)
	b.a.pause()
	if b.speed.tooSlow(waited, n, b.a.timeout) && err == nil {
		b.a.cancel(errSlow)
		return n, errSlow
	}
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader contract
		err = b.a.failed(wireCause(err))
	}
	return n, err
}

func (b *answerBody) Close() error {
	err := b.rc.Close()
	b.a.end()
	return err
}

package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
)

const (
	host   = "api.example"
	origin = "https://api.example:443"
)

// identity is one certificate for all tests; fake time starts in the year 2000.
var identity = sync.OnceValues(func() (*tls.Config, *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "other.example", "login.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	leaf, err := x509.ParseCertificate(der)
	must(err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13},
		&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// world is a server that does as its script says, byte by byte, and counts
// what it saw. It lives inside one synctest bubble.
type world struct {
	t  *testing.T
	l  *memnet.Listener
	tr *http.Transport

	dial    func(ctx context.Context) (net.Conn, error) // instead of connecting
	connect func(raw *memnet.Conn) bool                 // before TLS; false: the connection is done with
	serve   func(n int, ex *exchange)                   // the n-th request, from 1, once its head was read
	heads   atomic.Int64                                // requests whose head arrived
	whole   atomic.Int64                                // requests whose body arrived whole
	conns   atomic.Int64                                // connections that were dialled
	opened  atomic.Int64                                // of the body's source
	closed  atomic.Int64
	over    chan struct{} // closed when the test is
	events  *events
	lastReq atomic.Pointer[http.Request]
}

// exchange is one request at the server.
type exchange struct {
	w    *world
	raw  *memnet.Conn
	tls  *tls.Conn
	req  *http.Request
	body []byte

	whole bool
}

// readBody reads all of the request.
func (x *exchange) readBody() bool {
	var err error
	if x.body, err = io.ReadAll(x.req.Body); err != nil {
		return false
	}
	x.whole = true
	x.w.whole.Add(1)
	return true
}

func (x *exchange) write(s string) { _, _ = io.WriteString(x.tls, s) }

// answer sends a whole answer with a body.
func (x *exchange) answer(status int, header, body string) {
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + itoa(status) + " " + http.StatusText(status) + "\r\nContent-Length: " + itoa(len(body)) + "\r\n")
	b.WriteString(header + "\r\n" + body)
	x.write(b.String())
}

func itoa(n int) string { return string(big.NewInt(int64(n)).Append(nil, 10)) }

// inWorld runs a test in a bubble, with its world taken down at the end: a
// goroutine that stays behind fails the test.
func inWorld(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve = func(_ int, x *exchange) {
			if x.readBody() {
				x.answer(200, "Content-Type: application/json\r\n", `{"ok":true}`)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.accept(&wg) })
		defer func() {
			w.tr.CloseIdleConnections()
			_ = w.l.Close()
			close(w.over)
			wg.Wait()
		}()
		run(t, w)
	})
}

// inHTTP2 is inServer over HTTP/2.
func inHTTP2(t *testing.T, handler http.HandlerFunc, run func(t *testing.T, w *world)) {
	t.Helper()
	inServer(t, true, handler, run)
}

// inServer is inWorld with net/http's server.
func inServer(t *testing.T, http2 bool, handler http.HandlerFunc, run func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.tr.ForceAttemptHTTP2 = http2
		conf, _ := identity()
		srv := &http.Server{
			TLSConfig: conf.Clone(), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
			Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				assert.Equal(t, http2, r.ProtoMajor == 2)
				w.heads.Add(1)
				handler(rw, r)
			}),
		}
		served := make(chan error, 1)
		go func() { served <- srv.ServeTLS(w.l, "", "") }()
		defer func() {
			w.tr.CloseIdleConnections()
			_ = srv.Close()
			<-served
		}()
		run(t, w)
	})
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, l: memnet.Listen(), events: &events{min: slog.LevelDebug}, over: make(chan struct{})}
	_, trust := identity()
	w.tr = &http.Transport{TLSClientConfig: trust.Clone(), DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		w.conns.Add(1)
		if w.dial != nil {
			return w.dial(ctx)
		}
		return w.l.Dial(ctx)
	}}
	return w
}

func (w *world) accept(wg *sync.WaitGroup) {
	for {
		raw, err := w.l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() { w.converse(raw.(*memnet.Conn)) })
	}
}

func (w *world) converse(raw *memnet.Conn) {
	defer raw.Close()
	if w.connect != nil && !w.connect(raw) {
		return
	}
	conf, _ := identity()
	conn := tls.Server(raw, conf)
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		w.lastReq.Store(req)
		x := &exchange{w: w, raw: raw, tls: conn, req: req}
		w.serve(int(w.heads.Add(1)), x)
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
	}
}

// client makes a client of the world. Its log is the world's.
func (w *world) client(cfg Config, opts ...ccr.Option) *Client {
	w.t.Helper()
	if cfg.Service == "" {
		cfg.Service = "svc"
	}
	cfg.DefaultBaseURL = "https://" + host
	c, err := New(cfg, append([]ccr.Option{
		ccr.WithHTTPClient(&http.Client{Transport: w.tr}),
		ccr.WithLogger(slog.New(w.events)),
	}, opts...)...)
	require.NoError(w.t, err)
	return c
}

// body is a request body whose source is counted.
func (w *world) body(content []byte) Body {
	return Body{ContentType: "text/csv", Length: int64(len(content)), Open: func() (io.ReadCloser, error) {
		w.opened.Add(1)
		return &countedSource{Reader: bytes.NewReader(content), closed: &w.closed}, nil
	}}
}

type countedSource struct {
	io.Reader
	closed *atomic.Int64
	once   sync.Once
}

func (s *countedSource) Close() error {
	s.once.Do(func() { s.closed.Add(1) })
	return nil
}

// events is a slog handler that keeps what it gets.
type events struct {
	mu   sync.Mutex
	list []map[string]any
	min  slog.Level
	off  bool
}

func (e *events) Enabled(_ context.Context, l slog.Level) bool { return !e.off && l >= e.min }
func (e *events) WithAttrs([]slog.Attr) slog.Handler           { panic("not used") }
func (e *events) WithGroup(string) slog.Handler                { panic("not used") }
func (e *events) Handle(_ context.Context, r slog.Record) error {
	m := map[string]any{"msg": r.Message, "level": r.Level.String()}
	r.Attrs(func(a slog.Attr) bool {
		m[a.Key] = a.Value.Any()
		return true
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, m)
	return nil
}

// of returns the events with a message.
func (e *events) of(msg string) []map[string]any {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []map[string]any
	for _, m := range e.list {
		if m["msg"] == msg {
			out = append(out, m)
		}
	}
	return out
}

func (e *events) attempts() []map[string]any {
	return append(e.of("request failed"), e.of("request")...)
}

// key is a credential that always is the same.
type key struct{ value string }

func (key) Bind(Binding) error { return nil }
func (k key) Header(context.Context) (string, string, error) {
	return "Authorization", "Bearer " + k.value, nil
}
func (key) Refused(string) bool { return false }

// routes of the classes.
var (
	routeGet      = &Route{Operation: "Read", Method: "GET", Path: "/v1/things/{id}", Class: Idempotent}
	routePut      = &Route{Operation: "Replace", Method: "PUT", Path: "/v1/things", Class: Idempotent}
	routeCreate   = &Route{Operation: "Create", Method: "POST", Path: "/v1/things", Class: UnsentOnly}
	routeUpload   = &Route{Operation: "Upload", Method: "POST", Path: "/v1/files", Class: UnsentOnly, NoAnswerRetry: true}
	routeDestruct = &Route{Operation: "Destroy", Method: "POST", Path: "/v1/destroy", Class: Destructive}
)

// request makes a request of a route, with a body where it has one.
func (w *world) request(r *Route) *Request {
	req := &Request{Route: r}
	if r.Method == "GET" {
		req.PathArgs = []string{"T-1"}
		return req
	}
	req.Body = w.body(bytes.Repeat([]byte("debtor,1.00\n"), 1000))
	return req
}

// large makes a request whose body is more than all buffers on the way hold.
func (w *world) large(r *Route) *Request {
	req := w.request(r)
	req.Body = w.body(bytes.Repeat([]byte("debtor,1.00\n"), 3*memnet.BufferSize/24))
	return req
}

// failed makes a call that must fail.
func failed(t *testing.T, c *Client, req *Request) *ccr.Error {
	t.Helper()
	_, err := c.Do(t.Context(), req)
	require.Error(t, err)
	e, ok := err.(*ccr.Error) //nolint:errorlint // Do promises the type itself
	require.True(t, ok, "%T", err)
	return e
}

// settled waits until whatever still runs has come to rest, and checks that
// every source that was opened is closed.
func (w *world) settled(t *testing.T) {
	t.Helper()
	synctest.Wait()
	assert.Equal(t, w.opened.Load(), w.closed.Load(), "sources opened and closed")
}

// Package testkit is what the in-process HTTP servers of the SDK share: TLS
// with a throwaway CA on loopback or in memory, faults by operation, recorded
// requests and an OAuth token issuer. The …test packages put a typed face on
// it; it holds nothing of any vendor.
package testkit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
)

// Options configures a [Server].
type Options struct {
	BasePath string // of the API on the host: "/sync"
	// InMemory serves on an in-memory network instead of loopback; needed
	// inside a testing/synctest bubble, where the server must be made, too.
	InMemory bool
	HTTP2    bool // default: HTTP/1.1 only, where a cut stream is a cut connection
	// RequireLength answers 411 to a request with a body of undeclared length.
	RequireLength bool
	// RequireJSON answers 415 to a body whose media type is not exactly
	// application/json. Operations in NotJSON are exempt.
	RequireJSON bool
	NotJSON     []string
	// OperationOf names the operation where one route serves several, told
	// apart by the body. It may read ahead and put another Body in its place;
	// what it has read counts as arrived only when a handler reads it.
	OperationOf func(r *http.Request) string
}

// Server is an HTTPS server with routes, faults and a record of requests. It
// is safe for concurrent use.
type Server struct {
	opts   Options
	mux    *http.ServeMux
	http   *http.Server
	url    string
	client *http.Client
	ca     *x509.Certificate

	mu       sync.Mutex
	faults   []*armed
	requests []Recorded
	stalls   chan struct{} // closed by Close
	closed   bool
	silent   bool
}

// New starts a server. It fails only if the machine has no loopback.
func New(o Options) (*Server, error) {
	cert, ca, err := newIdentity()
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	s := &Server{opts: o, mux: http.NewServeMux(), ca: ca, stalls: make(chan struct{})}
	var l net.Listener
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   o.HTTP2,
		MaxIdleConnsPerHost: 64,
	}
	if o.InMemory {
		m := memnet.Listen()
		transport.DialContext = m.DialContext
		l = m
	} else if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	s.url = "https://" + l.Addr().String()
	s.client = &http.Client{Transport: transport}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.HTTP2)
	s.http = &http.Server{
		Handler:           s,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		Protocols:         protocols,
		ErrorLog:          log.New(io.Discard, "", 0), // cut connections are the point
		ReadHeaderTimeout: time.Minute,
	}
	go s.http.ServeTLS(l, "", "") //nolint:errcheck // ends with Close
	return s, nil
}

// Close ends the server, its connections and stalled requests.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.stalls)
	s.mu.Unlock()
	s.http.Close() //nolint:errcheck // nothing to save
	s.client.CloseIdleConnections()
}

// URL is the base URL of the API.
func (s *Server) URL() string { return s.url + s.opts.BasePath }

// Root is the URL of the host, without the API's path.
func (s *Server) Root() string { return s.url }

// HTTPClient trusts the server's CA and reaches it wherever it listens.
func (s *Server) HTTPClient() *http.Client { return s.client }

// CAPEM is the CA of the server, for clients in another process.
func (s *Server) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.ca.Raw})
}

// Options makes a client of the SDK talk to the server.
func (s *Server) Options() []ccr.Option {
	return []ccr.Option{ccr.WithBaseURL(s.URL()), ccr.WithHTTPClient(s.client)}
}

// Handle serves an operation; the pattern is that of [http.ServeMux], with
// the API's base path in it.
func (s *Server) Handle(operation, pattern string, h http.HandlerFunc) {
	s.mux.Handle(pattern, &operationHandler{operation, h})
}

type operationHandler struct {
	operation string
	h         http.HandlerFunc
}

func (o *operationHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.h(w, r) }

// maxRecordedBody keeps a test of large uploads small.
const maxRecordedBody = 1 << 20

// Recorded is one request that the server got.
type Recorded struct {
	Operation string // "" if no route matched
	Method    string
	Path      string
	Query     string
	Header    http.Header
	Body      []byte // its first MiB
	Length    int64  // bytes of body that arrived
	At        time.Time
}

// Requests returns the requests of an operation in order of arrival; "" is all.
// A request is complete in the record once it was answered.
func (s *Server) Requests(operation string) []Recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Recorded
	for _, r := range s.requests {
		if operation == "" || r.Operation == operation {
			out = append(out, r)
		}
	}
	return out
}

// KeepNoRecord makes the server forget requests, for long runs.
func (s *Server) KeepNoRecord() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

// ServeHTTP records, applies faults, and serves.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := ""
	h, _ := s.mux.Handler(r)
	if o, ok := h.(*operationHandler); ok {
		operation = o.operation
		if s.opts.OperationOf != nil {
			operation = s.opts.OperationOf(r)
		}
	}
	if index := s.record(operation, r); index >= 0 {
		body := &recordingBody{r: r.Body}
		r.Body = body
		defer s.finish(index, body)
	}
	if status := s.refuse(operation, r); status != 0 {
		Problem(w, status, http.StatusText(status))
		return
	}
	if f := s.take(operation); f != nil {
		s.apply(f, w, r)
		return
	}
	r.Body = wholeBody{r.Body}
	s.mux.ServeHTTP(w, r)
}

// wholeBody ends the handling of a request whose body broke off. It gets no
// response: no handler takes half a body for a request that is not well-formed.
type wholeBody struct{ io.ReadCloser }

func (b wholeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a body's own end is never wrapped
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// refuse enforces what HTTP itself is asked to be like.
func (s *Server) refuse(operation string, r *http.Request) int {
	if r.ContentLength == 0 || r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return 0
	}
	if s.opts.RequireLength && r.ContentLength < 0 {
		return http.StatusLengthRequired
	}
	if s.opts.RequireJSON && r.Header.Get("Content-Type") != "application/json" {
		for _, o := range s.opts.NotJSON {
			if o == operation {
				return 0
			}
		}
		return http.StatusUnsupportedMediaType
	}
	return 0
}

func (s *Server) record(operation string, r *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return -1
	}
	s.requests = append(s.requests, Recorded{
		Operation: operation, Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		Header: r.Header.Clone(), At: time.Now(),
	})
	return len(s.requests) - 1
}

func (s *Server) finish(index int, body *recordingBody) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[index].Body, s.requests[index].Length = body.kept, body.n
}

type recordingBody struct {
	r    io.ReadCloser
	kept []byte
	n    int64
}

func (b *recordingBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if room := maxRecordedBody - len(b.kept); room > 0 {
		b.kept = append(b.kept, p[:min(n, room)]...)
	}
	b.n += int64(n)
	return n, err
}

func (b *recordingBody) Close() error { return b.r.Close() }

// wait sleeps within the request's context and the server's life.
func (s *Server) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.stalls:
		return errors.New("testkit: closed")
	}
}

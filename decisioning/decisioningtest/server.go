package decisioningtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/internal/testkit"
)

// The credential that the server takes.
const (
	ClientID     = "test-client"
	ClientSecret = "not-a-secret"
)

// Fault is something that goes wrong with requests of an operation; see
// [Server.Inject]. Operations are named as in errors of the client; where two
// share a route the server knows "Customers" (FindCustomer), "Analysis"
// (WaitAnalysis) and "Token". Its fields are:
//
//	Operation string        // "" is any
//	Kind      FaultKind     // what goes wrong
//	Skip      int           // requests that go well first
//	Times     int           // requests that go wrong; 0 is one, negative is all
//	Delay     time.Duration // waited before it, with every kind
//	Status    int           // Answer: 0 is 503; Garble: 0 leaves it
//	Header    http.Header   // Answer and Garble
//	Body      string        // Answer and Garble
//	After     int64         // bytes, of the kinds that count them
type Fault = testkit.Fault

// FaultKind says what goes wrong.
type FaultKind = testkit.FaultKind

// The kinds of fault.
const (
	Answer      = testkit.Answer      // answers Status, Header and Body instead of acting
	Delay       = testkit.Delay       // acts after Delay
	CutBefore   = testkit.CutBefore   // cuts the connection before the request is read
	CutRequest  = testkit.CutRequest  // cuts it after After bytes of the request's body
	LoseAnswer  = testkit.LoseAnswer  // acts, and cuts it before the answer
	CutAnswer   = testkit.CutAnswer   // acts, and cuts it after After bytes of the answer
	Truncate    = testkit.Truncate    // acts; the answer ends after After bytes, as if complete
	Garble      = testkit.Garble      // acts; Body takes the answer's place
	Stall       = testkit.Stall       // never answers
	StallAnswer = testkit.StallAnswer // acts, and stops after After bytes of the answer
)

// Recorded is one request that the server got, refused ones included. Its
// Header holds the token. Its fields are:
//
//	Operation string      // "" if no route matched
//	Method    string
//	Path      string      // with the API's base path
//	Query     string      // as it came, without "?"
//	Header    http.Header
//	Body      []byte      // its first MiB
//	Length    int64       // bytes of body that arrived
//	At        time.Time
type Recorded = testkit.Recorded

// Config configures [NewServer]. Its zero value is a server on loopback whose
// tokens are Algoan's.
type Config struct {
	// InMemory serves on an in-memory network instead of loopback; needed
	// inside a testing/synctest bubble, where the server must be made, too.
	InMemory bool
	// Business makes the project one that analyses professional accounts, too.
	Business bool
	// Evaluate decides what an analysis ends in, by the body that brought its
	// data. Default: [Sandbox]. It is called one call at a time.
	Evaluate func(body []byte) Outcome
	// DuplicateCode is the code of the 422 for a customIdentifier that is taken.
	// Algoan's is not documented. Default "ALREADY_EXISTS".
	DuplicateCode string
	// ReplacingPatch makes an update of a customer take away what it does not
	// name. Without it, an update leaves that alone.
	ReplacingPatch bool
	// EscapedSignatures signs the payload with the escapes that the prose of
	// Algoan's documentation names, instead of as it stands.
	EscapedSignatures bool
	// Processing is when an analysis that nobody reads ends. Default 50 ms.
	Processing time.Duration
	// TokenLifetime is how long tokens live. Default 24 hours.
	TokenLifetime time.Duration
	// TokenStatus is the status of a token answer. Default 201, as Algoan's
	// documentation says; mocks of its connectors answer 200.
	TokenStatus int
	// NoRefreshTokens makes the server hand out access tokens alone.
	NoRefreshTokens bool
	// WebhookClient delivers events; it must trust the receiver's
	// certificate. Default: one that can reach this server only.
	WebhookClient *http.Client
}

// DeliverTo makes the server call a receiver of events in the process, without
// a socket, whatever the target of a subscription is.
func (s *Server) DeliverTo(receiver http.Handler) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.WebhookClient = &http.Client{Transport: handlerTransport{receiver}}
	return s
}

// handlerTransport hands requests to a handler.
type handlerTransport struct{ h http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	a := &directAnswer{header: http.Header{}}
	t.h.ServeHTTP(a, r)
	return &http.Response{
		StatusCode: max(a.status, http.StatusOK), Header: a.header, Request: r, ContentLength: int64(a.body.Len()),
		Body: io.NopCloser(&a.body), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

type directAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *directAnswer) Header() http.Header { return a.header }

func (a *directAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *directAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// Server is an Algoan API with state. It is safe for concurrent use.
type Server struct {
	cfg    Config
	kit    *testkit.Server
	tokens *testkit.Tokens

	mu            sync.Mutex
	ids           int64
	customers     []*customer
	subscriptions []*subscription
	deliveries    sync.WaitGroup
	closed        bool
}

// NewServer starts a server; close it with Close. It fails only if the machine
// has no loopback.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Processing == 0 {
		cfg.Processing = 50 * time.Millisecond
	}
	if cfg.Evaluate == nil {
		cfg.Evaluate = func(body []byte) Outcome { return Sandbox(body, cfg.Business) }
	}
	if cfg.DuplicateCode == "" {
		cfg.DuplicateCode = "ALREADY_EXISTS"
	}
	if cfg.TokenStatus == 0 {
		cfg.TokenStatus = http.StatusCreated
	}
	kit, err := testkit.New(testkit.Options{InMemory: cfg.InMemory, RequireLength: true, RequireJSON: true, NotJSON: []string{"Token"}})
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, kit: kit}
	if s.cfg.WebhookClient == nil {
		s.cfg.WebhookClient = kit.HTTPClient()
	}
	s.tokens = &testkit.Tokens{
		ClientID: ClientID, ClientSecret: ClientSecret, Lifetime: cfg.TokenLifetime, Refresh: !cfg.NoRefreshTokens,
		Status: cfg.TokenStatus, TokenType: "bearer",
	}
	kit.Handle("Token", "POST /v1/oauth/token", s.tokens.ServeHTTP)
	s.handleCustomers()
	s.handleAnalyses()
	s.handleSubscriptions()
	return s, nil
}

// Close ends the server, and waits for deliveries that are under way.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, c := range s.customers {
		for _, a := range c.analyses {
			a.stop()
		}
	}
	s.mu.Unlock()
	s.kit.Close()
	s.deliveries.Wait()
}

// URL is the base URL of the API.
func (s *Server) URL() string { return s.kit.URL() }

// TokenURL is the token endpoint.
func (s *Server) TokenURL() string { return s.kit.URL() + "/v1/oauth/token" }

// HTTPClient trusts the server's certificate and reaches it.
func (s *Server) HTTPClient() *http.Client { return s.kit.HTTPClient() }

// CAPEM is the certificate authority, for clients in another process.
func (s *Server) CAPEM() []byte { return s.kit.CAPEM() }

// Options makes a client of the SDK talk to the server.
func (s *Server) Options() []ccr.Option { return s.kit.Options() }

// Credential returns a credential that the server takes.
func (s *Server) Credential() (auth.Credential, error) {
	return auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: s.TokenURL(), ClientID: ClientID, ClientSecret: ccr.NewSecret(ClientSecret),
	})
}

// Client returns a client that is connected to the server; opts are added.
func (s *Server) Client(opts ...ccr.Option) (*decisioning.Client, error) {
	cred, err := s.Credential()
	if err != nil {
		return nil, err
	}
	return decisioning.NewClient(cred, append(s.Options(), opts...)...)
}

// KeepNoRecord makes the server forget requests, for long runs.
func (s *Server) KeepNoRecord() *Server {
	s.kit.KeepNoRecord()
	return s
}

// AnalysesByCustomer counts the analyses of each customer, by the customer's
// customIdentifier.
func (s *Server) AnalysesByCustomer() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for _, c := range s.customers {
		out[c.custom] += len(c.analyses)
	}
	return out
}

// Inject arms a fault. Several can be armed; the first that fits is applied.
func (s *Server) Inject(f Fault) *Server {
	s.kit.Inject(f)
	return s
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() *Server {
	s.kit.ClearFaults()
	return s
}

// Requests returns what arrived for an operation, in order; "" is all.
func (s *Server) Requests(operation string) []Recorded { return s.kit.Requests(operation) }

// RevokeTokens ends every access token; refresh tokens stay.
func (s *Server) RevokeTokens() *Server {
	s.tokens.Revoke()
	return s
}

// RevokeRefreshTokens ends every refresh token.
func (s *Server) RevokeRefreshTokens() *Server {
	s.tokens.RevokeRefresh()
	return s
}

// handle serves an operation for those who have a token.
func (s *Server) handle(operation, pattern string, h http.HandlerFunc) {
	s.kit.Handle(operation, pattern, func(w http.ResponseWriter, r *http.Request) {
		if !s.tokens.Authorized(r) {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "The token is missing or has expired")
			return
		}
		h(w, r)
	})
}

// newID returns an id like Algoan's, of 24 hexadecimal digits; s.mu is held.
func (s *Server) newID() string {
	s.ids++
	return id(s.ids)
}

// refuse answers an error the way Algoan's server components write it.
func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"code": code, "message": message, "status": status})
}

func notFound(w http.ResponseWriter, what string) {
	refuse(w, http.StatusNotFound, "NOT_FOUND", what+" not found")
}

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"code":"INTERNAL_ERROR","message":"`+err.Error()+`"}`)
	}
	write(w, status, b)
}

func write(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b) //nolint:errcheck // the client may have gone
}

// read decodes a body, or refuses it.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<20)).Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "The body is not the expected JSON")
		return false
	}
	return true
}

package accountstest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/testkit"
)

// Fault is something that goes wrong with requests of an operation
// ("UpsertAccounts", "ReportPayments", "UpsertClaims", "BatchStatus", "Token");
// see [Server.Inject]. Its fields are:
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

// Recorded is one request that the server got. Its Header holds the token, its
// Body personal data, if the test sends any. Its fields are:
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

// FaultKind says what goes wrong.
type FaultKind = testkit.FaultKind

// The kinds of [Fault].
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

// LocationStyle says how the server writes the Location of a batch's status.
type LocationStyle string

const (
	LocationAbsolute LocationStyle = ""         // https://host/sync/…
	LocationRelative LocationStyle = "relative" // /sync/…
	LocationNone     LocationStyle = "none"     // no header
	LocationForeign  LocationStyle = "foreign"  // on another host
)

// Config configures a [Server]; its zero value is a server on loopback.
type Config struct {
	// InMemory serves on an in-memory network, as testing/synctest needs.
	InMemory bool
	// Location says how status URIs are written.
	Location LocationStyle
	// Looks is the number of looks at a batch's status until it is done;
	// default 2.
	Looks int
	// Names maps names on the wire, as the SDK infers them, to what this
	// server wants instead: {"clientReferenceId": "clientReference"}.
	Names map[string]string
	// Late is how long the first request of the API is under way: a server with
	// [Server.Limit] counts it so much later.
	Late time.Duration
	// TokenLifetime is how long tokens live; default 24 h.
	TokenLifetime time.Duration
}

// Server is an in-process Credit Clear. It is safe for concurrent use.
type Server struct {
	cfg    Config
	kit    *testkit.Server
	tokens *testkit.Tokens

	late sync.Once

	mu       sync.Mutex
	denied   bool
	limit    limit
	batches  map[string]*Batch // by operation and reference
	byID     map[string]*Batch
	order    []*Batch
	invoices map[string]*Invoice
	items    map[string][]Item // payments and claims, by operation
	applied  map[string]int    // rows, by operation and key
	failing  map[string]string
}

const (
	clientID = "accountstest"
	audience = "https://accountstest.invalid/sync"
	// maxBody is "30 MB" at its smallest.
	maxBody = 30_000_000
)

// NewServer starts a server; close it with Close.
func NewServer(cfg Config) (*Server, error) {
	kit, err := testkit.New(testkit.Options{BasePath: "/sync", InMemory: cfg.InMemory, RequireLength: true, RequireJSON: true})
	if err != nil {
		return nil, err
	}
	if cfg.Looks == 0 {
		cfg.Looks = 2
	}
	s := &Server{
		cfg: cfg, kit: kit,
		tokens:  &testkit.Tokens{ClientID: clientID, ClientSecret: newSecret(), Audience: audience, JSON: true, OmitExpiry: true, Lifetime: cfg.TokenLifetime},
		batches: map[string]*Batch{}, byID: map[string]*Batch{}, invoices: map[string]*Invoice{},
		items: map[string][]Item{}, applied: map[string]int{}, failing: map[string]string{},
	}
	kit.Handle("Token", "POST /oauth/token", s.tokens.ServeHTTP)
	for i := range kinds {
		k := &kinds[i]
		kit.Handle(k.operation, "PUT /sync"+k.path, func(w http.ResponseWriter, r *http.Request) { s.put(w, r, k) })
	}
	kit.Handle("BatchStatus", "GET /sync/v1/batch-status/{id}", s.status)
	return s, nil
}

// Close ends the server and its connections.
func (s *Server) Close() { s.kit.Close() }

// URL is the base URL of the API.
func (s *Server) URL() string { return s.kit.URL() }

// TokenURL is the token endpoint.
func (s *Server) TokenURL() string { return s.kit.Root() + "/oauth/token" }

// ClientID is what the token endpoint wants.
func (s *Server) ClientID() string { return clientID }

// ClientSecret is what the token endpoint wants; another one in each server.
func (s *Server) ClientSecret() string { return s.tokens.ClientSecret }

// Audience is what the token endpoint wants.
func (s *Server) Audience() string { return audience }

// CAPEM is the server's certificate authority, for a client in another process.
func (s *Server) CAPEM() []byte { return s.kit.CAPEM() }

// HTTPClient trusts the server and reaches it wherever it listens.
func (s *Server) HTTPClient() *http.Client { return s.kit.HTTPClient() }

// Options makes a client talk to the server.
func (s *Server) Options() []ccr.Option { return s.kit.Options() }

// Credential makes a new credential for the server's token endpoint.
func (s *Server) Credential() (*auth.TokenSource, error) {
	return auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: s.TokenURL(), ClientID: clientID, ClientSecret: ccr.NewSecret(s.tokens.ClientSecret),
		Audience: audience, Encoding: auth.EncodingJSON,
	})
}

// Client makes a client of the server, with a credential of its own and
// without the default rate limit; opts come last.
func (s *Server) Client(opts ...ccr.Option) (*accounts.Client, error) {
	cred, err := s.Credential()
	if err != nil {
		return nil, err
	}
	return accounts.NewClient(cred, slices.Concat(s.Options(), []ccr.Option{ccr.WithLimiter(ccr.NoLimit())}, opts)...)
}

// RevokeTokens ends every token issued so far.
func (s *Server) RevokeTokens() *Server {
	s.tokens.Revoke()
	return s
}

// TokensIssued is the number of tokens issued so far.
func (s *Server) TokensIssued() int { return s.tokens.Issued() }

// Inject arms a fault; see [Fault].
func (s *Server) Inject(f Fault) *Server {
	s.kit.Inject(f)
	return s
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() *Server {
	s.kit.ClearFaults()
	return s
}

// KeepNoRecord makes the server forget requests, for long runs.
func (s *Server) KeepNoRecord() *Server {
	s.kit.KeepNoRecord()
	return s
}

// Requests returns the recorded requests of an operation; "" is all.
func (s *Server) Requests(operation string) []Recorded { return s.kit.Requests(operation) }

// Deny makes the server answer 403 to every call, as if the token's
// permission were missing.
func (s *Server) Deny(on bool) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = on
	return s
}

type limit struct {
	n      int
	window time.Duration
	status int
	seen   []time.Time
}

// Limit lets n calls through in any window and answers the others with
// status: 429 comes with Retry-After, 403 without, as the two published pages
// have it. n of 0 ends it. Token calls are not counted.
func (s *Server) Limit(n int, window time.Duration, status int) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = limit{n: n, window: window, status: status}
	return s
}

// admit checks what comes before the body: token, permission, limit, size.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	if !s.tokens.Authorized(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "Unauthorized", nil)
		return false
	}
	s.late.Do(func() { time.Sleep(s.cfg.Late) })
	s.mu.Lock()
	denied, status, after := s.denied, 0, time.Duration(0)
	if l := &s.limit; l.n > 0 {
		now := time.Now()
		l.seen = slices.DeleteFunc(l.seen, func(t time.Time) bool { return now.Sub(t) >= l.window })
		if len(l.seen) >= l.n {
			status, after = l.status, l.window-now.Sub(l.seen[0])
		} else {
			l.seen = append(l.seen, now)
		}
	}
	s.mu.Unlock()
	switch {
	case denied:
		problem(w, http.StatusForbidden, "Forbidden", nil)
	case status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
		problem(w, status, "Too Many Requests", nil)
	case status != 0:
		problem(w, status, http.StatusText(status), nil)
	case r.ContentLength > maxBody:
		problem(w, http.StatusRequestEntityTooLarge, "Request body too large", nil)
	default:
		return true
	}
	return false
}

// put takes a batch of any kind.
func (s *Server) put(w http.ResponseWriter, r *http.Request, k *kind) {
	if !s.admit(w, r) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the request broke off; nobody hears an answer
	}
	sum := sha256.Sum256(body)
	reference, rows, faults := s.read(k, body)
	if len(faults) > 0 {
		problem(w, http.StatusBadRequest, "One or more validation errors occurred.", faults)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.batches[k.operation+"\n"+reference]
	switch {
	case b == nil:
		b = s.accept(k, reference, sum, rows)
	case b.sum != sum:
		problem(w, http.StatusConflict, "The reference was used for another payload", nil)
		return
	default:
		b.Repeated++
	}
	if at := s.location(b.ID); at != "" {
		w.Header().Set("Location", at)
	}
	w.Header().Set("X-Request-Id", "req-"+b.ID)
	w.WriteHeader(http.StatusAccepted)
}

func (s *Server) location(id string) string {
	path := "/sync/v1/batch-status/" + id
	switch s.cfg.Location {
	case LocationNone:
		return ""
	case LocationRelative:
		return path
	case LocationForeign:
		return "https://elsewhere.invalid" + path
	}
	return s.kit.Root() + path
}

// status answers one look at a batch.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if !s.admit(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.byID[r.PathValue("id")]
	if b == nil {
		problem(w, http.StatusNotFound, "Not Found", nil)
		return
	}
	b.Looks++
	answer := map[string]any{"batchReferenceId": b.Reference, "total": len(b.Results)}
	switch {
	case b.Looks == 1 && s.cfg.Looks > 1:
		answer["status"] = "Accepted"
	case b.Looks < s.cfg.Looks:
		answer["status"] = "Processing"
	default:
		failed := 0
		for _, i := range b.Results {
			if i.Status == "Failed" {
				failed++
			}
		}
		answer["status"] = "Completed"
		if failed > 0 {
			answer["status"] = "CompletedWithErrors"
		}
		answer["succeeded"], answer["failed"], answer["items"] = len(b.Results)-failed, failed, b.Results
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(dotnetJSON(answer)) //nolint:errcheck // the client may have gone
}

// String keeps the client secret out of printed forms.
func (s *Server) String() string { return fmt.Sprintf("accountstest.Server(%s)", s.URL()) }

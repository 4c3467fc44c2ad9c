package gatewaytest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/internal/testkit"
)

// Config configures [NewServer]. The zero value is a server on loopback.
type Config struct {
	// InMemory serves on an in-memory network instead of loopback; needed
	// inside a testing/synctest bubble, where the server must be made, too.
	InMemory bool
	// HTTP2 offers HTTP/2 beside HTTP/1.1.
	HTTP2 bool
	// Credential is what the server accepts; the zero value is made up.
	Credential auth.APIKey
}

// Fault is something that goes wrong with requests of an operation, which is
// the name of the client's method: "Upload", "TestByName"; see [Server.Inject].
// Its fields are:
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

// Recorded is one request that the server got. Its body holds the key and the
// secret, as every request to the gateway does. Its fields are:
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

// Server is a bureau in the process. It is safe for concurrent use.
type Server struct {
	kit *testkit.Server
	key auth.APIKey

	mu       sync.Mutex
	style    Style
	waiting  []stored
	archived []stored
	uploads  []stored
}

type stored struct {
	name string
	data []byte
}

// NewServer starts a server. It fails only if the machine has no loopback.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Credential.Key.IsZero() {
		text := strings.ToLower(rand.Text() + rand.Text())
		cfg.Credential = auth.APIKey{Key: ccr.NewSecret(text[:50]), Username: "user-" + text[:6], IP: "192.0.2.10"}
	}
	if err := cfg.Credential.Validate(); err != nil {
		return nil, err
	}
	kit, err := testkit.New(testkit.Options{
		BasePath: "/gateway.php", InMemory: cfg.InMemory, HTTP2: cfg.HTTP2,
		RequireLength: true, RequireJSON: true, OperationOf: operationOf,
	})
	if err != nil {
		return nil, err
	}
	s := &Server{kit: kit, key: cfg.Credential}
	kit.Handle("", "POST /gateway.php", s.serve)
	return s, nil
}

// Close ends the server and its connections.
func (s *Server) Close() { s.kit.Close() }

// URL is the endpoint, for [ccr.WithBaseURL].
func (s *Server) URL() string { return s.kit.URL() }

// Options makes a client talk to the server and trust its certificate.
func (s *Server) Options() []ccr.Option { return s.kit.Options() }

// HTTPClient trusts the server's certificate and reaches it wherever it listens.
func (s *Server) HTTPClient() *http.Client { return s.kit.HTTPClient() }

// CAPEM is the certificate authority of the server, for clients in another
// process.
func (s *Server) CAPEM() []byte { return s.kit.CAPEM() }

// Credential is what the server accepts.
func (s *Server) Credential() auth.APIKey { return s.key }

// Client makes a client of the server; more options may follow its own.
func (s *Server) Client(opts ...ccr.Option) (*gateway.Client, error) {
	return gateway.NewClient(s.key, append(s.Options(), opts...)...)
}

// Inject arms a fault. Several can be armed; the first one that fits a request
// is applied to it.
func (s *Server) Inject(f Fault) *Server {
	s.kit.Inject(f)
	return s
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() *Server {
	s.kit.ClearFaults()
	return s
}

// Requests returns the requests of an operation in order of arrival; "" is all.
func (s *Server) Requests(operation string) []Recorded { return s.kit.Requests(operation) }

// KeepNoRecord makes the server forget requests, for long runs.
func (s *Server) KeepNoRecord() *Server {
	s.kit.KeepNoRecord()
	return s
}

// SetStyle changes how the server writes its answers.
func (s *Server) SetStyle(style Style) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.style = style
	return s
}

// AddReport makes a report wait. A second one of the same name replaces the
// first while that waits; after it was archived, it is another report.
func (s *Server) AddReport(name string, data []byte) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = put(s.waiting, name, data)
	return s
}

// AddSamples makes sample reports of some kinds wait, of all kinds if none is
// named: "ARUDD", "ADDACS"; see [bacssample.All].
func (s *Server) AddSamples(kinds ...string) *Server {
	for _, sample := range bacssample.Of(kinds...) {
		s.AddReport(sample.Name, sample.Data)
	}
	return s
}

// Waiting returns the names of the reports that were not archived yet.
func (s *Server) Waiting() []string { return s.names(&s.waiting) }

// Archived returns the names of the reports that were archived, in order.
func (s *Server) Archived() []string { return s.names(&s.archived) }

// Uploads returns the names of the files that were uploaded, in order.
func (s *Server) Uploads() []string { return s.names(&s.uploads) }

// Uploaded returns the content of an upload.
func (s *Server) Uploaded(name string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return find(s.uploads, name)
}

func (s *Server) names(of *[]stored) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, len(*of))
	for i, f := range *of {
		out[i] = f.name
	}
	return out
}

func put(in []stored, name string, data []byte) []stored {
	for i := range in {
		if in[i].name == name {
			in[i].data = data
			return in
		}
	}
	return append(in, stored{name, data})
}

func find(in []stored, name string) ([]byte, bool) {
	for _, f := range in {
		if f.name == name {
			return f.data, true
		}
	}
	return nil, false
}

// operationOf reads the action at the beginning of the body.
func operationOf(r *http.Request) string {
	b := bufio.NewReaderSize(r.Body, 64<<10)
	r.Body = struct {
		io.Reader
		io.Closer
	}{b, r.Body}
	for {
		seen, err := b.Peek(b.Buffered() + 1)
		seen, _ = b.Peek(max(len(seen), b.Buffered())) //nolint:errcheck // buffered already
		if a := actionIn(seen); a != "" || err != nil {
			return a
		}
	}
}

// actionIn returns the operation named in the beginning of a JSON object.
func actionIn(begin []byte) string {
	d := json.NewDecoder(bytes.NewReader(begin))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return ""
		}
		var v any
		if d.Decode(&v) != nil {
			return ""
		}
		if a, ok := v.(string); ok && name == "action" && a != "" {
			return strings.ToUpper(a[:1]) + a[1:]
		}
	}
	return ""
}

// call is a request body.
type call struct {
	APIKey  string  `json:"apikey"`
	Secret  string  `json:"secret"`
	Action  string  `json:"action"`
	Force   *string `json:"force"`
	Results *string `json:"resultsformat"`
	Files   []struct {
		Name *string `json:"name"`
		Data *string `json:"data"`
	} `json:"files"`
	Names []string `json:"names"`
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client broke off: nothing is carried out
	}
	var c call
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &reply{style: s.style}
	if err := d.Decode(&c); err != nil || d.More() {
		a.refuse("", "Invalid JSON request")
	} else {
		s.act(a, &c)
	}
	a.write(w)
}

func (s *Server) act(a *reply, c *call) {
	key, err := s.key.Key.Reveal()
	if err != nil {
		a.refuse("", "Server error")
		return
	}
	sum := sha256.Sum256([]byte(s.key.Username + "." + s.key.IP))
	switch {
	case subtle.ConstantTimeCompare([]byte(c.APIKey), []byte(key)) != 1:
		a.denied = true
		a.refuse("", "Invalid API key")
		return
	case subtle.ConstantTimeCompare([]byte(c.Secret), []byte(hex.EncodeToString(sum[:]))) != 1:
		a.denied = true
		a.refuse("", "Invalid secret, or request from an IP address that is not registered")
		return
	case c.Force != nil && *c.Force != "yes", c.Results != nil && *c.Results != "JSON":
		a.refuse("", "Invalid value of an option")
		return
	}
	byName := strings.HasSuffix(c.Action, "ByName")
	if byName != (c.Names != nil) || byName && len(c.Names) == 0 || (c.Action == "upload") != (c.Files != nil) {
		a.refuse("", "files or names are missing, or do not belong to this action")
		return
	}
	switch c.Action {
	case "upload":
		s.upload(a, c)
	case "countReports":
		a.count(len(s.waiting))
	case "listReports":
		a.count(len(s.waiting))
		a.listed = true
		for _, f := range s.waiting {
			a.list = append(a.list, f.name)
		}
	case "test", "download":
		if len(s.waiting) == 0 {
			a.rows = append(a.rows, row{"", "OK", "No reports were available"})
		}
		a.withFiles = true
		for _, f := range slices.Clone(s.waiting) {
			s.hand(a, f, c.Action == "download")
		}
	case "testByName", "downloadByName":
		a.withFiles = true
		for _, name := range c.Names {
			if data, ok := find(s.waiting, name); ok {
				s.hand(a, stored{name, data}, c.Action == "downloadByName")
			} else {
				a.refuse(name, "Report not found")
			}
		}
	case "archiveByName":
		for _, name := range c.Names {
			if data, ok := find(s.waiting, name); ok {
				s.archive(stored{name, data})
				a.rows = append(a.rows, row{name, "OK", "Archived"})
			} else {
				a.refuse(name, "Report not found")
			}
		}
	default:
		a.refuse("", "Unknown action")
	}
}

// hand puts a report into the answer; a download archives it in the same go.
func (s *Server) hand(a *reply, f stored, archive bool) {
	a.files = append(a.files, f)
	a.rows = append(a.rows, row{f.name, "OK", "Queued"})
	if archive {
		s.archive(f)
	}
}

func (s *Server) archive(f stored) {
	s.waiting = slices.DeleteFunc(s.waiting, func(have stored) bool { return have.name == f.name })
	s.archived = append(s.archived, f)
}

func (s *Server) upload(a *reply, c *call) {
	if len(c.Files) == 0 {
		a.refuse("", "files is empty")
	}
	for _, f := range c.Files {
		if f.Name == nil || f.Data == nil {
			a.refuse("", "A file needs a name and data")
			continue
		}
		_, exists := find(s.uploads, *f.Name)
		data, err := base64.StdEncoding.Strict().DecodeString(*f.Data)
		switch {
		case *f.Name == "" || strings.Trim(*f.Name, nameAlphabet) != "":
			a.refuse(*f.Name, "Invalid file name")
		case err != nil || strings.ContainsAny(*f.Data, "\r\n"):
			a.refuse(*f.Name, "Invalid base64 data")
		case exists && c.Force == nil:
			a.refuse(*f.Name, "File already exists")
		default:
			s.uploads = put(s.uploads, *f.Name, data)
			a.rows = append(a.rows, row{*f.Name, "OK", "Uploaded"})
		}
	}
}

const nameAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-_()[]"

package testkit

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// FaultKind says what goes wrong.
type FaultKind string

const (
	// Answer: the server does not act, and answers Status with Header and Body.
	Answer FaultKind = "answer"
	// Delay: the server acts after Delay. (Delay works with every other kind, too.)
	Delay FaultKind = "delay"
	// CutBefore: the connection is cut before the body of the request is read; not acted on.
	CutBefore FaultKind = "cut before"
	// CutRequest: the connection is cut when After bytes of the body were read; not acted on.
	CutRequest FaultKind = "cut request"
	// LoseAnswer: the server acts, and the connection is cut before the answer.
	LoseAnswer FaultKind = "lose answer"
	// CutAnswer: the server acts, and the connection is cut after After bytes of the answer's body.
	CutAnswer FaultKind = "cut answer"
	// Truncate: the server acts; its answer's body ends cleanly after After bytes.
	Truncate FaultKind = "truncate"
	// Garble: the server acts; its answer's body is replaced by Body, the status by Status if set.
	Garble FaultKind = "garble"
	// Stall: the server does not act and never answers; the connection stays open.
	Stall FaultKind = "stall"
	// StallAnswer: the server acts and stops sending after After bytes of the answer's body.
	StallAnswer FaultKind = "stall answer"
)

// Fault is something that goes wrong with requests of an operation.
type Fault struct {
	Operation string // "" is any
	Kind      FaultKind
	Skip      int // requests that go well first
	Times     int // requests that go wrong; 0 is one, negative is all
	Delay     time.Duration
	Status    int
	Header    http.Header
	Body      string
	After     int64
}

type armed struct {
	Fault
	skip, left int
}

// Inject arms a fault. Several can be armed; the first one that fits a
// request is applied to it.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &armed{Fault: f, skip: f.Skip, left: f.Times}
	if a.left == 0 {
		a.left = 1
	}
	s.faults = append(s.faults, a)
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// take finds the fault for a request, and counts it.
func (s *Server) take(operation string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.faults {
		if a.left == 0 || a.Operation != "" && a.Operation != operation {
			continue
		}
		if a.skip > 0 {
			a.skip--
			continue
		}
		if a.left > 0 {
			a.left--
		}
		return &a.Fault
	}
	return nil
}

func (s *Server) apply(f *Fault, w http.ResponseWriter, r *http.Request) {
	if f.Delay > 0 && s.wait(r.Context(), f.Delay) != nil {
		panic(http.ErrAbortHandler)
	}
	switch f.Kind {
	case Answer:
		io.Copy(io.Discard, r.Body) //nolint:errcheck // a refused body need not arrive
		maps.Copy(w.Header(), f.Header)
		status := f.Status
		if status == 0 {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
		io.WriteString(w, f.Body) //nolint:errcheck // the client may have gone
		return
	case CutBefore:
		panic(http.ErrAbortHandler)
	case CutRequest:
		io.CopyN(io.Discard, r.Body, f.After) //nolint:errcheck // cut either way
		panic(http.ErrAbortHandler)
	case Stall:
		s.wait(r.Context(), 1<<62) //nolint:errcheck // ends with the request or the server
		panic(http.ErrAbortHandler)
	case Delay, "":
		s.mux.ServeHTTP(w, r)
		return
	}
	held := &heldAnswer{header: http.Header{}}
	s.mux.ServeHTTP(held, r)
	if f.Kind == LoseAnswer {
		panic(http.ErrAbortHandler)
	}
	body := held.body.Bytes()
	cut := body[:min(f.After, int64(len(body)))]
	maps.Copy(w.Header(), held.header)
	switch f.Kind {
	case Garble:
		if f.Status != 0 {
			held.status = f.Status
		}
		maps.Copy(w.Header(), f.Header)
		body = []byte(f.Body)
	case Truncate:
		body = cut
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(max(held.status, http.StatusOK))
	if f.Kind == Garble || f.Kind == Truncate {
		w.Write(body) //nolint:errcheck // the client may have gone
		return
	}
	w.Write(cut)                          //nolint:errcheck // the client may have gone
	http.NewResponseController(w).Flush() //nolint:errcheck // likewise
	if f.Kind == StallAnswer {
		s.wait(r.Context(), 1<<62) //nolint:errcheck // ends with the request or the server
	}
	panic(http.ErrAbortHandler)
}

// heldAnswer keeps an answer for a fault to spoil.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) Header() http.Header { return h.header }
func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}
func (h *heldAnswer) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

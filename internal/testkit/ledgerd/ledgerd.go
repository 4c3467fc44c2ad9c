// Package ledgerd serves a ledger over a unix socket, so that tests can run
// several processes over one, and makes it misbehave like a database does:
// slow answers, lost ones, stores that land late, clocks that differ.
package ledgerd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Faults is how a [Server] misbehaves. The zero value does not.
type Faults struct {
	Delay time.Duration // at most; each request waits for a random part of it
	// Each is the probability that it happens to a Store.
	LoseAnswer float64       // stored, and answered with an error
	LateStore  float64       // answered with an error, and stored after LateBy if the version still matches
	LateBy     time.Duration // default 100 ms
	Fail       float64       // not stored, and answered with an error
}

// Server serves one ledger to any number of processes.
type Server struct {
	ledger ccr.Ledger
	l      net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex
	faults Faults
	down   bool
	conns  map[net.Conn]struct{}
	stores int
}

// Serve begins to serve a ledger at path, the path of a unix socket.
func Serve(path string, ledger ccr.Ledger) (*Server, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	s := &Server{ledger: ledger, l: l, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	return s, nil
}

// SetFaults changes how the server misbehaves from now on.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// SetDown makes every request fail until it is called with false.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Stores is the number of Store requests so far.
func (s *Server) Stores() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stores
}

// Close ends the server and its connections.
func (s *Server) Close() error {
	err := s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close() //nolint:errcheck // it ends either way
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

func (s *Server) accept() {
	for {
		conn, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		s.wg.Go(func() {
			defer func() {
				conn.Close() //nolint:errcheck // it ends either way
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
			}()
			dec, enc := json.NewDecoder(conn), json.NewEncoder(conn)
			for {
				var req request
				if dec.Decode(&req) != nil || enc.Encode(s.answer(req)) != nil {
					return
				}
			}
		})
	}
}

type request struct {
	Op    string // load, store, list
	Key   string
	Entry ccr.LedgerEntry
	Query ccr.LedgerQuery
}

type response struct {
	Entry   ccr.LedgerEntry
	Entries []ccr.LedgerEntry
	Err     string // "", noentry, conflict or a text
}

func (s *Server) answer(req request) response {
	s.mu.Lock()
	f, down := s.faults, s.down
	if req.Op == "store" {
		s.stores++
	}
	s.mu.Unlock()
	if f.Delay > 0 {
		time.Sleep(rand.N(f.Delay))
	}
	if down {
		return response{Err: "the ledger server is down"}
	}
	ctx := context.Background()
	switch req.Op {
	case "load":
		e, err := s.ledger.Load(ctx, req.Key)
		return response{Entry: e, Err: encode(err)}
	case "list":
		lister, ok := s.ledger.(ccr.LedgerLister)
		if !ok {
			return response{Err: "the ledger cannot list"}
		}
		var r response
		for e, err := range lister.List(ctx, req.Query) {
			if err != nil {
				return response{Err: encode(err)}
			}
			r.Entries = append(r.Entries, e)
		}
		return r
	case "store":
		return s.store(ctx, req.Entry, f)
	}
	return response{Err: "unknown request"}
}

func (s *Server) store(ctx context.Context, e ccr.LedgerEntry, f Faults) response {
	const lost = "the answer was lost"
	switch p := rand.Float64(); {
	case p < f.LoseAnswer:
		if err := s.ledger.Store(ctx, e); err != nil {
			return response{Err: encode(err)}
		}
		return response{Err: lost}
	case p < f.LoseAnswer+f.LateStore:
		late := f.LateBy
		if late == 0 {
			late = 100 * time.Millisecond
		}
		s.wg.Go(func() {
			time.Sleep(late)
			s.ledger.Store(ctx, e) //nolint:errcheck // nobody waits for it
		})
		return response{Err: lost}
	case p < f.LoseAnswer+f.LateStore+f.Fail:
		return response{Err: "the ledger server is down"}
	}
	return response{Err: encode(s.ledger.Store(ctx, e))}
}

func encode(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ccr.ErrNoEntry):
		return "noentry"
	case errors.Is(err, ccr.ErrLedgerConflict):
		return "conflict"
	}
	return err.Error()
}

// Client is a [ccr.Ledger] over a [Server], as one worker uses it.
type Client struct {
	path   string
	offset time.Duration

	idle chan *conn
}

type conn struct {
	net.Conn
	dec *json.Decoder
}

// Dial returns a client. offset is by how much this worker's clock is ahead:
// what it stores as the end of a lease is later for others by that much.
func Dial(path string, offset time.Duration) *Client {
	return &Client{path: path, offset: offset, idle: make(chan *conn, 16)}
}

// Load implements [ccr.Ledger].
func (c *Client) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	r, err := c.call(ctx, request{Op: "load", Key: key})
	return c.shift(r.Entry, -c.offset), err
}

// Store implements [ccr.Ledger].
func (c *Client) Store(ctx context.Context, e ccr.LedgerEntry) error {
	_, err := c.call(ctx, request{Op: "store", Entry: c.shift(e, c.offset)})
	return err
}

// List implements [ccr.LedgerLister].
func (c *Client) List(ctx context.Context, q ccr.LedgerQuery) iter.Seq2[ccr.LedgerEntry, error] {
	return func(yield func(ccr.LedgerEntry, error) bool) {
		r, err := c.call(ctx, request{Op: "list", Query: q})
		if err != nil {
			yield(ccr.LedgerEntry{}, err)
			return
		}
		for _, e := range r.Entries {
			if !yield(c.shift(e, -c.offset), nil) {
				return
			}
		}
	}
}

// shift moves the times of an entry between this worker's clock and the
// server's: an offset of +10 min means that the worker's now is 10 min late
// for everybody else.
func (c *Client) shift(e ccr.LedgerEntry, by time.Duration) ccr.LedgerEntry {
	if !e.Until.IsZero() {
		e.Until = e.Until.Add(by)
	}
	return e
}

func (c *Client) call(ctx context.Context, req request) (r response, err error) {
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	var cn *conn
	select {
	case cn = <-c.idle:
	default:
		raw, err := (&net.Dialer{}).DialContext(ctx, "unix", c.path)
		if err != nil {
			return r, err
		}
		cn = &conn{raw, json.NewDecoder(raw)}
	}
	stop := context.AfterFunc(ctx, func() { cn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // it ends either way
	err = json.NewEncoder(cn).Encode(req)
	if err == nil {
		err = cn.dec.Decode(&r)
	}
	if !stop() || err != nil {
		cn.Close() //nolint:errcheck // it is of no more use
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return r, fmt.Errorf("ledgerd: %w", err)
	}
	select {
	case c.idle <- cn:
	default:
		cn.Close() //nolint:errcheck // enough are idle
	}
	switch r.Err {
	case "":
		return r, nil
	case "noentry":
		return r, ccr.ErrNoEntry
	case "conflict":
		return r, ccr.ErrLedgerConflict
	}
	return r, errors.New("ledgerd: " + r.Err)
}

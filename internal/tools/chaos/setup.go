package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// setupVariable holds what the client process must know, as JSON.
const setupVariable = "CCR_CHAOS_CLIENT"

// setup is what the referee tells the client.
type setup struct {
	Dir    string         // where all clients keep their state
	Number int            // of this client
	Ledger string         // the socket of the ledger that they share
	Count  string         // the URL at which the vendor's people count batches
	Drain  bool           // finish what is there and begin nothing new, then exit
	Begun  map[string]int // with Drain: how many numbers of each kind were begun by any client

	Accounts, Gateway, Decisioning, SFTP endpoint

	TokenURL, ClientID, ClientSecret, Audience string // accounts
	DecisioningID, DecisioningSecret           string
	DecisioningTokenURL                        string
	APIKey, Username, IP                       string // gateway
	User, Key, HostKey                         string // sftp
}

// endpoint is one vendor: its own URL or address, and the proxy that stands
// before it.
type endpoint struct{ URL, Proxy, CA string }

// client makes an HTTP client that goes through the proxy whatever the URL.
func (e endpoint) client() *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(e.CA))
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext:     e.dial, TLSHandshakeTimeout: 2 * time.Second, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Second,
	}}
}

func (e endpoint) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", e.Proxy)
}

func (e endpoint) options() []ccr.Option {
	return []ccr.Option{ccr.WithBaseURL(e.URL), ccr.WithHTTPClient(e.client()), ccr.WithRetry(impatient()), ccr.WithLimiter(ccr.NoLimit()), ccr.WithLease(lease)}
}

// impatient is a retry policy for a run in which everything breaks.
func impatient() ccr.RetryPolicy {
	return ccr.RetryPolicy{MaxAttempts: 5, BaseDelay: 5 * time.Millisecond, MaxDelay: 50 * time.Millisecond, AttemptTimeout: time.Second, Budget: -1}
}

// file is the path of a client's own file.
func (s *setup) file(name string) string {
	ext := filepath.Ext(name)
	return filepath.Join(s.Dir, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), s.Number, ext))
}

// book is an append-only list of finished work, one line each, synced: what a
// program would keep in its database.
type book struct {
	mu   sync.Mutex
	f    *os.File
	done map[string]bool
}

func openBook(path string) (*book, error) {
	b := &book{done: map[string]bool{}}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for line := range strings.Lines(string(text[:whole])) {
		b.done[strings.TrimSuffix(line, "\n")] = true
	}
	if b.f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := b.f.Truncate(int64(whole)); err != nil {
		return nil, err
	}
	_, err = b.f.Seek(int64(whole), 0)
	return b, err
}

func bookLine(what string, n int) string { return fmt.Sprintf("%s %d", what, n) }

func (b *book) has(what string, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done[bookLine(what, n)]
}

func (b *book) write(what string, n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := bookLine(what, n)
	if b.done[line] {
		return nil
	}
	if _, err := fmt.Fprintln(b.f, line); err != nil {
		return err
	}
	b.done[line] = true
	return b.f.Sync()
}

// lines reads a book from outside.
func lines(path string) ([]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		out = append(out, s.Text())
	}
	return out, s.Err()
}

func readSetup() (*setup, error) {
	var s setup
	if err := json.Unmarshal([]byte(os.Getenv(setupVariable)), &s); err != nil {
		return nil, errors.New("the setup cannot be read")
	}
	return &s, os.MkdirAll(filepath.Join(s.Dir, "consumed"), 0o700)
}

// content is what file number n of a kind holds: the referee knows it, too.
func content(kind string, n int) []byte {
	seed := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, n))
	size := 200 + int(seed[0])*100
	out := make([]byte, 0, size+64)
	for len(out) < size {
		seed = sha256.Sum256(seed[:])
		out = append(out, canary...)
		out = append(out, ',')
		out = hex.AppendEncode(out, seed[:])
		out = append(out, '\n')
	}
	return out
}

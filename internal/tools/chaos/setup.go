package main

import (
	"bufio"
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
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// setupVariable holds what the client process must know, as JSON.
const setupVariable = "CCR_CHAOS_CLIENT"

// setup is what the referee tells the client.
type setup struct {
	Dir   string // where the client keeps its state
	Drain bool   // finish what is there and begin nothing new, then exit

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
	return []ccr.Option{ccr.WithBaseURL(e.URL), ccr.WithHTTPClient(e.client()), ccr.WithRetry(impatient()), ccr.WithLimiter(ccr.NoLimit())}
}

// impatient is a retry policy for a run in which everything breaks.
func impatient() ccr.RetryPolicy {
	return ccr.RetryPolicy{MaxAttempts: 5, BaseDelay: 5 * time.Millisecond, MaxDelay: 50 * time.Millisecond, AttemptTimeout: time.Second, Budget: -1}
}

// book is an append-only list of finished work, one line each, synced: what a
// program would keep in its database.
type book struct {
	mu    sync.Mutex
	f     *os.File
	done  map[string]bool
	asked map[int]time.Time
}

func openBook(path string) (*book, error) {
	b := &book{done: map[string]bool{}, asked: map[int]time.Time{}}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := 0
	for i, c := range text {
		if c == '\n' {
			b.note(string(text[whole:i]))
			whole = i + 1
		}
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

func (b *book) has(line string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done[line]
}

// lastAsked is when the analysis of an applicant was last asked for; false if
// that request is known not to have been sent.
func (b *book) lastAsked(n int) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.asked[n]
	return at, ok
}

// note keeps the facts of a line that was read or written; b.mu is held.
func (b *book) note(line string) {
	b.done[line] = true
	var n int
	var ms int64
	if _, err := fmt.Sscanf(line, "asked %d %d", &n, &ms); err != nil {
		return
	}
	if at := time.UnixMilli(ms); at.Year() > 1 {
		b.asked[n] = at
	} else {
		delete(b.asked, n)
	}
}

func (b *book) write(line string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done[line] {
		return nil
	}
	if _, err := fmt.Fprintln(b.f, line); err != nil {
		return err
	}
	b.note(line)
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

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"golang.org/x/crypto/ssh"
)

// NotStartedError says that the login was accepted and SFTP did not start.
type NotStartedError struct {
	Reason string // ours
	Text   string // what the server wrote to the channel's stderr; may name the account
	Exit   int    // the program's exit status; -1: it sent none
	err    error
}

func (e *NotStartedError) Error() string {
	s := "the login was accepted and SFTP did not start"
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Exit > 0 {
		s += fmt.Sprintf(" (exit status %d)", e.Exit)
	}
	return s
}

// Unwrap returns the classes that the server's words give away.
func (e *NotStartedError) Unwrap() []error {
	out := []error{ErrNotStarted}
	if e.err != nil {
		out = append(out, e.err)
	}
	return out
}

// maxLastWords bounds what is kept of a channel's stderr.
const maxLastWords = 4 << 10

// lastWords keeps what a server says beside SFTP: the text on stderr and the
// exit status. Unread text would use up the window.
type lastWords struct {
	done chan struct{} // closed when the channel has ended

	mu   sync.Mutex
	text strings.Builder
	exit int
}

func newLastWords(stderr io.Reader, requests <-chan *ssh.Request) *lastWords {
	l := &lastWords{exit: -1, done: make(chan struct{})}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(l, stderr) })
	both.Go(func() {
		for r := range requests {
			l.request(r)
		}
	})
	go func() { both.Wait(); close(l.done) }()
	return l
}

func (l *lastWords) request(r *ssh.Request) {
	var status struct{ Code uint32 }
	if r.Type == "exit-status" && ssh.Unmarshal(r.Payload, &status) == nil {
		l.mu.Lock()
		l.exit = int(status.Code & 0xff)
		l.mu.Unlock()
	}
	if r.WantReply {
		_ = r.Reply(false, nil)
	}
}

func (l *lastWords) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b[:min(len(b), maxLastWords-l.text.Len())])
	return len(b), nil
}

// explain says why SFTP did not start. A server that closes the channel says
// why right before or after that.
func (l *lastWords) explain(err error) error {
	contract := errors.Is(err, ccr.ErrContract)
	if !contract && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if !contract {
		select {
		case <-l.done:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &NotStartedError{Text: l.text.String(), Exit: l.exit, Reason: "the server ended the session"}
	if contract {
		e.Reason, e.err = "the server's first words are not SFTP", err
	}
	text := strings.ToLower(e.Text)
	switch {
	case strings.Contains(text, "password") && (strings.Contains(text, "expired") || strings.Contains(text, "change your password") || strings.Contains(text, "must be changed")):
		e.Reason, e.err = "the password has expired", ErrPasswordExpired
	case strings.Contains(text, "expired"):
		e.Reason, e.err = "the account has expired", ccr.ErrUnauthorized
	}
	return e
}

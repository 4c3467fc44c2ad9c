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

// notStarted says that the login was accepted and SFTP did not start.
type notStarted struct {
	reason string
	said   StatusError
	err    error // a class that the server's words give away
}

func (e *notStarted) Error() string {
	s := "the login was accepted and SFTP did not start: " + e.reason
	if e.said.Exit > 0 {
		s += fmt.Sprintf(" (exit status %d)", e.said.Exit)
	}
	return s
}

func (e *notStarted) Unwrap() []error {
	out := []error{ErrNotStarted, &e.said}
	if e.err != nil {
		out = append(out, e.err)
	}
	return out
}

// refusedChannel says why a channel was not opened.
func refusedChannel(err error) error {
	e, ok := errors.AsType[*ssh.OpenChannelError](err)
	if !ok {
		return err
	}
	return &notStarted{reason: "the server refused the session (" + e.Reason.String() + ")", said: StatusError{Text: e.Message}}
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
	e := &notStarted{said: StatusError{Text: l.text.String(), Exit: max(l.exit, 0)}, reason: "the server ended the session"}
	if contract {
		e.reason, e.err = "the server's first words are not SFTP", err
	}
	text := strings.ToLower(e.said.Text)
	switch {
	case strings.Contains(text, "password") && (strings.Contains(text, "expired") || strings.Contains(text, "change your password") || strings.Contains(text, "must be changed")):
		e.reason, e.err = "the password has expired", ErrPasswordExpired
	case strings.Contains(text, "expired"):
		e.reason, e.err = "the account has expired", ccr.ErrUnauthorized
	}
	return e
}

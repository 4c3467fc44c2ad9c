package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Channel is one SFTP session.
type Channel struct {
	*greeting
	s      *Session
	sftp   *pkgsftp.Client
	pipe   *channelPipe
	budget *budget
	open   atomic.Int64  // calls that wait for the server
	moved  atomic.Int64  // unix nanoseconds of the last byte in either direction
	lists  chan struct{} // has one element while a listing is under way
	noSize atomic.Bool   // attributes came that hold no size
}

// openChannel starts SFTP on a channel of its own.
func (s *Session) openChannel() (*Channel, error) {
	raw, requests, err := s.conn.OpenChannel("session", nil)
	if err != nil {
		return nil, refusedChannel(err)
	}
	last := newLastWords(raw.Stderr(), requests)
	ok, err := raw.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err == nil && !ok {
		err = &notStarted{reason: "the account has no SFTP subsystem", err: ErrUnsupported}
	}
	if err != nil {
		return nil, errors.Join(err, ignoreEOF(raw.Close()))
	}
	began := time.Now()
	g, err := greet(raw)
	if err != nil {
		return nil, errors.Join(last.explain(err), ignoreEOF(raw.Close()))
	}
	s.noteRTT(time.Since(began) / g.trips)
	ch, err := newChannel(s, raw, g)
	if err != nil {
		return nil, errors.Join(err, ignoreEOF(raw.Close()))
	}
	return ch, nil
}

// newChannel puts pkg/sftp on a channel whose greeting is over.
func newChannel(s *Session, raw io.ReadWriteCloser, g *greeting) (*Channel, error) {
	ch := &Channel{greeting: g, s: s, budget: newBudget(s.window), lists: make(chan struct{}, 1)}
	ch.touch()
	ch.pipe = newPipe(ch, raw, g.version)
	var err error
	ch.sftp, err = pkgsftp.NewClientPipe(ch.pipe, ch.pipe,
		pkgsftp.MaxPacketUnchecked(max(ch.read, ch.write)), pkgsftp.MaxConcurrentRequestsPerFile(MaxConcurrency))
	return ch, err
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// ReadSize is what one read request may ask for.
func (ch *Channel) ReadSize() int { return ch.read }

// WriteSize is what one write request may hold.
func (ch *Channel) WriteSize() int { return ch.write }

// SaysNoSize reports whether the server left the size out of a file's
// attributes, so that a size of zero means nothing.
func (ch *Channel) SaysNoSize() bool { return ch.noSize.Load() }

// Extensions are the names that the server announced.
func (ch *Channel) Extensions() map[string]string { return ch.extensions }

// Take waits until n bytes may be in flight; Give ends that.
func (ch *Channel) Take(ctx context.Context, n int) error { return ch.budget.take(ctx, n) }

// Give returns what Take took.
func (ch *Channel) Give(n int) { ch.budget.give(n) }

func (ch *Channel) touch() { ch.moved.Store(time.Now().UnixNano()) }

// do makes one call and says why the connection is gone if it is. Whatever a
// server answers: nothing panics here.
func (ch *Channel) do(f func() error) (err error) {
	if ch.open.Add(1) == 1 {
		ch.touch() // waiting begins now
	}
	began := time.Now()
	defer func() {
		ch.open.Add(-1)
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the server's answer cannot be read", ccr.ErrContract)
		}
	}()
	if err = f(); err == nil {
		ch.s.noteRTT(time.Since(began))
	}
	return ch.explain(err)
}

// explain turns an error of pkg/sftp into ours.
func (ch *Channel) explain(err error) error {
	err = serverStatus(err)
	if _, refused := StatusCode(err); err == nil || refused || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		return err
	}
	if !IsLost(err) { // pkg/sftp could not read the answer
		return fmt.Errorf("%w: %w", ccr.ErrContract, err)
	}
	if errors.Is(err, ErrConnectionLost) {
		// The call only knows that the connection is gone; the client knows why.
		if why := ch.sftp.Wait(); why != nil && !errors.Is(why, io.EOF) {
			err = fmt.Errorf("%w: %w", ErrConnectionLost, why)
		}
	} else {
		err = fmt.Errorf("%w: %w", ErrConnectionLost, err)
	}
	ch.s.Fail(err)
	return ch.s.Ended() // the first reason, such as a stall
}

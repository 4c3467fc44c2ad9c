package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Session is one SSH connection and the SFTP channels on it. It never heals:
// when it fails, the client opens another.
type Session struct {
	wire    *wire
	conn    ssh.Conn
	hostKey ssh.PublicKey // the one that was accepted
	stall   time.Duration
	alive   time.Duration // keepalive; 0: none

	mu       sync.Mutex
	channels []*Channel
	refused  bool          // the server allows no more channels
	cause    error         // why it ended
	dead     chan struct{} // closed at the end
	users    int           // operations under way
	idleAt   time.Time     // since when users is 0
}

// Fail ends the session. It closes the socket, which is the only thing that
// ends calls blocked on a server that no longer answers.
func (s *Session) Fail(cause error) {
	s.mu.Lock()
	if s.cause != nil {
		s.mu.Unlock()
		return
	}
	s.cause = cause
	close(s.dead)
	s.mu.Unlock()
	_ = s.wire.Close()
}

// Ended returns why the session ended, nil if it has not.
func (s *Session) Ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Acquire notes an operation; false if the session has ended.
func (s *Session) Acquire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return false
	}
	s.users++
	return true
}

// Release ends what Acquire began.
func (s *Session) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	s.idleAt = time.Now()
}

var (
	errIdle      = fmt.Errorf("%w: it was idle", ErrConnectionLost)
	errKeepalive = fmt.Errorf("%w: three keepalives went unanswered", ErrStalled)
	errNoByte    = fmt.Errorf("%w: requests are open and no byte has moved", ErrStalled)
)

// Watch ends the session when it is idle, silent or stalled. SFTP's own calls
// have no time limit, and a keepalive can block, too: so nothing here waits
// for the server.
func (s *Session) Watch(idle time.Duration) {
	tick := s.stall / 4
	if s.alive > 0 {
		tick = min(tick, s.alive)
	}
	if idle > 0 {
		tick = min(tick, max(idle/4, time.Millisecond))
	}
	t := time.NewTicker(max(tick, time.Millisecond))
	defer t.Stop()
	var asked time.Time // when an unanswered keepalive went out
	answered := make(chan struct{}, 1)
	for {
		select {
		case <-s.dead:
			return
		case <-answered:
			asked = time.Time{}
			continue
		case <-t.C:
		}
		now := time.Now()
		s.mu.Lock()
		channels := s.channels
		unused := s.users == 0 && idle > 0 && now.Sub(s.idleAt) >= idle
		s.mu.Unlock()
		switch {
		case unused:
			s.Fail(errIdle)
			return
		case stalled(channels, now, s.stall):
			s.Fail(errNoByte)
			return
		}
		if s.alive <= 0 {
			continue
		}
		silent := now.Sub(time.Unix(0, s.wire.heard.Load()))
		switch {
		case !asked.IsZero() && now.Sub(asked) >= 3*s.alive && silent >= 3*s.alive:
			s.Fail(errKeepalive)
			return
		case asked.IsZero() && silent >= s.alive:
			asked = now
			go func() {
				if _, _, err := s.conn.SendRequest("keepalive@openssh.com", true, nil); err != nil {
					s.Fail(fmt.Errorf("%w: %w", ErrConnectionLost, err))
				}
				answered <- struct{}{}
			}()
		}
	}
}

func stalled(channels []*Channel, now time.Time, limit time.Duration) bool {
	for _, ch := range channels {
		if ch.open.Load() > 0 && now.Sub(time.Unix(0, ch.moved.Load())) >= limit {
			return true
		}
	}
	return false
}

// First is the channel that everything but large files uses.
func (s *Session) First() *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channels[0]
}

// Spread returns up to n channels, opening what is missing. A server that
// refuses more is asked once only.
func (s *Session) Spread(n int) []*Channel {
	s.mu.Lock()
	have, refused := s.channels, s.refused || oneChannel(s.conn.ServerVersion())
	s.mu.Unlock()
	if n <= len(have) || refused {
		return have[:min(n, len(have))]
	}
	var wg sync.WaitGroup
	opened := make([]*Channel, n-len(have))
	for i := range opened {
		wg.Go(func() { opened[i], _ = s.openChannel() })
	}
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range opened {
		switch {
		case ch == nil:
			s.refused = true
		case len(s.channels) < MaxChannels:
			s.channels = append(s.channels[:len(s.channels):len(s.channels)], ch)
		default: // another file was faster
			go ch.sftp.Close() //nolint:errcheck // it was never used
		}
	}
	return s.channels[:min(n, len(s.channels))]
}

// oneChannel reports whether a server mixes channels up: ProFTPD's mod_sftp
// 1.1.1 takes a write request that arrives in several SSH packets for one of
// another channel if that sends something in between (measured).
func oneChannel(version []byte) bool { return strings.Contains(string(version), "mod_sftp") }

// ServerVersion is the server's SSH version text.
func (s *Session) ServerVersion() string { return string(s.conn.ServerVersion()) }

// HostKey is the key that was accepted.
func (s *Session) HostKey() ssh.PublicKey { return s.hostKey }

// Channel is one SFTP session.
type Channel struct {
	*greeting
	s      *Session
	sftp   *pkgsftp.Client
	budget *budget
	open   atomic.Int64 // calls that wait for the server
	moved  atomic.Int64 // unix nanoseconds of the last byte in either direction
}

// openChannel starts SFTP on a channel of its own.
func (s *Session) openChannel() (*Channel, error) {
	raw, requests, err := s.conn.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(requests)
	go io.Copy(io.Discard, raw.Stderr()) //nolint:errcheck // unread text would use up the window
	ok, err := raw.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err == nil && !ok {
		err = fmt.Errorf("%w: the account has no SFTP subsystem", ErrUnsupported)
	}
	if err != nil {
		return nil, errors.Join(err, ignoreEOF(raw.Close()))
	}
	ch := &Channel{s: s, budget: newBudget(InFlight)}
	ch.touch()
	if ch.greeting, err = greet(raw); err != nil {
		return nil, errors.Join(err, ignoreEOF(raw.Close()))
	}
	// pkg/sftp greets, too: it gets the answer that the server gave us.
	pipe := &channelPipe{ch: ch, raw: raw, replay: bytes.NewReader(ch.version)}
	ch.sftp, err = pkgsftp.NewClientPipe(pipe, pipe,
		pkgsftp.MaxPacketUnchecked(max(ch.read, ch.write)), pkgsftp.MaxConcurrentRequestsPerFile(MaxConcurrency))
	if err != nil {
		return nil, errors.Join(err, ignoreEOF(raw.Close()))
	}
	return ch, nil
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

// Extensions are the names that the server announced.
func (ch *Channel) Extensions() map[string]string { return ch.extensions }

// Take waits until n bytes may be in flight; Give ends that.
func (ch *Channel) Take(ctx context.Context, n int) error { return ch.budget.take(ctx, n) }

// Give returns what Take took.
func (ch *Channel) Give(n int) { ch.budget.give(n) }

func (ch *Channel) touch() { ch.moved.Store(time.Now().UnixNano()) }

// do makes one call and says why the connection is gone if it is.
func (ch *Channel) do(f func() error) error {
	if ch.open.Add(1) == 1 {
		ch.touch() // waiting begins now
	}
	err := f()
	ch.open.Add(-1)
	return ch.explain(err)
}

// explain turns an error of pkg/sftp into ours.
func (ch *Channel) explain(err error) error {
	err = serverStatus(err)
	if !IsLost(err) {
		return err
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

// channelPipe is the byte stream between pkg/sftp and an SSH channel.
type channelPipe struct {
	ch      *Channel
	raw     ssh.Channel
	replay  *bytes.Reader
	greeted bool
}

func (p *channelPipe) Read(b []byte) (int, error) {
	if p.replay != nil {
		if n, _ := p.replay.Read(b); n > 0 {
			return n, nil
		}
		p.replay = nil
	}
	n, err := p.raw.Read(b)
	if n > 0 {
		p.ch.touch()
	}
	return n, err
}

func (p *channelPipe) Write(b []byte) (int, error) {
	if !p.greeted { // INIT, which the server has had
		p.greeted = true
		return len(b), nil
	}
	n, err := p.raw.Write(b)
	if n > 0 {
		p.ch.touch()
	}
	return n, err
}

func (p *channelPipe) Close() error { return p.raw.Close() }

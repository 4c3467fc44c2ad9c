package sftp

import (
	"bytes"
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

// session is one SSH connection and the SFTP channels on it. It never heals:
// when it fails, the client opens another.
type session struct {
	wire    *wire
	conn    ssh.Conn
	hostKey ssh.PublicKey // the one that was accepted
	stall   time.Duration
	alive   time.Duration // keepalive; 0: none

	mu       sync.Mutex
	channels []*channel
	refused  bool          // the server allows no more channels
	cause    error         // why it ended
	dead     chan struct{} // closed at the end
	users    int           // operations under way
	idleAt   time.Time     // since when users is 0
}

// fail ends the session. It closes the socket, which is the only thing that
// ends calls blocked on a server that no longer answers.
func (s *session) fail(cause error) {
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

// ended returns why the session ended, nil if it has not.
func (s *session) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// acquire notes an operation; false if the session has ended.
func (s *session) acquire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return false
	}
	s.users++
	return true
}

func (s *session) release() {
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

// watch ends the session when it is idle, silent or stalled. SFTP's own calls
// have no time limit, and a keepalive can block, too: so nothing here waits
// for the server.
func (s *session) watch(idle time.Duration) {
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
			s.fail(errIdle)
			return
		case stalled(channels, now, s.stall):
			s.fail(errNoByte)
			return
		}
		if s.alive <= 0 {
			continue
		}
		silent := now.Sub(time.Unix(0, s.wire.heard.Load()))
		switch {
		case !asked.IsZero() && now.Sub(asked) >= 3*s.alive && silent >= 3*s.alive:
			s.fail(errKeepalive)
			return
		case asked.IsZero() && silent >= s.alive:
			asked = now
			go func() {
				if _, _, err := s.conn.SendRequest("keepalive@openssh.com", true, nil); err != nil {
					s.fail(fmt.Errorf("%w: %w", ErrConnectionLost, err))
				}
				answered <- struct{}{}
			}()
		}
	}
}

func stalled(channels []*channel, now time.Time, limit time.Duration) bool {
	for _, ch := range channels {
		if ch.open.Load() > 0 && now.Sub(time.Unix(0, ch.moved.Load())) >= limit {
			return true
		}
	}
	return false
}

// first is the channel that everything but large files uses.
func (s *session) first() *channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channels[0]
}

// spread returns up to n channels, opening what is missing. A server that
// refuses more is asked once only.
func (s *session) spread(n int) []*channel {
	s.mu.Lock()
	have, refused := s.channels, s.refused || oneChannel(s.conn.ServerVersion())
	s.mu.Unlock()
	if n <= len(have) || refused {
		return have[:min(n, len(have))]
	}
	var wg sync.WaitGroup
	opened := make([]*channel, n-len(have))
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
		case len(s.channels) < maxChannels:
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

// channel is one SFTP session.
type channel struct {
	*greeting
	s      *session
	sftp   *pkgsftp.Client
	budget *budget
	open   atomic.Int64 // calls that wait for the server
	moved  atomic.Int64 // unix nanoseconds of the last byte in either direction
}

// openChannel starts SFTP on a channel of its own.
func (s *session) openChannel() (*channel, error) {
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
	ch := &channel{s: s, budget: newBudget(inFlight)}
	ch.touch()
	if ch.greeting, err = greet(raw); err != nil {
		return nil, errors.Join(err, ignoreEOF(raw.Close()))
	}
	// pkg/sftp greets, too: it gets the answer that the server gave us.
	pipe := &channelPipe{ch: ch, raw: raw, replay: bytes.NewReader(ch.version)}
	ch.sftp, err = pkgsftp.NewClientPipe(pipe, pipe,
		pkgsftp.MaxPacketUnchecked(max(ch.read, ch.write)), pkgsftp.MaxConcurrentRequestsPerFile(maxConcurrency))
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

func (ch *channel) touch() { ch.moved.Store(time.Now().UnixNano()) }

// do makes one call and says why the connection is gone if it is.
func (ch *channel) do(f func() error) error {
	if ch.open.Add(1) == 1 {
		ch.touch() // waiting begins now
	}
	err := f()
	ch.open.Add(-1)
	return ch.explain(err)
}

// explain turns an error of pkg/sftp into ours.
func (ch *channel) explain(err error) error {
	err = serverStatus(err)
	if !isLost(err) {
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
	ch.s.fail(err)
	return ch.s.ended() // the first reason, such as a stall
}

// channelPipe is the byte stream between pkg/sftp and an SSH channel.
type channelPipe struct {
	ch      *channel
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

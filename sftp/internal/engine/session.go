package engine

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

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
	opening  int           // channels that are being opened
	rtt      time.Duration // the shortest request; 0: none was measured
	window   int           // bytes in flight on one channel
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

// noteRTT learns how far away the server is.
func (s *Session) noteRTT(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rtt == 0 || d < s.rtt {
		s.rtt = max(d, 1)
	}
}

// RTT is the shortest time that a request has taken, so that it is not below
// the round-trip time of the network; 0 if there was none.
func (s *Session) RTT() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rtt
}

// Spread calls use with each of up to n-1 channels beside the first, at once
// with those that are open and later with those that it opens, without
// waiting. A server that refuses one is not asked again.
func (s *Session) Spread(n int, use func(*Channel)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, MaxChannels)
	for _, ch := range s.channels[1:max(1, min(n, len(s.channels)))] {
		go use(ch)
	}
	if s.refused || oneChannel(s.conn.ServerVersion()) {
		return
	}
	for len(s.channels)+s.opening < n {
		s.opening++
		go func() {
			ch, err := s.openChannel()
			s.mu.Lock()
			s.opening--
			if err != nil {
				s.refused = true
			} else {
				s.channels = append(s.channels[:len(s.channels):len(s.channels)], ch)
			}
			s.mu.Unlock()
			if err == nil {
				use(ch)
			}
		}()
	}
}

// oneChannel reports whether a server mixes channels up: ProFTPD's mod_sftp
// 1.1.1 takes a write request that arrives in several SSH packets for one of
// another channel if that sends something in between (measured).
func oneChannel(version []byte) bool { return strings.Contains(string(version), "mod_sftp") }

// ServerVersion is the server's SSH version text.
func (s *Session) ServerVersion() string { return string(s.conn.ServerVersion()) }

// HostKey is the key that was accepted.
func (s *Session) HostKey() ssh.PublicKey { return s.hostKey }

// OpenSSH reports whether the server is OpenSSH's by its version text and by
// what its SFTP announces, which is hard to copy by accident.
func (s *Session) OpenSSH() bool {
	ch := s.First()
	return strings.HasPrefix(s.ServerVersion(), "SSH-2.0-OpenSSH_") &&
		ch.Has(limitsExtension) && ch.Has("lsetstat@openssh.com") && ch.Has("expand-path@openssh.com")
}

// RenameRefuses reports whether a plain rename is known to refuse a name that
// is taken: OpenSSH's SFTP, whichever SSH server starts it, and ProFTPD's.
func (s *Session) RenameRefuses() bool {
	ch := s.First()
	return oneChannel(s.conn.ServerVersion()) || ch.Has("posix-rename@openssh.com") && ch.Has("hardlink@openssh.com") && ch.Has("fsync@openssh.com")
}

// speed is what one connection moves at best, in bytes a second: channels are
// opened until their windows allow that.
const speed = 400e6

// ChannelsFor is how many channels a file of this size is worth at this
// distance.
func (s *Session) ChannelsFor(size int64) int {
	n := int(math.Ceil(speed * s.RTT().Seconds() / InFlight))
	return max(1, min(n, MaxChannels, int(min(size/InFlight, MaxChannels))))
}

package memnet

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// blocked runs f in a bubble's goroutine, checks that it is durably blocked,
// lets release happen, and returns f's error.
func blocked(t *testing.T, f func() error, release func()) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	synctest.Wait()
	select {
	case err := <-done:
		t.Errorf("did not block: %v", err)
		return err
	default:
	}
	release()
	return <-done
}

func fill(t *testing.T, c net.Conn) {
	t.Helper()
	n, err := c.Write(make([]byte, BufferSize))
	require.NoError(t, err)
	require.Equal(t, BufferSize, n)
}

func readByte(c net.Conn) error  { _, err := c.Read(make([]byte, 1)); return err }
func writeByte(c net.Conn) error { _, err := c.Write([]byte{1}); return err }

func TestConnCarriesBothWays(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	const size = 5 << 20
	var wg sync.WaitGroup
	for i, pair := range [][2]*Conn{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		r := rand.New(rand.NewPCG(uint64(i), 1))
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		wg.Go(func() {
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 1+r.IntN(100_000))
				written, err := from.Write(rest[:n])
				if !assert.NoError(t, err) || !assert.Equal(t, n, written) {
					return
				}
				rest = rest[n:]
			}
			assert.NoError(t, from.CloseWrite())
		})
		wg.Go(func() {
			got, err := io.ReadAll(to)
			assert.NoError(t, err)
			assert.Equal(t, sha256.Sum256(data), sha256.Sum256(got))
		})
	}
	wg.Wait()
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	const writers, each = 4, BufferSize + BufferSize/2
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			_, err := a.Write(bytes.Repeat([]byte{byte('a' + i)}, each))
			assert.NoError(t, err)
		})
	}
	go func() { wg.Wait(); _ = a.CloseWrite() }()
	got, err := io.ReadAll(b)
	require.NoError(t, err)
	require.Len(t, got, writers*each)
	for i := range writers {
		run := got[i*each : (i+1)*each]
		assert.Equal(t, each, bytes.Count(run, run[:1]), "write %d is in pieces", i)
	}
}

func TestWriteWaitsForRoomOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		fill(t, a) // nobody reads: a socket takes it too
		err := blocked(t, func() error { return writeByte(a) }, func() { require.NoError(t, readByte(b)) })
		require.NoError(t, err)
	})
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*testing.T, *Conn)
		op      func(net.Conn) error
		set     func(*Conn, time.Time) error
	}{
		"read":      {nil, readByte, (*Conn).SetReadDeadline},
		"write":     {func(t *testing.T, c *Conn) { fill(t, c) }, writeByte, (*Conn).SetWriteDeadline},
		"bothRead":  {nil, readByte, (*Conn).SetDeadline},
		"bothWrite": {func(t *testing.T, c *Conn) { fill(t, c) }, writeByte, (*Conn).SetDeadline},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isTimeout := func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				var ne net.Error
				require.True(t, errors.As(err, &ne) && ne.Timeout())
				var oe *net.OpError
				require.ErrorAs(t, err, &oe)
			}
			synctest.Test(t, func(t *testing.T) {
				c, _ := Pipe()
				if tt.prepare != nil {
					tt.prepare(t, c)
				}
				// in the future: it ends a blocked call at that moment
				start := time.Now()
				require.NoError(t, tt.set(c, start.Add(3*time.Second)))
				isTimeout(t, tt.op(c))
				require.Equal(t, 3*time.Second, time.Since(start))
				// it stays
				isTimeout(t, tt.op(c))
				require.Equal(t, 3*time.Second, time.Since(start))
				// moved, while a call is blocked
				require.NoError(t, tt.set(c, start.Add(time.Hour)))
				isTimeout(t, blocked(t, func() error { return tt.op(c) }, func() {
					require.NoError(t, tt.set(c, start.Add(5*time.Second)))
				}))
				require.Equal(t, 5*time.Second, time.Since(start))
				// into the past, while a call is blocked
				require.NoError(t, tt.set(c, time.Time{}))
				isTimeout(t, blocked(t, func() error { return tt.op(c) }, func() {
					require.NoError(t, tt.set(c, time.Unix(1, 0)))
				}))
				require.Equal(t, 5*time.Second, time.Since(start))
				// an old timer does not end what a later deadline allows
				require.NoError(t, tt.set(c, time.Now().Add(time.Second)))
				require.NoError(t, tt.set(c, time.Now().Add(10*time.Second)))
				isTimeout(t, tt.op(c))
				require.Equal(t, 15*time.Second, time.Since(start))
			})
		})
	}
}

func TestPastDeadlineWinsOverData(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	require.NoError(t, writeByte(a))
	require.NoError(t, b.SetReadDeadline(time.Unix(1, 0)))
	require.ErrorIs(t, readByte(b), os.ErrDeadlineExceeded)
	require.NoError(t, b.SetReadDeadline(time.Time{}))
	require.NoError(t, readByte(b), "the byte is still there")

	require.NoError(t, a.SetWriteDeadline(time.Unix(1, 0)))
	require.ErrorIs(t, writeByte(a), os.ErrDeadlineExceeded)
	require.NoError(t, a.SetWriteDeadline(time.Time{}))
	require.NoError(t, writeByte(a))
	require.NoError(t, readByte(b))
}

func TestWriteDeadlineTellsWhatWasWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := Pipe()
		require.NoError(t, a.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err := a.Write(make([]byte, BufferSize+100))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, BufferSize, n)
	})
}

// What each end sees after the other did something, with and without a call
// blocked at that moment.
func TestEndings(t *testing.T) {
	t.Parallel()
	fills := func(t *testing.T, c *Conn) { t.Helper(); fill(t, c) }
	tests := map[string]struct {
		prepare func(t *testing.T, self *Conn)
		op      func(net.Conn) error
		event   func(self, peer *Conn) error
		want    error
	}{
		"read, own Close":             {nil, readByte, func(self, _ *Conn) error { return self.Close() }, net.ErrClosed},
		"read, own Reset":             {nil, readByte, func(self, _ *Conn) error { return self.Reset() }, net.ErrClosed},
		"write, own Close":            {fills, writeByte, func(self, _ *Conn) error { return self.Close() }, net.ErrClosed},
		"write, own CloseWrite":       {fills, writeByte, func(self, _ *Conn) error { return self.CloseWrite() }, syscall.EPIPE},
		"read, peer Close":            {nil, readByte, func(_, peer *Conn) error { return peer.Close() }, io.EOF},
		"read, peer CloseWrite":       {nil, readByte, func(_, peer *Conn) error { return peer.CloseWrite() }, io.EOF},
		"read, peer Reset":            {nil, readByte, func(_, peer *Conn) error { return peer.Reset() }, syscall.ECONNRESET},
		"read, peer Close, unread":    {func(t *testing.T, c *Conn) { require.NoError(t, writeByte(c)) }, readByte, func(_, peer *Conn) error { return peer.Close() }, syscall.ECONNRESET},
		"write, peer Close, unread":   {fills, writeByte, func(_, peer *Conn) error { return peer.Close() }, syscall.ECONNRESET},
		"write, peer Reset":           {fills, writeByte, func(_, peer *Conn) error { return peer.Reset() }, syscall.ECONNRESET},
		"read, own Close after Reset": {nil, readByte, func(self, peer *Conn) error { return errors.Join(peer.Reset(), self.Close()) }, net.ErrClosed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				self, peer := Pipe()
				if tt.prepare != nil {
					tt.prepare(t, self)
				}
				err := blocked(t, func() error { return tt.op(self) }, func() { require.NoError(t, tt.event(self, peer)) })
				require.ErrorIs(t, err, tt.want)
				require.ErrorIs(t, tt.op(self), tt.want, "and again")
			})
		})
	}
}

func TestPendingBytesComeBeforeTheEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(*Conn) error
		want error
	}{
		"close":      {(*Conn).Close, nil},
		"half close": {(*Conn).CloseWrite, nil},
		"reset":      {(*Conn).Reset, syscall.ECONNRESET},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := Pipe()
			_, err := a.Write([]byte("last words"))
			require.NoError(t, err)
			require.NoError(t, tt.end(a))
			got, err := io.ReadAll(b)
			require.Equal(t, "last words", string(got))
			if tt.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tt.want)
			}
		})
	}
}

func TestWriteToAClosedPeer(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	require.NoError(t, b.Close())
	require.ErrorIs(t, writeByte(a), syscall.EPIPE)
	require.ErrorIs(t, readByte(a), io.EOF)
}

func TestHalfClosedStillReads(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	require.NoError(t, a.CloseWrite())
	require.ErrorIs(t, writeByte(a), syscall.EPIPE)
	require.ErrorIs(t, readByte(b), io.EOF)
	require.NoError(t, writeByte(b))
	require.NoError(t, readByte(a))
}

func TestClosedEndRefusesEverything(t *testing.T) {
	t.Parallel()
	a, _ := Pipe()
	require.NoError(t, a.Close())
	for name, err := range map[string]error{
		"Read":             readByte(a),
		"Write":            writeByte(a),
		"Close":            a.Close(),
		"Reset":            a.Reset(),
		"CloseWrite":       a.CloseWrite(),
		"SetDeadline":      a.SetDeadline(time.Time{}),
		"SetReadDeadline":  a.SetReadDeadline(time.Time{}),
		"SetWriteDeadline": a.SetWriteDeadline(time.Time{}),
	} {
		require.ErrorIs(t, err, net.ErrClosed, name)
	}
}

func TestEmptyOperations(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	n, err := a.Read(nil)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = b.Write(nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

// Anything at once on the same connection: the race detector is the judge, and
// that everything ends.
func TestAnythingAtOnce(t *testing.T) {
	t.Parallel()
	for range 50 {
		a, b := Pipe()
		var wg sync.WaitGroup
		for _, c := range []*Conn{a, b} {
			for range 2 {
				wg.Go(func() { _, _ = io.Copy(io.Discard, c) })
				wg.Go(func() {
					for writeByte(c) == nil {
					}
				})
			}
			wg.Go(func() {
				for i := range 20 {
					_ = c.SetDeadline(time.Now().Add(time.Duration(i) * time.Millisecond))
				}
				_ = c.CloseWrite()
			})
		}
		wg.Go(func() { _ = a.Reset() })
		wg.Go(func() { _ = b.Close() })
		wg.Wait()
	}
}

func FuzzRing(f *testing.F) {
	f.Add([]byte{10, 3, 200, 250, 9, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var r ring
		var want []byte
		next := byte(0)
		for i, s := range steps[:min(len(steps), 100)] {
			size := int(s) * 97
			if i%2 == 0 {
				p := make([]byte, size)
				for i := range p {
					p[i] = next
					next++
				}
				n := r.put(p)
				require.Equal(t, min(len(p), BufferSize-len(want)), n)
				want = append(want, p[:n]...)
				next -= byte(len(p) - n)
			} else {
				p := make([]byte, size)
				n := r.take(p)
				require.Equal(t, min(size, len(want)), n)
				require.True(t, bytes.Equal(want[:n], p[:n]))
				want = want[n:]
			}
			require.Equal(t, len(want), r.n)
		}
	})
}

func TestRingAroundTheEnd(t *testing.T) {
	t.Parallel()
	var r ring
	var in, out byte
	buf := make([]byte, BufferSize)
	for i := range 40 {
		p := buf[:(i*77_777)%BufferSize]
		for i := range p {
			p[i] = in + byte(i)
		}
		in += byte(r.put(p))
		p = buf[:(i*55_555)%BufferSize]
		for _, c := range p[:r.take(p)] {
			if c != out {
				require.Equal(t, out, c)
			}
			out++
		}
	}
	require.LessOrEqual(t, len(r.buf), BufferSize)
}

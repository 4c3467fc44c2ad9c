package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeServer is the other end of a channel: answer gets each request's packet,
// without its length, and returns the packets that go back.
type fakeServer struct {
	answer func(packet []byte) [][]byte

	mu     sync.Mutex
	some   sync.Cond
	in     []byte
	out    []byte
	held   [][]byte // replies that wait, to go out in another order
	closed bool
}

func (s *fakeServer) put(replies [][]byte) {
	for _, r := range replies {
		s.out = append(binary.BigEndian.AppendUint32(s.out, uint32(len(r))), r...)
	}
}

// hold keeps a reply back for a while.
func (s *fakeServer) hold(r []byte) [][]byte {
	s.held = append(s.held, r)
	if len(s.held) < 3 || rand.N(4) > 0 {
		return nil
	}
	return s.release()
}

// release returns what was held back, shuffled.
func (s *fakeServer) release() [][]byte {
	out := s.held
	s.held = nil
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func newFakeServer(answer func([]byte) [][]byte) *fakeServer {
	s := &fakeServer{answer: answer}
	s.some.L = &s.mu
	return s
}

func (s *fakeServer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	s.in = append(s.in, b...)
	for len(s.in) >= 4 {
		n := int(binary.BigEndian.Uint32(s.in))
		if len(s.in) < 4+n {
			break
		}
		packet := bytes.Clone(s.in[4 : 4+n])
		s.in = s.in[4+n:]
		s.put(s.answer(packet))
	}
	s.some.Broadcast()
	return len(b), nil
}

func (s *fakeServer) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.out) == 0 && !s.closed {
		if len(s.held) == 0 {
			s.some.Wait()
			continue
		}
		s.put(s.release())
	}
	if len(s.out) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.out)
	s.out = s.out[n:]
	return n, nil
}

func (s *fakeServer) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.some.Broadcast()
	return nil
}

// channelTo puts a channel before a server, as after its greeting.
func channelTo(t testing.TB, s *fakeServer) *Channel {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _ = here.Close(); _ = there.Close() })
	session := &Session{wire: &wire{Conn: here}, dead: make(chan struct{}), window: InFlight}
	session.wire.filled.L, session.wire.taken.L = &session.wire.mu, &session.wire.mu
	version := []byte{0, 0, 0, 5, packetVersion, 0, 0, 0, protocolVersion}
	g, err := parseVersion(version)
	require.NoError(t, err)
	ch, err := newChannel(session, s, g)
	require.NoError(t, err)
	session.channels = []*Channel{ch}
	t.Cleanup(func() { _ = s.Close(); _ = ch.sftp.Close() })
	return ch
}

const (
	packetOpen, packetClose, packetRead, packetWrite = 3, 4, 5, 6
	packetHandle                                     = 102
)

func idOf(packet []byte) []byte { return packet[1:5] }

func reply(kind byte, id []byte, body ...byte) []byte {
	return append(append([]byte{kind}, id...), body...)
}

func status(id []byte, code byte) []byte {
	return reply(packetStatus, id, append([]byte{0, 0, 0, code}, make([]byte, 8)...)...)
}

// What passes channelPipe.Write: each handle's offsets ascend, between its
// OPEN and its CLOSE, however many files share the channel and in whatever
// order the server answers. Handle names are used again.
func TestWritesLeaveInOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	next := map[string]int64{} // by handle
	writes := 0
	var free []string
	opened := 0
	var srv *fakeServer
	srv = newFakeServer(func(p []byte) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		switch p[0] {
		case packetOpen:
			h := ""
			if len(free) > 0 {
				h, free = free[0], free[1:]
			} else {
				h = string(rune('a' + opened))
				opened++
			}
			next[h] = 0
			return [][]byte{reply(packetHandle, idOf(p), append([]byte{0, 0, 0, 1}, h...)...)}
		case packetClose:
			h := string(p[9:10])
			delete(next, h)
			free = append(free, h)
			return [][]byte{status(idOf(p), 0)}
		case packetWrite:
			h, off := string(p[9:10]), int64(binary.BigEndian.Uint64(p[10:]))
			want, open := next[h]
			assert.True(t, open, "a write behind the close of its handle")
			assert.Equal(t, want, off, "out of order")
			next[h] = off + int64(binary.BigEndian.Uint32(p[18:]))
			writes++
			return srv.hold(status(idOf(p), 0))
		}
		return [][]byte{status(idOf(p), StatusUnsupported)}
	})
	ch := channelTo(t, srv)
	var files sync.WaitGroup
	for range 8 {
		files.Go(func() {
			for range 3 {
				f, err := ch.Open("x", os.O_WRONLY|os.O_CREATE)
				if !assert.NoError(t, err) {
					return
				}
				data := make([]byte, 2<<20+77)
				high, err := new(Buffers).Send(t.Context(), NewLanes(f), bytes.NewReader(data), 0, int64(len(data)), nil)
				assert.NoError(t, err)
				assert.EqualValues(t, len(data), high)
				assert.NoError(t, f.Close())
			}
		})
	}
	files.Wait()
	assert.Equal(t, 24*65, writes)
}

// Replies in any order bring the same file.
func TestReadsInAnyOrder(t *testing.T) {
	t.Parallel()
	data := make([]byte, 3<<20+5)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	var srv *fakeServer
	srv = newFakeServer(func(p []byte) [][]byte {
		switch p[0] {
		case packetOpen:
			return [][]byte{reply(packetHandle, idOf(p), 0, 0, 0, 1, 'h')}
		case packetRead:
			off, n := binary.BigEndian.Uint64(p[10:]), uint64(binary.BigEndian.Uint32(p[18:]))
			r := status(idOf(p), StatusEOF)
			if off < uint64(len(data)) {
				part := data[off:min(off+n, uint64(len(data)))]
				part = part[:max(1, len(part)-rand.N(2)*len(part)/3)] // short, now and then
				r = reply(packetData, idOf(p), append(binary.BigEndian.AppendUint32(nil, uint32(len(part))), part...)...)
			}
			return srv.hold(r)
		}
		return [][]byte{status(idOf(p), 0)}
	})
	ch := channelTo(t, srv)
	for _, size := range []int64{-1, int64(len(data)), 10} {
		f, err := ch.Open("x", os.O_RDONLY)
		require.NoError(t, err)
		var got bytes.Buffer
		high, err := new(Buffers).Fetch(t.Context(), NewLanes(f), &got, Extent{Size: size}, nil)
		require.NoError(t, err)
		assert.EqualValues(t, len(data), high)
		assert.True(t, bytes.Equal(data, got.Bytes()))
	}
}

// Complete answers of a server: whatever they hold, no call panics and each
// comes back; what was read is what the server sent, in order.
func FuzzAnswers(f *testing.F) {
	attrs := append([]byte{packetAttrs, 0, 0, 0, 1}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	f.Add([]byte{packetHandle, 0, 0, 0, 1, 'h'}, attrs, []byte{packetData, 0, 0, 0, 3, 1, 2, 3})
	f.Add([]byte{packetHandle, 0, 0, 0, 9, 'h'}, []byte{packetName, 0xff, 0xff, 0xff, 0xff}, []byte{packetData, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{packetHandle, 0, 0, 0, 0}, []byte{packetStatus, 0, 0, 0, 4, 0, 0, 0, 2, 'n', 'o'}, []byte{packetData, 0, 0, 0, 0})
	f.Add([]byte{packetHandle, 0, 0, 0, 1, 'h'}, []byte{packetName, 0, 0, 0, 1, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, []byte{packetStatus})
	f.Add([]byte{packetHandle, 0, 0, 0, 1, 'h'}, []byte{packetExtendedReply, 1, 2, 3}, []byte{packetStatus, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, open, look, data []byte) {
		requests := 0
		srv := newFakeServer(func(p []byte) [][]byte {
			requests++
			body := data
			switch {
			case requests > 200: // a server that never says that it ends
				return [][]byte{status(idOf(p), StatusEOF)}
			case p[0] == packetOpen || p[0] == 11: // 11: OPENDIR
				body = open
			case p[0] != packetRead && p[0] != packetWrite:
				body = look
			}
			if len(body) == 0 || len(p) < 5 {
				return [][]byte{body}
			}
			return [][]byte{reply(body[0], idOf(p), body[1:]...)}
		})
		ch := channelTo(t, srv)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = ch.Stat("x")
			_ = ch.Exists("x")
			ch.IsFile("x")
			_, _ = ch.ReadDir(ctx, "x")
			_ = ch.WhyFailed("x", &StatusError{Code: StatusFailure})
			_ = ch.Rename("x", "y")
			file, err := ch.Open("x", os.O_RDWR)
			if err != nil {
				return
			}
			_, _ = file.Stat()
			_, _ = file.Size()
			for _, size := range []int64{-1, 0, 10, 1 << 62} {
				var got bytes.Buffer
				high, _ := new(Buffers).Fetch(ctx, NewLanes(file), &got, Extent{Size: size, Max: 1 << 20}, nil)
				assert.EqualValues(t, got.Len(), high)
				assert.LessOrEqual(t, got.Len(), 1<<20)
			}
			_, _ = new(Buffers).Send(ctx, NewLanes(file), bytes.NewReader(make([]byte, 100<<10)), 0, 100<<10, nil)
			_ = file.Sync()
			_ = file.Close()
		}()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("a call does not come back")
		}
	})
}

// A server's words are kept for every code, and not printed.
func TestStatusTextIsKept(t *testing.T) {
	t.Parallel()
	for code := byte(2); code < 20; code++ {
		text := "no: \"" + string('a'+code) + "\" é"
		srv := newFakeServer(func(p []byte) [][]byte {
			body := append([]byte{0, 0, 0, code}, binary.BigEndian.AppendUint32(nil, uint32(len(text)))...)
			return [][]byte{reply(packetStatus, idOf(p), append(append(body, text...), 0, 0, 0, 0)...)}
		})
		_, err := channelTo(t, srv).Stat("x")
		var s *StatusError
		require.ErrorAs(t, err, &s)
		assert.EqualValues(t, code, s.Code)
		assert.Equal(t, text, s.Text)
		assert.NotContains(t, err.Error(), "no:")
	}
}

// A packet that lies about its length ends the connection as what it is.
func TestLyingPackets(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"more data announced": {packetData, 0, 0, 0, 9, 1}, "no length of data": {packetData},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newFakeServer(func(p []byte) [][]byte { return [][]byte{reply(body[0], idOf(p), body[1:]...)} })
			_, err := channelTo(t, srv).Stat("x")
			require.ErrorIs(t, err, ccr.ErrContract)
		})
	}
}

// Data behind the end means that the file is still growing.
func TestDataBehindTheEnd(t *testing.T) {
	t.Parallel()
	srv := newFakeServer(func(p []byte) [][]byte {
		switch {
		case p[0] == packetOpen:
			return [][]byte{reply(packetHandle, idOf(p), 0, 0, 0, 1, 'h')}
		case binary.BigEndian.Uint64(p[10:]) == 0:
			return [][]byte{reply(packetData, idOf(p), 0, 0, 0, 5, 'f', 'i', 'r', 's', 't')}
		case binary.BigEndian.Uint64(p[10:]) == 10:
			return [][]byte{reply(packetData, idOf(p), 0, 0, 0, 1, '!')}
		}
		return [][]byte{status(idOf(p), StatusEOF)}
	})
	f, err := channelTo(t, srv).Open("x", os.O_RDONLY)
	require.NoError(t, err)
	_, err = new(Buffers).Fetch(t.Context(), NewLanes(f), io.Discard, Extent{Size: 10}, nil)
	require.ErrorIs(t, err, ErrRemoteChanged)
}

package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/memnet"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

// world is a proxy with a server behind it.
type world struct {
	*proxy.Proxy
	server net.Listener
}

// overTCP and overMemory set up a world; the second for fake time.
func overTCP(t *testing.T, config proxy.Config) world {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	config.Target = proxy.TCP(l.Addr().String())
	return start(t, l, config)
}

func overMemory(t *testing.T, config proxy.Config) world {
	t.Helper()
	l := memnet.Listen()
	config.Target = l.Dial
	config.Listen = proxy.On(memnet.Listen())
	return start(t, l, config)
}

func start(t *testing.T, l net.Listener, config proxy.Config) world {
	t.Helper()
	p, err := proxy.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, p.Close())
		_ = l.Close()
	})
	return world{p, l}
}

// connect returns both ends of a new connection through the proxy.
func (w world) connect(t *testing.T) (client, server net.Conn) {
	t.Helper()
	client, err := w.DialContext(t.Context(), "tcp", "anywhere.example:443")
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	server, err = w.server.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return client, server
}

// ends returns the sending and the receiving end for a direction.
func ends(dir proxy.Dir, client, server net.Conn) (from, to net.Conn) {
	if dir == proxy.ToServer {
		return client, server
	}
	return server, client
}

func randomBytes(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(p) // never fails
	return p
}

type halfCloser interface{ CloseWrite() error }

func bothNets(t *testing.T, test func(t *testing.T, start func(*testing.T, proxy.Config) world)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		test(t, overTCP)
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, overMemory)
	})
}

var bothDirs = []proxy.Dir{proxy.ToServer, proxy.ToClient}

func TestForwardsWhole(t *testing.T) {
	t.Parallel()
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		w := start(t, proxy.Config{})
		const conns, size = 4, 1_000_000
		var wg sync.WaitGroup
		for i := range conns {
			client, server := w.connect(t)
			up, down := randomBytes(size+i), randomBytes(size-i)
			for _, way := range []struct {
				data     []byte
				from, to net.Conn
			}{{up, client, server}, {down, server, client}} {
				wg.Go(func() {
					_, err := way.from.Write(way.data)
					assert.NoError(t, err)
					assert.NoError(t, way.from.(halfCloser).CloseWrite())
				})
				wg.Go(func() {
					got, err := io.ReadAll(way.to)
					assert.NoError(t, err)
					assert.True(t, bytes.Equal(way.data, got))
				})
			}
		}
		wg.Wait()
		require.NoError(t, w.Close())
		s := w.Stats()
		assert.EqualValues(t, conns, s.Connections)
		assert.Zero(t, s.Active)
		assert.Zero(t, s.Injected())
		assert.EqualValues(t, conns*size+6, s.ToServer)
		assert.EqualValues(t, conns*size-6, s.ToClient)
	})
}

// Exactly At bytes arrive, whatever the sizes of the writes, and then the
// fault's own kind of end.
func TestEndsAtTheByte(t *testing.T) {
	t.Parallel()
	const size = 400_000
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		for _, kind := range []proxy.Kind{proxy.Cut, proxy.Reset, proxy.HalfClose} {
			for _, dir := range bothDirs {
				for _, at := range []int64{1, 1000, 131072, 131073, 399_999, 400_000} {
					t.Run(fmt.Sprintf("%s %s at %d", kind, dir, at), func(t *testing.T) {
						t.Parallel()
						strikes := make(chan proxy.Strike, 10)
						w := start(t, proxy.Config{OnFault: func(s proxy.Strike) { strikes <- s }})
						w.Next(proxy.Fault{Kind: kind, Dir: dir, At: at})
						client, server := w.connect(t)
						from, to := ends(dir, client, server)
						data := randomBytes(size)
						done := make(chan error, 1)
						go func() {
							for rest := data; len(rest) > 0; {
								n, err := from.Write(rest[:min(len(rest), 70_001)])
								if err != nil {
									done <- err
									return
								}
								rest = rest[n:]
							}
							done <- nil
						}()
						got, err := io.ReadAll(to)
						require.Equal(t, proxy.Strike{Kind: kind, Dir: dir, At: at}, <-strikes)
						switch kind {
						case proxy.Reset:
							require.ErrorIs(t, err, syscall.ECONNRESET)
							// TCP may drop what was on its way
							require.LessOrEqual(t, int64(len(got)), at)
							if _, memory := to.(*memnet.Conn); memory {
								require.Len(t, got, int(at))
							}
						default:
							require.NoError(t, err)
							require.Len(t, got, int(at))
						}
						require.True(t, bytes.HasPrefix(data, got))

						if kind == proxy.HalfClose { // the other way still works
							require.NoError(t, <-done)
							_, err = to.Write([]byte("still here"))
							require.NoError(t, err)
							buf := make([]byte, 10)
							_, err = io.ReadFull(from, buf)
							require.NoError(t, err)
							require.Equal(t, "still here", string(buf))
						} else { // the sender's side is closed too
							_, err = io.ReadAll(from)
							err = errors.Join(err, <-done) // a socket tells the reset once, to whoever asks first
							if kind == proxy.Reset {
								require.ErrorIs(t, err, syscall.ECONNRESET)
							}
						}
						s := w.Stats()
						require.EqualValues(t, 1, s.Faults[kind])
						require.EqualValues(t, 1, s.Injected())
						passed := at
						if kind == proxy.HalfClose {
							passed += int64(len("still here"))
						}
						require.Equal(t, passed, s.ToServer+s.ToClient)
					})
				}
			}
		}
	})
}

// A fault at byte 0 waits for no byte. On a socket the client may learn of it
// while it still connects.
func TestEndsAtOnce(t *testing.T) {
	t.Parallel()
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		for _, kind := range []proxy.Kind{proxy.Cut, proxy.Reset, proxy.HalfClose} {
			for _, dir := range bothDirs {
				t.Run(fmt.Sprintf("%s %s", kind, dir), func(t *testing.T) {
					t.Parallel()
					w := start(t, proxy.Config{})
					w.Next(proxy.Fault{Kind: kind, Dir: dir})
					client, err := w.DialContext(t.Context(), "tcp", "")
					server, acceptErr := w.server.Accept()
					require.NoError(t, acceptErr)
					defer server.Close()
					if err == nil {
						defer client.Close()
						_, to := ends(dir, client, server)
						_, err = io.ReadAll(to)
					} else {
						require.Equal(t, proxy.Reset, kind)
					}
					if kind == proxy.Reset {
						require.ErrorIs(t, err, syscall.ECONNRESET)
					} else {
						require.NoError(t, err)
					}
					require.Equal(t, map[proxy.Kind]int64{kind: 1}, w.Stats().Faults)
				})
			}
		}
	})
}

func TestStallForATime(t *testing.T) {
	t.Parallel()
	for _, dir := range bothDirs {
		t.Run(dir.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := overMemory(t, proxy.Config{})
				w.Next(proxy.Fault{Kind: proxy.Stall, Dir: dir, At: 5, For: time.Minute})
				client, server := w.connect(t)
				from, to := ends(dir, client, server)
				start := time.Now()
				_, err := from.Write([]byte("12345678"))
				require.NoError(t, err)
				buf := make([]byte, 5)
				_, err = io.ReadFull(to, buf)
				require.NoError(t, err)
				require.Zero(t, time.Since(start))
				// the other way is not held
				_, err = to.Write([]byte("back"))
				require.NoError(t, err)
				_, err = io.ReadFull(from, buf[:4])
				require.NoError(t, err)
				require.Equal(t, "back", string(buf[:4]))
				require.Zero(t, time.Since(start))
				_, err = io.ReadFull(to, buf[:3])
				require.NoError(t, err)
				require.Equal(t, "678", string(buf[:3]))
				require.Equal(t, time.Minute, time.Since(start))
				require.EqualValues(t, 1, w.Stats().Faults[proxy.Stall])
			})
		})
	}
}

func TestStallIsNotCountedWithoutAByte(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := overMemory(t, proxy.Config{})
		w.Next(
			proxy.Fault{Kind: proxy.Stall, At: 3}, proxy.Fault{Kind: proxy.Slow, At: 3, Rate: 1}, proxy.Fault{Kind: proxy.Corrupt, At: 3},
		)
		client, server := w.connect(t)
		_, err := client.Write([]byte("123"))
		require.NoError(t, err)
		_, err = io.ReadFull(server, make([]byte, 3))
		require.NoError(t, err)
		synctest.Wait()
		require.Zero(t, w.Stats().Injected())

		// the end of the stream is held by a stall, and no reason for the others
		require.NoError(t, client.(halfCloser).CloseWrite())
		synctest.Wait()
		require.Equal(t, map[proxy.Kind]int64{proxy.Stall: 1}, w.Stats().Faults)
		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err = server.Read(make([]byte, 1))
		require.True(t, isTimeout(err), "%v", err)
		require.NoError(t, server.SetReadDeadline(time.Time{}))
		w.Release()
		_, err = server.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, map[proxy.Kind]int64{proxy.Stall: 1}, w.Stats().Faults)
	})
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func TestEndlessStall(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T, w world, from net.Conn){
		"released": func(_ *testing.T, w world, _ net.Conn) { w.Release() },
		"closed":   func(t *testing.T, w world, _ net.Conn) { require.NoError(t, w.Close()) },
		"peer reset": func(t *testing.T, _ world, from net.Conn) {
			require.NoError(t, from.(*memnet.Conn).Reset())
		},
	}
	for name, finish := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := overMemory(t, proxy.Config{})
				w.Next(proxy.Fault{Kind: proxy.Stall})
				client, server := w.connect(t)
				_, err := client.Write([]byte("x"))
				require.NoError(t, err)
				require.NoError(t, server.SetReadDeadline(time.Now().Add(1000*time.Hour)))
				_, err = server.Read(make([]byte, 1))
				require.True(t, isTimeout(err), "%v", err)
				require.NoError(t, server.SetReadDeadline(time.Time{}))
				finish(t, w, client)
				got := make([]byte, 1)
				_, err = io.ReadFull(server, got)
				switch name {
				case "released":
					require.NoError(t, err)
					require.Equal(t, "x", string(got))
				case "closed":
					require.ErrorIs(t, err, io.EOF)
				default:
					require.ErrorIs(t, err, syscall.ECONNRESET)
				}
			})
		})
	}
}

// A sender to a stalled connection is held up in the end, as on a network.
func TestStallPushesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := overMemory(t, proxy.Config{})
		w.Next(proxy.Fault{Kind: proxy.Stall})
		client, _ := w.connect(t)
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Minute)))
		n, err := client.Write(make([]byte, 16<<20))
		require.True(t, isTimeout(err), "%v", err)
		require.Less(t, n, 2<<20)
		require.GreaterOrEqual(t, n, memnet.BufferSize)
	})
}

func TestSlow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault proxy.Fault
		size  int
		want  time.Duration
	}{
		"rate":          {proxy.Fault{Rate: 1000}, 5000, 5 * time.Second},
		"high rate":     {proxy.Fault{Rate: 10 << 20}, 10 << 20, time.Second},
		"from a byte":   {proxy.Fault{Rate: 1000, At: 3000}, 5000, 2 * time.Second},
		"some bytes":    {proxy.Fault{Rate: 1000, At: 3000, Bytes: 500}, 50000, 500 * time.Millisecond},
		"again":         {proxy.Fault{Rate: 1000, At: 3000, Bytes: 500, Every: 10_000}, 25_000, 1500 * time.Millisecond},
		"chunks":        {proxy.Fault{Chunk: 100, Pause: time.Second}, 1000, 10 * time.Second},
		"a short chunk": {proxy.Fault{Chunk: 100, Pause: time.Second}, 901, 10 * time.Second},
	}
	for name, tt := range tests {
		for _, dir := range bothDirs {
			t.Run(name+" "+dir.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := overMemory(t, proxy.Config{})
					fault := tt.fault
					fault.Kind, fault.Dir = proxy.Slow, dir
					w.Next(fault)
					client, server := w.connect(t)
					from, to := ends(dir, client, server)
					data := randomBytes(tt.size)
					start := time.Now()
					go func() {
						_, err := from.Write(data)
						assert.NoError(t, err)
						assert.NoError(t, from.(halfCloser).CloseWrite())
					}()
					got, err := io.ReadAll(to)
					require.NoError(t, err)
					require.True(t, bytes.Equal(data, got))
					require.InDelta(t, tt.want, time.Since(start), float64(tt.want)/50)
				})
			})
		}
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault proxy.Fault
		want  []int // the bytes that differ
	}{
		"one byte":      {proxy.Fault{At: 100}, []int{100}},
		"with a mask":   {proxy.Fault{At: 100, Mask: 0x80}, []int{100}},
		"several":       {proxy.Fault{At: 131_070, Bytes: 4}, []int{131_070, 131_071, 131_072, 131_073}},
		"repeated":      {proxy.Fault{At: 5, Every: 100_000}, []int{5, 100_005}},
		"the last":      {proxy.Fault{At: 199_999}, []int{199_999}},
		"beyond":        {proxy.Fault{At: 200_000}, nil},
		"beyond, twice": {proxy.Fault{At: 200_000, Every: 1}, nil},
	}
	data := randomBytes(200_000)
	for name, tt := range tests {
		for _, dir := range bothDirs {
			t.Run(name+" "+dir.String(), func(t *testing.T) {
				t.Parallel()
				w := overMemory(t, proxy.Config{})
				fault := tt.fault
				fault.Kind, fault.Dir = proxy.Corrupt, dir
				w.Next(fault)
				client, server := w.connect(t)
				from, to := ends(dir, client, server)
				go func() {
					_, err := from.Write(data)
					assert.NoError(t, err)
					assert.NoError(t, from.(halfCloser).CloseWrite())
				}()
				got, err := io.ReadAll(to)
				require.NoError(t, err)
				require.Len(t, got, len(data))
				var differ []int
				for i := range data {
					if flipped := got[i] ^ data[i]; flipped != 0 {
						differ = append(differ, i)
						if fault.Mask != 0 {
							require.Equal(t, fault.Mask, flipped)
						}
					}
				}
				require.Equal(t, tt.want, differ)
			})
		}
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		w := start(t, proxy.Config{})
		w.Next(proxy.Fault{Kind: proxy.Refuse})
		c, err := w.DialContext(t.Context(), "tcp", "")
		if err == nil { // the reset can come before connect returns
			_, err = io.ReadAll(c)
			_ = c.Close()
		}
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.EqualValues(t, 1, w.Stats().Faults[proxy.Refuse])
		w.connect(t) // the next is fine
		require.EqualValues(t, 2, w.Stats().Connections)
	})
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	exchange := func(t *testing.T, client, server net.Conn) {
		t.Helper()
		_, err := client.Write([]byte("ping"))
		require.NoError(t, err)
		_, err = io.ReadFull(server, make([]byte, 4))
		require.NoError(t, err)
	}
	down := func(t *testing.T, w world) {
		t.Helper()
		client, server := w.connect(t)
		addr := w.Addr().String()
		for range 3 {
			require.NoError(t, w.Down())
			require.NoError(t, w.Down(), "down already")
			_, err := w.DialContext(t.Context(), "tcp", "")
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
			exchange(t, client, server) // what was open stays so
			require.NoError(t, w.Up())
			require.NoError(t, w.Up(), "up already")
			require.Equal(t, addr, w.Addr().String())
			c, s := w.connect(t)
			exchange(t, c, s)
		}
		require.NoError(t, w.Close())
		require.ErrorIs(t, w.Up(), net.ErrClosed)
	}
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		w := overTCP(t, proxy.Config{})
		down(t, w)
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		var n memnet.Network
		l, err := n.Listen("server.example:22")
		require.NoError(t, err)
		down(t, start(t, l, proxy.Config{
			Target: l.Dial,
			Listen: func(net.Addr) (net.Listener, error) { return n.Listen("proxy.example:22") },
		}))
	})
	t.Run("a listener of one use", func(t *testing.T) {
		t.Parallel()
		w := overMemory(t, proxy.Config{})
		require.NoError(t, w.Down())
		require.ErrorContains(t, w.Up(), "Config.Listen")
	})
}

func TestTargetGone(t *testing.T) {
	t.Parallel()
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		w := start(t, proxy.Config{})
		require.NoError(t, w.server.Close())
		c, err := w.DialContext(t.Context(), "tcp", "")
		if err == nil {
			_, err = io.ReadAll(c)
			_ = c.Close()
		}
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.NoError(t, w.Close())
		require.EqualValues(t, 1, w.Stats().DialFailures)
	})
}

// A reset or a close by one peer reaches the other.
func TestEndingsPassThrough(t *testing.T) {
	t.Parallel()
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		for _, dir := range bothDirs {
			t.Run("reset "+dir.String(), func(t *testing.T) {
				t.Parallel()
				w := start(t, proxy.Config{})
				client, server := w.connect(t)
				from, to := ends(dir, client, server)
				switch c := from.(type) {
				case *memnet.Conn:
					require.NoError(t, c.Reset())
				case *net.TCPConn:
					require.NoError(t, c.SetLinger(0))
					require.NoError(t, c.Close())
				}
				_, err := io.ReadAll(to)
				require.ErrorIs(t, err, syscall.ECONNRESET)
			})
			t.Run("close "+dir.String(), func(t *testing.T) {
				t.Parallel()
				w := start(t, proxy.Config{})
				client, server := w.connect(t)
				from, to := ends(dir, client, server)
				require.NoError(t, from.Close())
				_, err := io.ReadAll(to)
				require.NoError(t, err)
				for err == nil { // it learns that nobody is there
					_, err = to.Write([]byte("anyone?"))
				}
				require.NoError(t, w.Close())
			})
		}
	})
}

func TestHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := overMemory(t, proxy.Config{})
		client, server := w.connect(t)
		w.Hold()
		later, laterServer := w.connect(t)
		for _, c := range []net.Conn{client, server, later, laterServer} {
			_, err := c.Write([]byte("1"))
			require.NoError(t, err)
		}
		for _, c := range []net.Conn{client, server, later, laterServer} {
			require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
			_, err := c.Read(make([]byte, 1))
			require.True(t, isTimeout(err), "%v", err)
			require.NoError(t, c.SetReadDeadline(time.Time{}))
		}
		w.Release()
		for _, c := range []net.Conn{client, server, later, laterServer} {
			_, err := io.ReadFull(c, make([]byte, 1))
			require.NoError(t, err)
		}
		w.Hold() // and the end of the proxy ends it too
		_, err := client.Write([]byte("2"))
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, w.Close())
	})
}

func TestCutAllAndResetAll(t *testing.T) {
	t.Parallel()
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		w := start(t, proxy.Config{})
		a, _ := w.connect(t)
		b, _ := w.connect(t)
		// the proxy knows a connection once bytes came through it
		for _, c := range []net.Conn{a, b} {
			_, err := c.Write([]byte("x"))
			require.NoError(t, err)
		}
		require.Eventually(t, func() bool { return w.Stats().ToServer == 2 }, 5*time.Second, time.Millisecond)
		require.Equal(t, 2, w.CutAll())
		for _, c := range []net.Conn{a, b} {
			_, err := io.ReadAll(c)
			require.NoError(t, err)
		}
		c, server := w.connect(t)
		_, err := server.Write([]byte("y"))
		require.NoError(t, err)
		_, err = io.ReadFull(c, make([]byte, 1))
		require.NoError(t, err)
		require.Equal(t, 1, w.ResetAll())
		_, err = io.ReadAll(c)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, map[proxy.Kind]int64{proxy.Cut: 2, proxy.Reset: 1}, w.Stats().Faults)
		require.EqualValues(t, 3, w.Stats().Injected())
	})
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	bothNets(t, func(t *testing.T, start func(*testing.T, proxy.Config) world) {
		w := start(t, proxy.Config{Latency: time.Hour})
		var conns []net.Conn
		for range 10 {
			client, server := w.connect(t)
			conns = append(conns, client, server)
			_, err := client.Write(make([]byte, 100_000)) // held by the delay line
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		require.NoError(t, w.Close(), "closed already")
		for _, c := range conns {
			_, err := io.ReadAll(c)
			if err != nil {
				require.ErrorIs(t, err, syscall.ECONNRESET)
			}
		}
		_, err := w.DialContext(t.Context(), "tcp", "")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.Zero(t, w.Stats().Active)
	})
}

// Close does not wait for a target that never answers.
func TestCloseWhileDialling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		p, err := proxy.Start(proxy.Config{Listen: proxy.On(l), Target: func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		require.NoError(t, err)
		_, err = l.Dial(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, p.Close())
		require.EqualValues(t, 1, p.Stats().DialFailures)
	})
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	dial := memnet.Listen().Dial
	for name, config := range map[string]proxy.Config{
		"no target":        {},
		"negative latency": {Target: dial, Latency: -1},
		"negative window":  {Target: dial, Window: -1},
		"no listener":      {Target: dial, Listen: func(net.Addr) (net.Listener, error) { return nil, errors.New("none") }},
	} {
		_, err := proxy.Start(config)
		require.Error(t, err, name)
	}
}

// flaky fails once before it accepts.
type flaky struct {
	net.Listener
	once sync.Once
}

func (f *flaky) Accept() (conn net.Conn, err error) {
	f.once.Do(func() { err = syscall.EMFILE })
	if err != nil {
		return nil, err
	}
	return f.Listener.Accept()
}

func TestAcceptFailureIsSurvived(t *testing.T) {
	t.Parallel()
	server, l := memnet.Listen(), memnet.Listen()
	w := start(t, server, proxy.Config{Target: server.Dial, Listen: proxy.On(&flaky{Listener: l})})
	_, err := l.Dial(t.Context())
	require.NoError(t, err)
	_, err = server.Accept()
	require.NoError(t, err)
	require.EqualValues(t, 1, w.Stats().AcceptFailures)
}

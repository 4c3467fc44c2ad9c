package proxy_test

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

func TestLatencyHoldsEveryByte(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := overMemory(t, proxy.Config{Latency: 10 * time.Millisecond})
		client, server := w.connect(t)
		start := time.Now()
		go func() { // answers each byte
			_, err := io.Copy(server, server)
			assert.NoError(t, err)
			assert.NoError(t, server.(halfCloser).CloseWrite())
		}()
		for i := range 50 {
			_, err := client.Write([]byte{byte(i)})
			require.NoError(t, err)
			_, err = io.ReadFull(client, make([]byte, 1))
			require.NoError(t, err)
			require.Equal(t, time.Duration(i+1)*20*time.Millisecond, time.Since(start))
		}
		// pipelined requests share one round trip
		start = time.Now()
		for range 50 {
			_, err := client.Write([]byte{1})
			require.NoError(t, err)
		}
		_, err := io.ReadFull(client, make([]byte, 50))
		require.NoError(t, err)
		require.Equal(t, 20*time.Millisecond, time.Since(start))

		start = time.Now()
		require.NoError(t, client.(halfCloser).CloseWrite())
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 20*time.Millisecond, time.Since(start), "the end of the stream takes as long")
	})
}

// 16 MiB take one delay, not one for each buffer.
func TestLatencyLeavesBandwidth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := overMemory(t, proxy.Config{Latency: time.Second})
		client, server := w.connect(t)
		data := randomBytes(16 << 20)
		start := time.Now()
		go func() {
			_, err := client.Write(data)
			assert.NoError(t, err)
			assert.NoError(t, client.(halfCloser).CloseWrite())
		}()
		got, err := io.ReadAll(server)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestWindowBoundsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const window = 1 << 20
		w := overMemory(t, proxy.Config{Latency: time.Second, Window: window})
		client, server := w.connect(t)
		start := time.Now()
		go func() {
			_, err := client.Write(make([]byte, 10*window))
			assert.NoError(t, err)
			assert.NoError(t, client.(halfCloser).CloseWrite())
		}()
		_, err := io.ReadAll(server)
		require.NoError(t, err)
		require.InDelta(t, 10*time.Second, time.Since(start), float64(2*time.Second))
	})
}

func TestSetLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := overMemory(t, proxy.Config{Latency: time.Minute})
		client, server := w.connect(t)
		start := time.Now()
		_, err := client.Write([]byte("1"))
		require.NoError(t, err)
		synctest.Wait()
		w.SetLatency(0)
		_, err = client.Write([]byte("2"))
		require.NoError(t, err)
		got := make([]byte, 2)
		_, err = io.ReadFull(server, got)
		require.NoError(t, err)
		require.Equal(t, "12", string(got))
		require.Equal(t, time.Minute, time.Since(start), "no byte overtakes another")
		_, err = client.Write([]byte("3"))
		require.NoError(t, err)
		_, err = io.ReadFull(server, got[:1])
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// Faults strike at the same bytes when there is latency.
func TestLatencyAndFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := overMemory(t, proxy.Config{Latency: time.Second})
		w.Next(proxy.Fault{Kind: proxy.Stall, Dir: proxy.ToClient, At: 10, For: time.Minute}, proxy.Fault{Kind: proxy.Cut, Dir: proxy.ToClient, At: 1000})
		client, server := w.connect(t)
		start := time.Now()
		_, err := server.Write(make([]byte, 5000))
		require.NoError(t, err)
		got, err := io.ReadAll(client)
		require.NoError(t, err)
		require.Len(t, got, 1000)
		require.Equal(t, time.Minute+time.Second, time.Since(start))
	})
}

// On real sockets and a real clock: what it costs to go through the proxy,
// and how exact a round trip is.
func BenchmarkLatency(b *testing.B) {
	for _, latency := range []time.Duration{0, 10 * time.Millisecond} {
		b.Run("rtt="+(2*latency).String(), func(b *testing.B) {
			w := benchWorld(b, latency)
			client, server := w[0], w[1]
			go func() { _, _ = io.Copy(server, server) }()
			buf := make([]byte, 1)
			for b.Loop() {
				if _, err := client.Write(buf); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(client, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBandwidth(b *testing.B) {
	for _, latency := range []time.Duration{-1, 0, 10 * time.Millisecond} {
		name := "rtt=" + (2 * latency).String()
		if latency < 0 {
			name = "direct"
		}
		b.Run(name, func(b *testing.B) {
			w := benchWorld(b, latency)
			client, server := w[0], w[1]
			const size = 64 << 20
			chunk := make([]byte, 1<<20)
			b.SetBytes(size)
			for b.Loop() {
				go func() {
					for range size / len(chunk) {
						if _, err := client.Write(chunk); err != nil {
							b.Error(err)
						}
					}
				}()
				if _, err := io.CopyN(io.Discard, server, size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

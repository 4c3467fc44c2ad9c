package proxy_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

// benchWorld returns the two ends of a TCP connection through a proxy, or of a
// direct one if latency is negative.
func benchWorld(b *testing.B, latency time.Duration) [2]net.Conn {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = l.Close() })
	dial := proxy.TCP(l.Addr().String())
	var client net.Conn
	if latency < 0 {
		client, err = dial(b.Context())
	} else {
		var p *proxy.Proxy
		p, err = proxy.Start(proxy.Config{Target: dial, Latency: latency})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, p.Close()) })
		client, err = p.DialContext(b.Context(), "", "")
	}
	require.NoError(b, err)
	b.Cleanup(func() { _ = client.Close() })
	server, err := l.Accept()
	require.NoError(b, err)
	b.Cleanup(func() { _ = server.Close() })
	return [2]net.Conn{client, server}
}

package memnet

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDialAndAccept(t *testing.T) {
	t.Parallel()
	l := Listen()
	client, err := l.Dial(t.Context())
	require.NoError(t, err)
	_, err = client.Write([]byte("before accept"))
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	buf := make([]byte, 64)
	n, err := server.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "before accept", string(buf[:n]))

	require.Equal(t, l.Addr(), server.LocalAddr())
	require.Equal(t, client.LocalAddr(), server.RemoteAddr())
	require.Equal(t, client.RemoteAddr(), server.LocalAddr())
	require.NotEqual(t, client.LocalAddr().String(), server.LocalAddr().String())
	for _, a := range []net.Addr{l.Addr(), client.LocalAddr()} {
		_, _, err := net.SplitHostPort(a.String())
		require.NoError(t, err)
	}

	require.NoError(t, l.Close())
	_, err = client.Write([]byte("an accepted connection lives on"))
	require.NoError(t, err)
}

func TestListenerClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Listen()
		accept := func() error { _, err := l.Accept(); return err }
		err := blocked(t, accept, func() { require.NoError(t, l.Close()) })
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorIs(t, accept(), net.ErrClosed)
		require.ErrorIs(t, l.Close(), net.ErrClosed)
		_, err = l.Dial(t.Context())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)

		l = Listen()
		c, err := l.Dial(t.Context())
		require.NoError(t, err)
		require.NoError(t, l.Close())
		_, err = io.ReadAll(c)
		require.ErrorIs(t, err, syscall.ECONNRESET, "it was never accepted")
	})
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Listen()
		for range Backlog {
			_, err := l.Dial(t.Context())
			require.NoError(t, err)
		}
		dial := func() error { _, err := l.Dial(t.Context()); return err }
		require.NoError(t, blocked(t, dial, func() {
			_, err := l.Accept()
			require.NoError(t, err)
		}))

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := l.Dial(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
		_, err = l.Dial(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "ended before it began")

		require.ErrorIs(t, blocked(t, dial, func() { require.NoError(t, l.Close()) }), syscall.ECONNREFUSED)
	})
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	var n Network
	api, err := n.Listen("api.example:443")
	require.NoError(t, err)
	login, err := n.Listen("[2001:db8::1]:8443")
	require.NoError(t, err)
	_, err = n.Listen("api.example:443")
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	for _, bad := range []string{"", "api.example", "api.example:"} {
		_, err = n.Listen(bad)
		require.Error(t, err, bad)
		_, err = n.DialContext(t.Context(), "tcp", bad)
		require.Error(t, err, bad)
	}

	for addr, l := range map[string]*Listener{"api.example:443": api, "[2001:db8:0::1]:8443": login} {
		c, err := n.DialContext(t.Context(), "tcp", addr)
		require.NoError(t, err)
		s, err := l.Accept()
		require.NoError(t, err)
		require.Equal(t, c.LocalAddr(), s.RemoteAddr())
		require.Equal(t, "tcp", s.LocalAddr().Network())
	}
	require.Equal(t, "api.example:443", api.Addr().String())

	_, err = n.DialContext(t.Context(), "tcp", "other.example:443")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, api.Close())
	_, err = n.DialContext(t.Context(), "tcp", "api.example:443")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	_, err = n.Listen("api.example:443")
	require.NoError(t, err, "a closed listener frees its address")
}

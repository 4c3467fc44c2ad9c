package sftp_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// farConn is a connection on which what is sent arrives a round trip
// later.
type farConn struct {
	net.Conn
	late  time.Duration
	parts chan part
}

type part struct {
	at   time.Time
	data []byte
}

// far makes the connections of a client in a bubble as long as the round trip
// says. All of it is on the way to the server.
func far(cfg *sftp.Config, rtt time.Duration) {
	dial := cfg.DialContext
	cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &farConn{conn, rtt, make(chan part, 1<<16)}
		go c.deliver()
		return c, nil
	}
}

func (c *farConn) Write(b []byte) (int, error) {
	c.parts <- part{time.Now().Add(c.late), bytes.Clone(b)}
	return len(b), nil
}

func (c *farConn) deliver() {
	for p := range c.parts {
		if p.data == nil {
			return
		}
		time.Sleep(time.Until(p.at))
		if _, err := c.Conn.Write(p.data); err != nil {
			return
		}
	}
}

func (c *farConn) Close() error {
	select {
	case c.parts <- part{}:
	default:
	}
	return c.Conn.Close()
}

// With no option set, a download takes several channels where it is far and
// large, and one where it is near or small. Each further channel opens the file
// once more.
func TestDownloadChoosesItsChannels(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rtt      time.Duration
		size     int
		channels int
		most, at int
	}{
		"far and large":        {100 * time.Millisecond, 24 << 20, 0, 8, 3},
		"far and small":        {100 * time.Millisecond, 1 << 20, 0, 1, 1},
		"near and large":       {0, 24 << 20, 0, 1, 1},
		"far, told to use one": {100 * time.Millisecond, 24 << 20, 1, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := content(tt.size)
			local := filepath.Join(t.TempDir(), "r.csv")
			synctest.Test(t, func(t *testing.T) {
				srv, err := sftptest.NewServer(sftptest.Config{InMemory: true})
				require.NoError(t, err)
				defer srv.Close()
				srv.WriteFile("/downloads/r.csv", data)
				c := dialMemory(t, srv, func(cfg *sftp.Config) { far(cfg, tt.rtt) })
				_, err = c.Download(t.Context(), "r.csv", local, sftp.DownloadOptions{Channels: tt.channels})
				require.NoError(t, err)
				opens := 0
				for _, r := range srv.Requests(sftptest.OpOpen) {
					if r.Path == "/downloads/r.csv" {
						opens++
					}
				}
				assert.GreaterOrEqual(t, opens, tt.at)
				assert.LessOrEqual(t, opens, tt.most)
				assert.Len(t, srv.Logins(), 1, "no more connections than one")
				require.NoError(t, c.Shutdown(t.Context()))
			})
			got, err := os.ReadFile(local)
			require.NoError(t, err)
			same(t, data, got)
		})
	}
}

// pattern is a source of any size that costs no disk and is counted.
type pattern struct {
	left int64
	read *atomic.Int64
}

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.left))
	clear(b[:n])
	p.left -= int64(n)
	p.read.Add(int64(n))
	return n, nil
}

// A ledgered upload reads its file twice: once to claim it by its content, once
// to send it. CCR_LONG: 1 GiB.
func TestLargeLedgeredUploadReadsTheFileTwice(t *testing.T) {
	t.Parallel()
	size := int64(48 << 20)
	if os.Getenv("CCR_LONG") != "" {
		size = 1 << 30
	}
	b := startOpenSSH(t)
	var opens, read atomic.Int64
	file := ccr.NewFile("large.csv", size, func() (io.ReadCloser, error) {
		opens.Add(1)
		return io.NopCloser(&pattern{size, &read}), nil
	})
	up, err := b.client(t).Upload(t.Context(), file, sftp.UploadOptions{Ledger: ccr.NewMemoryLedger()})
	require.NoError(t, err)
	assert.Equal(t, size, up.Size)
	assert.EqualValues(t, 2, opens.Load())
	assert.Equal(t, 2*size, read.Load())
	st, err := os.Stat(filepath.Join(b.folders, "uploads", "large.csv"))
	require.NoError(t, err)
	assert.Equal(t, size, st.Size())
}

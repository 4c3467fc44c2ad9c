package gateway_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// bureau starts a server, in memory unless told otherwise, and a client of it.
func bureau(t testing.TB, opts ...ccr.Option) (*gatewaytest.Server, *gateway.Client) {
	t.Helper()
	return bureauOf(t, gatewaytest.Config{InMemory: true}, opts...)
}

func bureauOf(t testing.TB, cfg gatewaytest.Config, opts ...ccr.Option) (*gatewaytest.Server, *gateway.Client) {
	t.Helper()
	srv, err := gatewaytest.NewServer(cfg)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	c, err := srv.Client(append([]ccr.Option{ccr.WithRetry(ccr.RetryPolicy{BaseDelay: 1, MaxDelay: 1})}, opts...)...)
	require.NoError(t, err)
	return srv, c
}

// randomBytes are bytes whose base64 holds every character; they never look
// like XML.
func randomBytes(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	require.NoError(t, err)
	b[0] = 'x'
	return b
}

// report is a small XML report.
func report(n int) []byte {
	return fmt.Appendf(nil, "<?xml version = '1.0' encoding = 'UTF-8'?>\r\n<BACSDocument><Data n=\"%d\"/></BACSDocument>\r\n", n)
}

func TestWholeFlow(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]gatewaytest.Config{
		"memory":   {InMemory: true},
		"loopback": {},
		"HTTP/2":   {HTTP2: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, c := bureauOf(t, cfg)
			ctx := t.Context()
			big := randomBytes(t, 300_001)
			result, err := c.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{
				ccr.FileFromBytes("COLLECTIONS_20261121.csv", big),
				ccr.FileFromBytes("second (1) [a].csv", []byte("x")),
			}})
			require.NoError(t, err)
			require.Len(t, result.Files, 2)
			assert.Equal(t, gateway.Accepted, result.Files[0].State)
			assert.Equal(t, int64(300_001), result.Files[0].Size)
			got, ok := srv.Uploaded("COLLECTIONS_20261121.csv")
			require.True(t, ok)
			assert.True(t, bytes.Equal(big, got))

			n, err := c.CountReports(ctx)
			require.NoError(t, err)
			assert.Zero(t, n)
			empty, err := c.ListReports(ctx)
			require.NoError(t, err)
			assert.Empty(t, empty)
			none, err := c.Download(ctx, ccr.DirSink(t.TempDir()))
			require.NoError(t, err)
			assert.Empty(t, none.Files)
			assert.Equal(t, "No reports were available", none.Rows[0].Message)

			srv.AddReport("123456-21112026-2013-1.xml", report(1))
			srv.AddReport("with space.bin", big)
			names, err := c.ListReports(ctx)
			require.NoError(t, err)
			assert.Equal(t, []string{"123456-21112026-2013-1.xml", "with space.bin"}, names)

			for _, peek := range []func() (*gateway.Reports, error){
				func() (*gateway.Reports, error) { return c.Test(ctx, ccr.DirSink(t.TempDir())) },
				func() (*gateway.Reports, error) { return c.TestByName(ctx, ccr.DirSink(t.TempDir()), names) },
			} {
				seen, err := peek()
				require.NoError(t, err)
				require.Len(t, seen.Files, 2)
				b, err := os.ReadFile(seen.Files[1].Location)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(big, b))
				assert.Len(t, srv.Waiting(), 2)
			}

			dir := t.TempDir()
			received, err := c.Receive(ctx, ccr.DirSink(dir), gateway.ReceiveOptions{Concurrency: 2})
			require.NoError(t, err)
			require.Len(t, received, 2)
			assert.Equal(t, ccr.Delivered, received[0].State)
			b, err := os.ReadFile(filepath.Join(dir, "with space.bin"))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(big, b))
			assert.Empty(t, srv.Waiting())
			assert.Len(t, srv.Archived(), 2)

			srv.AddReport("a.xml", report(2))
			srv.AddReport("b.xml", report(3))
			got2, err := c.DownloadByName(ctx, ccr.DirSink(dir), []string{"b.xml"})
			require.NoError(t, err)
			assert.Len(t, got2.Files, 1)
			assert.Equal(t, []string{"a.xml"}, srv.Waiting())
			got3, err := c.Download(ctx, ccr.DirSink(dir))
			require.NoError(t, err)
			assert.Len(t, got3.Files, 1)
			assert.Empty(t, srv.Waiting())

			srv.AddReport("c.xml", report(4))
			archived, err := c.ArchiveByName(ctx, []string{"c.xml"})
			require.NoError(t, err)
			assert.Equal(t, "Archived", archived.Rows[0].Message)
		})
	}
}

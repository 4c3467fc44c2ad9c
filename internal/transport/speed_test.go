package transport

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
)

// TestLeastSpeed: a body that only just moves does not keep a call for ever, in
// either direction; a slow line, a vendor that thinks and a slow consumer pass.
func TestLeastSpeed(t *testing.T) {
	t.Parallel()
	drip := func(x *exchange, total, chunk int, every time.Duration) {
		x.write("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(total) + "\r\n\r\n")
		for sent := 0; sent < total; sent += chunk {
			time.Sleep(every)
			x.write(strings.Repeat("x", chunk))
		}
	}
	tests := map[string]struct {
		serve  func(x *exchange)
		size   int           // of the request's body
		pause  time.Duration // of the consumer, once
		slow   bool
		within time.Duration
	}{
		"1 B/s":           {serve: func(x *exchange) { x.readBody(); drip(x, 100_000, 1, time.Second) }, slow: true, within: 61 * time.Second},
		"1 B in 50 s":     {serve: func(x *exchange) { x.readBody(); drip(x, 100_000, 1, 50*time.Second) }, slow: true, within: 101 * time.Second},
		"2 KiB/s":         {serve: func(x *exchange) { x.readBody(); drip(x, 512<<10, 2<<10, time.Second) }, within: 5 * time.Minute},
		"vendor thinks":   {serve: func(x *exchange) { x.readBody(); time.Sleep(55 * time.Second); x.answer(200, "", "{}") }, within: time.Minute},
		"consumer sleeps": {serve: func(x *exchange) { x.readBody(); drip(x, 64<<10, 4<<10, time.Second) }, pause: 10 * time.Minute, within: 12 * time.Minute},
		// What buffers on the way hold is unseen, and must be gone in time.
		"taken at 24 KiB/s": {serve: func(x *exchange) {
			for p := make([]byte, 24<<10); ; time.Sleep(time.Second) {
				if _, err := io.ReadFull(x.req.Body, p); err != nil {
					break
				}
			}
			x.answer(200, "", "{}")
		}, size: 4*memnet.BufferSize + 512<<10, within: time.Hour},
		"taken at 1 B/s": {serve: func(x *exchange) {
			for p := make([]byte, 1); ; time.Sleep(time.Second) {
				if _, err := io.ReadFull(x.req.Body, p); err != nil {
					break
				}
			}
		}, size: 4*memnet.BufferSize + 512<<10, slow: true, within: 3 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) { tt.serve(x) }
				req := w.request(routePut)
				if tt.size > 0 {
					req.Body = w.body(make([]byte, tt.size))
				}
				req.Stream = func(_ *Response, r io.Reader) error {
					if _, err := r.Read(make([]byte, 1)); err != nil {
						return err
					}
					time.Sleep(tt.pause)
					_, err := io.Copy(io.Discard, r)
					return err
				}
				start := time.Now()
				_, err := w.client(Config{}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1})).Do(t.Context(), req)
				assert.LessOrEqual(t, time.Since(start), tt.within)
				if !tt.slow {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, ccr.ErrUnavailable)
			})
		})
	}
}

// TestStreamBounds: where a success is streamed, nothing is unpacked on the
// way, and white space ends.
func TestStreamBounds(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	tests := map[string]struct {
		header, body string
		want         error
	}{
		"gzip":        {"Content-Encoding: gzip\r\n", bomb.String(), errCompressed},
		"white space": {"", strings.Repeat(" \n", 4<<20), errBlank},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) {
					x.readBody()
					assert.Equal(t, "identity", x.req.Header.Get("Accept-Encoding"))
					x.answer(200, tt.header, tt.body)
				}
				req, n := w.request(routePut), int64(0)
				req.Stream = func(_ *Response, r io.Reader) (err error) {
					n, err = io.Copy(io.Discard, r)
					return err
				}
				e := failed(t, w.client(Config{}), req)
				require.ErrorIs(t, e, ccr.ErrContract)
				assert.True(t, errors.Is(e, tt.want) || strings.Contains(e.Error(), tt.want.Error()), e.Error())
				assert.Less(t, n, int64(2<<20))
				assert.Equal(t, 1, e.Attempts)
			})
		})
	}
}

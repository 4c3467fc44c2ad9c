package webhook

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// readBody reads a body within its size and time, whatever the server allows:
// 0, or the status of a refusal. gzip is unpacked, to limit bytes at most, and
// a byte order mark is dropped.
//
// The time is bounded by the connection's read deadline, which needs a
// ResponseWriter of net/http, or one that unwraps to it.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, timeout time.Duration) (body []byte, status int) {
	c := http.NewResponseController(w)
	if c.SetReadDeadline(time.Now().Add(timeout)) == nil {
		defer func() {
			// After a refusal it stays, since the server reads what is left of
			// a body; for the next request the server sets its own.
			if status == 0 {
				c.SetReadDeadline(time.Time{}) //nolint:errcheck // it was set a moment ago
			}
		}()
	}
	var from io.Reader = http.MaxBytesReader(w, r.Body, limit)
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(from)
		if err != nil {
			return nil, refusedBody(err)
		}
		from = unpacked
	default:
		return nil, http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, refusedBody(err)
	}
	if int64(len(body)) > limit {
		return nil, http.StatusRequestEntityTooLarge
	}
	return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), 0
}

func refusedBody(err error) int {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

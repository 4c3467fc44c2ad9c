package transport

import (
	"bytes"
	"io"
	"sync/atomic"
)

// Body is a request body of known length that can be opened for each attempt.
// The zero Body is none.
type Body struct {
	ContentType string
	Length      int64
	Open        func() (io.ReadCloser, error)
}

// BytesBody sends bytes held in memory.
func BytesBody(contentType string, b []byte) Body {
	return Body{contentType, int64(len(b)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// sentBody tells the attempt how much of the body the transport has taken,
// and keeps an error of the source apart from one of the connection.
type sentBody struct {
	r      io.ReadCloser
	a      *attempt
	closed atomic.Bool // by the transport, which has given up: what Read says then is not the source's fault
}

func (s *sentBody) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.a.bodySent.Add(int64(n))
	s.a.progress()
	if err != nil && err != io.EOF && !s.closed.Load() { //nolint:errorlint // io.Reader contract: io.EOF itself
		s.a.bodyErr.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (s *sentBody) Close() error {
	s.closed.Store(true)
	return s.r.Close()
}

// probe answers retryablehttp's question for a body's length without opening
// the source: the length is set on the request.
type probe struct{}

func (probe) Read([]byte) (int, error) { return 0, io.EOF }

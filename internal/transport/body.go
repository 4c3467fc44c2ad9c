package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Body is a request body of known length that can be opened for each attempt.
// The zero Body is none. A source that turns out shorter or longer than Length
// fails the call with [ccr.ErrFileChanged], before its last byte is sent.
type Body struct {
	ContentType string
	Length      int64
	Open        func() (io.ReadCloser, error)
	Content     []byte // what of it is in memory: an id or code that repeats it is not shown
}

// BytesBody sends bytes held in memory.
func BytesBody(contentType string, b []byte) Body {
	return Body{contentType, int64(len(b)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}, b}
}

// openBody opens the source for an attempt; the engine asks once before the
// first attempt for a length that we set ourselves.
func (k *call) openBody() (io.Reader, error) {
	if !k.probed {
		k.probed = true
		return probe{}, nil
	}
	return k.req.Body.open()
}

// open opens the source for one pass.
func (b Body) open() (io.ReadCloser, error) {
	r, err := b.Open()
	if err == nil && r == nil {
		err = errors.New("the source opened to nothing")
	}
	if err != nil {
		return nil, &sourceError{err}
	}
	return r, nil
}

// probe answers retryablehttp's question for a body's length without opening
// the source: the length is set on the request.
type probe struct{}

func (probe) Read([]byte) (int, error) { return 0, io.EOF }

// sentBody is one pass over a request's body. It counts what the transport
// takes, holds the source to its length, and keeps an error of the source
// apart from one of the connection.
type sentBody struct {
	r      io.ReadCloser
	a      *attempt
	length int64
	err    error // only Read uses these two, and it is not called concurrently
	empty  int   // reads in a row that gave nothing
	speed  meter // of the network: between two reads
	last   int   // bytes of the last read
	left   time.Time
	taken  atomic.Int64
	closed atomic.Bool // by the transport, which has given up: what Read says then is not the source's fault
}

func newSentBody(a *attempt, r io.ReadCloser) *sentBody {
	s := &sentBody{r: r, a: a, length: a.k.req.Body.Length}
	a.sent.Store(s)
	return s
}

// maxEmpty is how many reads in a row may give nothing, as in bufio.
const maxEmpty = 100

// Read hands the last bytes out only once the source has ended there and the
// check of [WithBefore] has passed once more: a request that is whole is one
// that was meant.
func (s *sentBody) Read(p []byte) (int, error) {
	if !s.left.IsZero() && s.speed.tooSlow(time.Since(s.left), s.last, s.a.timeout) {
		s.a.cancel(errSlow)
		s.err = errSlow
		return 0, errSlow
	}
	n, err := s.read(p)
	s.last, s.left = n, time.Now()
	return n, err
}

func (s *sentBody) read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	taken := s.taken.Load()
	left := s.length - taken
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := 0, error(nil)
	switch {
	case s.closed.Load():
		return 0, os.ErrClosed
	case len(p) > 0:
		n, err = s.r.Read(p)
	case left > 0:
		return 0, nil
	}
	if s.empty++; n > 0 {
		s.empty = 0
	}
	last := int64(n) == left
	if err == nil && s.empty == maxEmpty {
		err = io.ErrNoProgress
	}
	if err == nil && last {
		err = s.end()
	}
	if last && n > 0 && (err == nil || err == io.EOF) { //nolint:errorlint // io.Reader contract: io.EOF itself
		// Connecting may have taken long, or the process may have been stopped.
		if stopped := s.a.before(); stopped != nil {
			err = stopped
		}
	}
	switch {
	case err == io.EOF && !last: //nolint:errorlint // io.Reader contract: io.EOF itself
		err = fmt.Errorf("%w: it became shorter", ccr.ErrFileChanged)
	case err == nil || err == io.EOF: //nolint:errorlint // as above
		s.taken.Add(int64(n))
		s.a.progress()
		s.err = err
		return n, err
	}
	s.err = err
	if !s.closed.Load() {
		s.a.bodyErr.CompareAndSwap(nil, &err)
	}
	if last {
		return 0, err
	}
	s.taken.Add(int64(n))
	return n, err
}

// end reads on where the source must end.
func (s *sentBody) end() error {
	var one [1]byte
	for range maxEmpty {
		n, err := s.r.Read(one[:])
		if n > 0 {
			return fmt.Errorf("%w: it became longer", ccr.ErrFileChanged)
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// Close closes the source once. Its error would fail a request that was sent
// whole, for a source that has nothing more to say.
func (s *sentBody) Close() error {
	if s.closed.CompareAndSwap(false, true) {
		s.r.Close() //nolint:errcheck // see above
	}
	return nil
}

package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr/internal/safetext"
)

// handle reads a final answer: a success into the call's resp, anything else
// into its err. It returns the error of a read that broke off, for the policy.
func handle(resp *http.Response) error {
	defer resp.Body.Close()
	body, ok := resp.Body.(*answerBody)
	if !ok {
		return errLostContext // net/http's client wraps a body only for a Timeout, which ours has not
	}
	k := body.a.k
	if resp.StatusCode/100 != 2 {
		k.cur.within(k.cur.timeout)                                       // a status is known; its body is not worth more
		raw, _ := readCapped(resp.Body, resp.ContentLength, MaxErrorBody) // what came of it will do
		k.err = k.refusal(resp, raw)
		k.capture(resp.StatusCode, resp.Header, raw, k.cur.requestID)
		k.log(k.err)
		return k.err
	}
	out := &Response{
		StatusCode: resp.StatusCode, Header: resp.Header, url: k.url,
		RequestID: k.cur.requestID, Attempts: k.attempts, EarlierUnknown: k.earlierUnknown, shown: k.shown,
	}
	if resp.Request != nil && resp.Request.URL != nil { // a transport of the caller's may not say
		out.url = *resp.Request.URL // the last one, if redirects were followed
	}
	out.URL = &out.url
	if k.echoesCredential(strings.ToLower(resp.Header.Get("Location"))) {
		out.Header = resp.Header.Clone()
		out.Header.Del("Location") // it would be kept in receipts
	}
	if wait, ok := retryAfter(resp.Header, time.Now()); ok {
		out.RetryAfter = min(wait, k.policy().MaxRetryAfter)
	}
	k.capture(resp.StatusCode, resp.Header, nil, k.cur.requestID)
	if err := k.read(resp, out); err != nil {
		return err
	}
	k.capture(resp.StatusCode, resp.Header, out.Body, k.cur.requestID)
	k.log(nil)
	k.resp = out
	return nil
}

// read reads the body of a success.
func (k *call) read(resp *http.Response, out *Response) error {
	if k.req.Stream == nil {
		limit := k.req.MaxBody
		if limit == 0 {
			limit = MaxBody
		}
		body, err := readCapped(resp.Body, resp.ContentLength, limit)
		if errors.Is(err, errTooLarge) {
			return &handlerError{fmt.Errorf("%w (%d bytes)", err, limit)}
		}
		out.Body = body
		return err
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return &handlerError{errCompressed}
	}
	t := &trackedReader{r: resp.Body}
	if err := k.req.Stream(out, t); err != nil {
		if t.err != nil && !errors.Is(t.err, errBlank) {
			return t.err
		}
		return &handlerError{err}
	}
	// A reader that stopped at the end of its JSON left the end of the body,
	// which must be read for the connection to be used again.
	k.cur.within(drainTime)
	io.CopyN(io.Discard, resp.Body, 4<<10) //nolint:errcheck // as above
	return nil
}

var (
	errTooLarge   = errors.New("the answer is larger than allowed")
	errCompressed = errors.New("the answer is compressed, which was not asked for")
	errBlank      = errors.New("the answer is nothing but white space")
)

// maxBlank is how much white space a streamed answer may have in a row.
const maxBlank = 1 << 20

// readCapped reads all, in one allocation where the length is known. What it
// could read comes with an error.
func readCapped(r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		b, err := io.ReadAll(io.LimitReader(r, limit))
		return b, errors.Join(errTooLarge, err)
	}
	if length < 0 {
		b, err := io.ReadAll(io.LimitReader(r, limit+1))
		if int64(len(b)) > limit {
			return b[:limit], errTooLarge
		}
		return b, err
	}
	// One byte more, since the end must be read for the connection to be used
	// again.
	b := make([]byte, length+1)
	n, err := io.ReadFull(r, b)
	switch {
	case err == nil: // a transport of the caller's that sets no length
		rest, err := readCapped(r, -1, limit-int64(n))
		return append(b, rest...), err
	case errors.Is(err, io.EOF), int64(n) == length && errors.Is(err, io.ErrUnexpectedEOF):
		return b[:n], nil // a clean end, at zero or where it should be
	}
	return b[:n], err
}

// trackedReader tells a read error from an error of who reads, and ends white
// space without end.
type trackedReader struct {
	r     io.Reader
	err   error
	blank int // bytes of white space in a row, in whole reads
}

func (t *trackedReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if t.blank += n; len(bytes.TrimLeft(p[:n], " \t\r\n")) > 0 {
		t.blank = 0
	}
	if err == nil && t.blank > maxBlank {
		err = errBlank
	}
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader contract
		t.err = err
	}
	return n, err
}

// requestID finds the vendor's id of a request under its usual names.
func requestID(resp *http.Response) string {
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Amzn-Requestid", "X-Azure-Ref", "Cf-Ray"} {
		if v := resp.Header[name]; len(v) > 0 {
			return safetext.Token(v[0])
		}
	}
	return ""
}

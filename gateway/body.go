package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// member is one member of a request body; the order is that of the API page.
type member struct {
	name  string
	value any
}

// head writes the beginning of a request, up to and without the brace that
// ends it.
func head(members []member) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, m := range members {
		b.WriteByte("{,"[min(i, 1)])
		for j, v := range []any{m.name, m.value} {
			if err := enc.Encode(v); err != nil {
				return nil, err
			}
			b.Truncate(b.Len() - 1) // the line end that Encode writes
			if j == 0 {
				b.WriteByte(':')
			}
		}
	}
	return b.Bytes(), nil
}

// smallBody is the body of every action but upload.
func (c *Client) smallBody(ctx context.Context, r request) (transport.Body, error) {
	key, secret, err := c.login(ctx, r.route)
	if err != nil {
		return transport.Body{}, err
	}
	m := []member{{"apikey", key}, {"secret", secret}, {"action", action(r.route)}}
	if !r.plain {
		m = append(m, member{"resultsformat", "JSON"})
	}
	if r.names != nil {
		m = append(m, member{"names", r.names})
	}
	b, err := head(m)
	if err != nil {
		return transport.Body{}, err
	}
	return transport.BytesBody(transport.JSON, append(b, '}')), nil
}

// outgoing is one file of an upload.
type outgoing struct {
	file   ccr.File
	size   int64  // when the upload was planned
	sha256 string // hex; what is sent must have it; empty: any content
	intro  []byte // what stands before its data
}

// uploadBody streams files as base64 inside a JSON object. Its length is known
// from the sizes alone; nothing of a file is held but one buffer.
func uploadBody(begin []byte, files []*outgoing, report func(file int, done int64)) transport.Body {
	length := int64(len(begin)) + int64(len(tail))
	for _, f := range files {
		length += int64(len(f.intro)) + int64(len(outro)) + encodedLen(f.size)
	}
	return transport.Body{ContentType: transport.JSON, Length: length, Open: func() (io.ReadCloser, error) {
		return newReadAhead(&uploadReader{files: files, text: begin, report: report}), nil
	}, Content: begin}
}

const (
	outro = `"}`
	tail  = `]}`
)

// intro is what stands before the data of a file.
func intro(first bool, name string) ([]byte, error) {
	b, err := head([]member{{"name", name}})
	if err != nil {
		return nil, err
	}
	sep := ","
	if first {
		sep = `,"files":[`
	}
	return fmt.Appendf(nil, `%s%s,"data":"`, sep, b), nil
}

// encodedLen is the length of base64; int64 also where int has 32 bits.
func encodedLen(size int64) int64 { return (size + 2) / 3 * 4 }

// uploadReader is one pass over the body. An error of a file ends it before
// the JSON is complete, so that the vendor never gets a whole request with
// wrong content.
type uploadReader struct {
	files  []*outgoing
	report func(file int, done int64)

	next int    // index of the file after cur
	text []byte // JSON to deliver first
	tail bool   // the end of the JSON was delivered or is in text
	cur  *ccr.FileReader
	hash hash.Hash
	done int64 // bytes of cur
	raw  []byte
	rest [4]byte // the last four characters where the caller's buffer was smaller
	err  error
}

// Read implements io.Reader.
func (u *uploadReader) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case len(u.text) > 0:
			n := copy(p, u.text)
			u.text = u.text[n:]
			return n, nil
		case u.cur != nil:
			n, err := u.encode(p)
			if err != nil {
				u.err = err
				return n, err
			}
			if n > 0 {
				return n, nil
			}
		case u.next < len(u.files):
			if u.err = u.open(); u.err != nil {
				return 0, u.err
			}
		case !u.tail:
			u.tail, u.text = true, []byte(tail)
		default:
			return 0, io.EOF
		}
	}
}

// open begins the next file.
func (u *uploadReader) open() error {
	f := u.files[u.next]
	r, err := f.file.Open()
	if err != nil {
		return fmt.Errorf("files[%d]: %w", u.next, err)
	}
	if r.Size() != f.size {
		return errors.Join(fmt.Errorf("files[%d]: %w: its size differs", u.next, ccr.ErrFileChanged), r.Close())
	}
	u.cur, u.done, u.text = r, 0, f.intro
	if f.sha256 != "" {
		u.hash = sha256.New()
	}
	u.next++
	return nil
}

// encode delivers more of the current file's base64 straight into p, or ends
// the file and delivers nothing.
func (u *uploadReader) encode(p []byte) (int, error) {
	small := len(p) < 4
	if small {
		p = u.rest[:]
	}
	want := len(p) / 4 * 3
	if len(u.raw) < want {
		u.raw = make([]byte, want)
	}
	n, err := io.ReadFull(u.cur, u.raw[:want])
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if n == 0 {
			return 0, u.endFile()
		}
	case err != nil:
		return 0, fmt.Errorf("files[%d]: %w", u.next-1, err)
	}
	if u.hash != nil {
		u.hash.Write(u.raw[:n])
	}
	u.done += int64(n)
	if u.report != nil {
		u.report(u.next-1, u.done)
	}
	base64.StdEncoding.Encode(p, u.raw[:n])
	out := base64.StdEncoding.EncodedLen(n)
	if small {
		u.text = u.rest[:out]
		return 0, nil
	}
	return out, nil
}

// endFile makes sure that what was sent is what was meant.
func (u *uploadReader) endFile() error {
	f := u.files[u.next-1]
	if u.hash != nil && hex.EncodeToString(u.hash.Sum(nil)) != f.sha256 {
		return fmt.Errorf("files[%d]: %w: its content differs", u.next-1, ccr.ErrFileChanged)
	}
	err := u.cur.Close()
	u.cur, u.hash, u.text = nil, nil, []byte(outro)
	if err != nil {
		return fmt.Errorf("files[%d]: %w", u.next-1, err)
	}
	return nil
}

// Close implements io.Closer.
func (u *uploadReader) Close() error {
	if u.cur == nil {
		return nil
	}
	err := u.cur.Close()
	u.cur = nil
	return err
}

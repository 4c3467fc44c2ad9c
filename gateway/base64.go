package gateway

import (
	"bytes"
	"encoding/base64"
	"io"
)

// strict refuses what encoding/base64 lets pass at the end of a text: bits
// that no encoder sets.
var strict = base64.StdEncoding.Strict()

var errBase64 = incomplete("its data is not strict base64")

// base64Writer decodes standard base64, padded and without line breaks (as
// the bureau's samples have it), into a writer.
type base64Writer struct {
	w      io.Writer
	in     []byte
	n      int // of in
	out    []byte
	padded bool // the padding was seen: nothing may follow
	size   int64
}

func newBase64Writer() *base64Writer {
	return &base64Writer{in: make([]byte, 128<<10), out: make([]byte, 96<<10)}
}

// reset begins another text.
func (d *base64Writer) reset(w io.Writer) { d.w, d.n, d.padded, d.size = w, 0, false, 0 }

// room is where the next text goes; never less than four bytes.
func (d *base64Writer) room() []byte { return d.in[d.n:] }

// wrote takes note of text in room and decodes what is complete.
func (d *base64Writer) wrote(n int) error {
	d.n += n
	if len(d.in)-d.n >= 64 { // wait for more, but leave room
		return nil
	}
	return d.flush()
}

func (d *base64Writer) flush() error {
	whole := d.n &^ 3
	if whole == 0 {
		return nil
	}
	text := d.in[:whole]
	// encoding/base64 skips line breaks; here they mean that the text is not
	// what the bureau wrote.
	if d.padded || bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
		return errBase64
	}
	n, err := strict.Decode(d.out, text)
	if err != nil {
		return errBase64
	}
	d.padded = n < whole/4*3
	d.n = copy(d.in, d.in[whole:d.n])
	d.size += int64(n)
	_, err = d.w.Write(d.out[:n])
	return err
}

// close decodes the rest.
func (d *base64Writer) close() error {
	if err := d.flush(); err != nil {
		return err
	}
	if d.n != 0 {
		return errBase64
	}
	return nil
}

package files

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
)

// records reads delimited records. A line without a quote is split here, which
// takes a third of the time; every other record is encoding/csv's, on the same
// buffer, of which it takes no more than the record's lines. A fuzz test
// compares the two.
type records struct {
	text  *bufio.Reader
	csv   *csv.Reader
	comma rune
	cells []string
	line  int // lines that are behind the reader
	read  int // of these, those that csv read
}

// csvBuffer is the least buffer that csv.NewReader takes over instead of
// putting one of its own in front.
const csvBuffer = 4096

func newRecords(text *bufio.Reader, comma rune) *records {
	if text.Size() < csvBuffer {
		text = bufio.NewReaderSize(text, sniffed)
	}
	r := &records{text: text, csv: csv.NewReader(text), comma: comma}
	r.csv.Comma = comma
	r.csv.ReuseRecord = true
	r.csv.FieldsPerRecord = -1
	return r
}

// next returns the next record, the line where it begins, and its text if
// that is what the cells were cut from. The cells are good until the next call.
func (r *records) next() (cells []string, line int, text string, err error) {
	for {
		b, ok := r.plainLine()
		if !ok {
			cells, line, err = r.quoted()
			return cells, line, "", err
		}
		text = string(bytes.TrimSuffix(b[:len(b)-1], []byte{'\r'}))
		r.text.Discard(len(b)) //nolint:errcheck // just peeked
		r.line++
		if text != "" {
			break
		}
	}
	r.cells = r.cells[:0]
	rest := text
	for {
		i := strings.IndexByte(rest, byte(r.comma))
		if i < 0 {
			break
		}
		r.cells = append(r.cells, rest[:i])
		rest = rest[i+1:]
	}
	r.cells = append(r.cells, rest)
	return r.cells, r.line, text, nil
}

// plainLine peeks at the next line with its end; false if it is not one that
// is just split.
func (r *records) plainLine() ([]byte, bool) {
	for n := max(r.text.Buffered(), 1); r.comma < 0x80; {
		b, err := r.text.Peek(n)
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return b[:i+1], bytes.IndexByte(b[:i], '"') < 0
		}
		if err != nil || n == r.text.Size() { // the last line, or a long one
			break
		}
		n = max(n+1, r.text.Buffered())
	}
	return nil, false
}

// quoted reads a record by encoding/csv, which counts the lines that it reads.
func (r *records) quoted() ([]string, int, error) {
	cells, err := r.csv.Read()
	before := r.line - r.read
	if err != nil {
		if p, ok := errors.AsType[*csv.ParseError](err); ok {
			p.StartLine += before
			p.Line += before
			return nil, p.StartLine, p
		}
		return nil, 0, err
	}
	line, _ := r.csv.FieldPos(0)
	last, _ := r.csv.FieldPos(len(cells) - 1)
	r.read = last + strings.Count(cells[len(cells)-1], "\n")
	r.line = before + r.read
	return cells, before + line, nil
}

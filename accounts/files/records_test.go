package files

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzRecordsEqualEncodingCSV compares records, lines and the place of an
// error with encoding/csv, also where a line is longer than the buffer.
func FuzzRecordsEqualEncodingCSV(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "a,b\r\n1,\"2\n3\"\r\n\r\n\n4,5", "\"a\",b\nc,\"d\ne\nf\"\ng,h\n", "a\r\n\"b", "a,b\"c\n", "\r\na\r\r\nb\r", ";\n;;\n", "a,\"b\"c\nd\n",
		"é,ü\n\xff,x\n", "\"\n\n\",x\ny\n", string(bytes.Repeat([]byte("long,"), 2000)) + "\nx,\"y\"\nz\n",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, semicolon bool) {
		comma := ','
		if semicolon {
			comma = ';'
		}
		want := csv.NewReader(bytes.NewReader(data))
		want.Comma, want.FieldsPerRecord = comma, -1
		// One byte at a time, so that every way of filling the buffer is met.
		got := newRecords(bufio.NewReaderSize(&oneByte{data}, csvBuffer), comma)
		for {
			cells, err := want.Read()
			ours, line, text, gotErr := got.next()
			if err != nil {
				require.Error(t, gotErr)
				p, isParse := errors.AsType[*csv.ParseError](err)
				q, isParse2 := errors.AsType[*csv.ParseError](gotErr)
				require.Equal(t, isParse, isParse2, "%v, %v", err, gotErr)
				if isParse {
					assert.Equal(t, *p, *q)
				}
				return
			}
			require.NoError(t, gotErr)
			assert.Equal(t, cells, slices.Clone(ours))
			wantLine, _ := want.FieldPos(0)
			assert.Equal(t, wantLine, line)
			assert.NotContains(t, text, "\n")
		}
	})
}

type oneByte struct{ b []byte }

func (r *oneByte) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:1], r.b)
	r.b = r.b[n:]
	return n, nil
}

// FuzzSniffing: what is found of any bytes can be read, and text that is taken
// for one encoding is not garbled: UTF-8 comes through as it is.
func FuzzSniffing(f *testing.F) {
	for _, s := range []string{"", "a,b\n", "\xef\xbb\xbfa;b\n", "\xff\xfea\x00", "\xfe\xff\x00a", "a\x00,\x00\n\x00", "\x00a\x00,", "caf\xe9;1\n", "caf\xc3\xa9|1\n", "\x81\x8d", "PK\x03\x04", "\"a;b\",c\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, e, err := decodeText(bytes.NewReader(data), "")
		if err != nil {
			return
		}
		assert.Contains(t, delimiters, string(sniffComma(text)))
		got, err := io.ReadAll(text)
		require.NoError(t, err)
		if e == UTF8 {
			assert.Equal(t, string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))), string(got))
		}
		if e == Windows1252 {
			assert.Len(t, []rune(string(got)), len(data), "a character for each byte")
		}
	})
}

package gateway

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// decode feeds text in pieces of a size.
func decode(text string, piece int) ([]byte, error) {
	var out bytes.Buffer
	d := newBase64Writer()
	d.reset(&out)
	for len(text) > 0 {
		n := copy(d.room()[:min(piece, len(d.room()))], text)
		text = text[n:]
		if err := d.wrote(n); err != nil {
			return nil, err
		}
	}
	err := d.close()
	return out.Bytes(), err
}

func TestBase64OfEverySize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 2, 3, 4, 1000, 96<<10 - 1, 96 << 10, 96<<10 + 1, 300_001} {
		want := make([]byte, size)
		rand.Read(want) //nolint:errcheck // never fails
		for _, piece := range []int{1, 7, 64 << 10, 1 << 20} {
			if piece == 1 && size > 1000 {
				continue
			}
			got, err := decode(base64.StdEncoding.EncodeToString(want), piece)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got), "size %d in pieces of %d", size, piece)
		}
	}
}

func TestBase64IsStrict(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("AAAA", 40<<10)
	for name, text := range map[string]string{
		"no padding":                     "QQ",
		"half padding":                   "QQ=",
		"padding in the middle":          "QQ==QQ==",
		"padding in the middle, far":     "QQ==" + long,
		"padding at a buffer's end":      long[:(128<<10)-4] + "QQ==" + "QQ==",
		"line break":                     "QUFB\nQUFB",
		"carriage return":                "QUFB\r\nQUFB",
		"line break at the end":          "QUFB\n",
		"space":                          "QUFB QUFB",
		"URL alphabet":                   "-_-_",
		"other character":                "QU!B",
		"bits that no encoder sets":      "QR==",
		"bits that no encoder sets, two": "QUF=",
		"padding only":                   "====",
		"far behind":                     long + "*AAA",
		"not a multiple of four":         long + "A",
	} {
		for _, piece := range []int{1, 3, 4, 1 << 20} {
			if piece < 1<<20 && len(text) > 1000 {
				continue
			}
			_, err := decode(text, piece)
			assert.ErrorIs(t, err, ccr.ErrIncomplete, "%s in pieces of %d", name, piece)
		}
	}
}

func TestBase64PassesTheWritersError(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	d := newBase64Writer()
	d.reset(failing{full})
	n := copy(d.room(), "QUFB")
	require.NoError(t, d.wrote(n))
	assert.ErrorIs(t, d.close(), full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

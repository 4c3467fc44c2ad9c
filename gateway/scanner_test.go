package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// phpText has every kind of escape that PHP writes, and those it does not.
const phpText = `a\/b\u00e9\ud83d\ude00\u20AC\"\\\b\f\n\r\t\u0000 lone \ud83d end \ude00\ud83dx é😀`

func decodeText(t *testing.T, src io.Reader, buffer, room int) (string, error) {
	t.Helper()
	s := newScanner(src, buffer)
	require.NoError(t, s.expect('"'))
	var out []byte
	for {
		dst := make([]byte, room)
		n, ended, err := s.text(dst, true)
		out = append(out, dst[:n]...)
		if ended || err != nil {
			return string(out), err
		}
	}
}

func TestTextAtEveryBoundary(t *testing.T) {
	t.Parallel()
	whole := `"` + phpText + `"`
	var want string
	require.NoError(t, json.Unmarshal([]byte(whole), &want))
	for buffer := 12; buffer < 2*len(whole); buffer++ {
		for _, room := range []int{4, 5, 7, 64} {
			got, err := decodeText(t, strings.NewReader(whole), buffer, room)
			require.NoError(t, err)
			require.Equal(t, want, got, "buffer %d", buffer)
			got, err = decodeText(t, iotest.OneByteReader(strings.NewReader(whole)), buffer, room)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	for cut := 1; cut < len(whole); cut++ {
		split := io.MultiReader(strings.NewReader(whole[:cut]), strings.NewReader(whole[cut:]))
		got, err := decodeText(t, split, scanBuffer, 4<<10)
		require.NoError(t, err)
		require.Equal(t, want, got, "split at %d", cut)

		_, err = decodeText(t, strings.NewReader(whole[:cut]), scanBuffer, 4<<10)
		require.ErrorIs(t, err, ccr.ErrIncomplete, "ended at %d", cut)

		broken := errors.New("connection reset")
		_, err = decodeText(t, io.MultiReader(strings.NewReader(whole[:cut]), iotest.ErrReader(broken)), scanBuffer, 4<<10)
		require.ErrorIs(t, err, broken)
	}
}

func TestTextRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"\x"`, `"\u12" and`, `"\u12g4"`, "\"a\nb\"", `"\ud83d\u12" and`} {
		for _, buffer := range []int{12, scanBuffer} {
			_, err := decodeText(t, strings.NewReader(text), buffer, 16)
			syntax, ok := errors.AsType[*syntaxError](err)
			require.True(t, ok, "%s: %v", text, err)
			assert.NotContains(t, syntax.Error(), "12g4")
		}
	}
}

func TestSkipAndValueKnowJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, `null`, `true`, `-12.5e+3`, `"x"`, `{"a":[1,{"b":null},"\u00e9\/"],"c":{}}`, ` [ 1 , 2 ] `,
		``, `{`, `[1,]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `[1 2]`, `nul`, `01`, `+1`, `-`, `1.`, `"`, `]`, `{"a":1]`, `,`, `[,1]`, `{"a":tru}`,
		strings.Repeat("[", 40) + strings.Repeat("]", 40),
	} {
		valid := json.Valid([]byte(text))
		for _, buffer := range []int{12, 64} {
			s := newScanner(strings.NewReader(text), buffer)
			err := s.skip(0)
			if err == nil {
				err = s.end()
			}
			assert.Equal(t, valid, err == nil, "skip %q: %v", text, err)
			s = newScanner(strings.NewReader(text), buffer)
			raw, err := s.value(1 << 10)
			if err == nil {
				err = s.end()
			}
			require.Equal(t, valid, err == nil, "value %q: %v", text, err)
			if valid {
				var compact bytes.Buffer
				require.NoError(t, json.Compact(&compact, []byte(text)))
				assert.Equal(t, compact.String(), string(raw))
			}
		}
	}
}

func TestScannerIsBounded(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2)
	assert.Error(t, newScanner(strings.NewReader(deep), scanBuffer).skip(0))
	assert.Error(t, newScanner(strings.NewReader(strings.Repeat("1", 2*maxScalar)), scanBuffer).skip(0))
	_, err := newScanner(strings.NewReader(`"`+strings.Repeat("x", 100)+`"`), scanBuffer).value(50)
	assert.Error(t, err)
	_, err = newScanner(strings.NewReader(`"`+strings.Repeat("x", 100)+`"`), scanBuffer).str(50)
	assert.Error(t, err)
	assert.ErrorIs(t, newScanner(stuck{}, scanBuffer).skip(0), io.ErrNoProgress)
}

// stuck is a reader that never says anything.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

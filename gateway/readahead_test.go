package gateway

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// closing counts how often it is closed.
type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

func TestReadAheadDeliversEverything(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, size := range []int{0, 1, aheadBlock - 1, aheadBlock, aheadBlock + 1, 10*aheadBlock + 7} {
		for _, end := range []error{io.EOF, broken} {
			synctest.Test(t, func(t *testing.T) { // which fails if a goroutine stays
				want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
				src := &closing{Reader: io.MultiReader(iotest.HalfReader(bytes.NewReader(want)), iotest.ErrReader(end))}
				r := newReadAhead(src)
				got, err := io.ReadAll(r)
				assert.True(t, bytes.Equal(want, got))
				if end == io.EOF {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, broken)
				}
				require.NoError(t, r.Close())
				require.NoError(t, r.Close())
				synctest.Wait()
				assert.Equal(t, 1, src.closed)
			})
		}
	}
}

func TestReadAheadEndsWhereverItIsClosed(t *testing.T) {
	t.Parallel()
	for reads := range 8 {
		synctest.Test(t, func(t *testing.T) {
			src := &closing{Reader: endless{}}
			r := newReadAhead(src)
			p := make([]byte, aheadBlock/2)
			for range reads {
				_, err := r.Read(p)
				require.NoError(t, err)
			}
			require.NoError(t, r.Close())
			synctest.Wait()
			assert.Equal(t, 1, src.closed)
		})
	}
	r := newReadAhead(&closing{Reader: endless{}})
	require.NoError(t, r.Close())
	_, err := r.Read(make([]byte, 1))
	require.ErrorIs(t, err, errBodyClosed)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestReadAheadDoesNotWaitForASourceThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		r := newReadAhead(in)
		failed := make(chan error)
		go func() {
			_, err := r.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		require.NoError(t, r.Close())
		require.ErrorIs(t, <-failed, errBodyClosed)
		require.NoError(t, out.Close())
	})
}

package testkit

import (
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nobody else gets a port before its release, although nothing listens on it.
func TestPortIsLocked(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[int]bool{}
	var wg sync.WaitGroup
	for range 300 {
		wg.Go(func() {
			port, release, err := Port()
			if !assert.NoError(t, err) {
				return
			}
			t.Cleanup(release)
			mu.Lock()
			defer mu.Unlock()
			assert.False(t, got[port], "given twice")
			got[port] = true
		})
	}
	wg.Wait()
	for port := range got {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}

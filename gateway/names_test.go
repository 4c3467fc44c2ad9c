package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// Names that differ in one character alone, of all that the gateway's JSON can
// carry, over one ledger and into one sink by two accounts: each report is
// delivered once.
func TestReceiveNamesOfAnyCharacters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ledger := ccr.NewMemoryLedger()
	want := map[string]int{}
	step := rune(1)
	if testing.Short() {
		step = 7
	}
	for account := range 2 {
		srv, err := gatewaytest.NewServer(gatewaytest.Config{InMemory: true})
		require.NoError(t, err)
		t.Cleanup(srv.Close)
		var names []string
		for c := rune(0x21); c < 0x180; c += step {
			if c >= 0x7f && c < 0xa0 || c == '/' || c == ',' || c == '"' {
				continue // of the list's own grammar, and what no server hands out
			}
			name := "r" + string(c) + ".bin"
			content := fmt.Sprintf("%d %d", account, c)
			srv.AddReport(name, []byte(content))
			names = append(names, name)
			want[content] = 1
		}
		c, err := srv.Client(ccr.WithEnvironment(fmt.Sprintf("env-%d", account)))
		require.NoError(t, err)
		var got []ccr.Received
		got, err = c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{
			Ledger: ledger, Concurrency: 8, Match: func(name string) bool { return name != names[0] },
		})
		require.NoError(t, err)
		require.Len(t, got, len(names)-1, "one does not match")
		assert.Equal(t, names[:1], srv.Waiting())
		got, err = c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{Ledger: ledger})
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, ccr.Delivered, got[0].State)
		assert.Empty(t, srv.Waiting())
	}
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	seen := map[string]int{}
	for _, e := range list {
		if !e.IsDir() {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			seen[string(text)]++
		}
	}
	assert.Equal(t, want, seen)
}

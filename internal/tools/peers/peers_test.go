package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(child(job))
	}
	os.Exit(m.Run())
}

// The short form of the table. A peer that is missing fails where
// CCR_CI_REQUIRE is set, and is skipped loudly elsewhere; those that come from
// registries are looked for only there, and where CCR_LONG is set.
func TestPeers(t *testing.T) {
	t.Parallel()
	required := os.Getenv("CCR_CI_REQUIRE") != ""
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			fromRegistry := p.name == "rclone" || p.name[:4] == "ssh2"
			if fromRegistry && !required && os.Getenv("CCR_LONG") == "" {
				t.Skip("NOT TESTED against " + p.name + ": it is built or installed from a registry; set CCR_LONG or CCR_CI_REQUIRE")
			}
			o := options{short: true, exactly: p.name, tools: os.Getenv("CCR_PEERS_TOOLS")}
			if testing.Short() {
				o.ops = []string{"small", "existing", "overwrite", "download"}
			}
			r, err := run(t.Context(), o)
			require.NoError(t, err)
			if len(r.missing) > 0 && !required {
				t.Skip("NOT TESTED against ", r.missing)
			}
			assert.True(t, r.right(), "%s", r)
		})
	}
}

// A table with a wrong cell is not right: the judge is judged.
func TestWrongCells(t *testing.T) {
	t.Parallel()
	r, err := run(t.Context(), options{short: true, peers: []string{"nobody"}})
	require.NoError(t, err)
	assert.True(t, r.right())
	r.cells["small"] = map[string]cell{"x": {wrong: true, short: "WRONG", details: "lost"}}
	r.peers = []string{"x"}
	assert.False(t, r.right())
	assert.Contains(t, r.String(), "x, upload 12 KB: lost")
	assert.False(t, (&report{missing: []string{"x"}}).right())
}

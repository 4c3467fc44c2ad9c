package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var variable = regexp.MustCompile(`\bCCR_(?:ACCOUNTS|GATEWAY|DECISIONING|SFTP)_[A-Z_]*[A-Z]\b`)

// The table of environment variables names those that the code reads, no
// other, and all of them.
func TestEnvironmentTable(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../../examples/README.md")
	require.NoError(t, err)
	documented := map[string]bool{}
	for _, name := range variable.FindAllString(string(table), -1) {
		documented[name] = true
	}
	used := map[string]bool{}
	paths, err := filepath.Glob("../../../examples/*/*.go")
	require.NoError(t, err)
	for _, pkg := range []string{"accounts", "gateway", "decisioning", "sftp"} {
		paths = append(paths, filepath.Join("../../..", pkg, "env.go"))
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		code, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, name := range variable.FindAllString(string(code), -1) {
			used[strings.TrimSuffix(name, "_FILE")] = true
		}
	}
	require.Greater(t, len(used), 20)
	for name := range used {
		assert.True(t, documented[name], "%s is read by the code and not in examples/README.md", name)
	}
	for name := range documented {
		assert.True(t, used[name], "%s is in examples/README.md and read nowhere", name)
	}
}

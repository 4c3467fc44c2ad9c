package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The units of examples/receive-timer do with each exit code what they say.
func TestUnitsKnowTheExitCodes(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "examples", "receive-timer")
	unit, err := os.ReadFile(filepath.Join(folder, "ccr-receive.service"))
	require.NoError(t, err)
	assert.Contains(t, string(unit), fmt.Sprintf("SuccessExitStatus=%d\n", exitElsewhere))
	assert.Contains(t, string(unit), fmt.Sprintf("RestartPreventExitStatus=%d %d %d\n", exitUsage, exitUnknown, exitPerson))
	job, err := os.ReadFile(filepath.Join(folder, "cronjob.yaml"))
	require.NoError(t, err)
	assert.Contains(t, string(job), fmt.Sprintf("values: [%d, %d, %d]", exitUsage, exitUnknown, exitPerson))
	if runtime.GOOS == "windows" {
		return
	}
	script := regexp.MustCompile(`"-c", "(.*)"\]`).FindSubmatch(job)
	require.NotNil(t, script)
	for code := exitDone; code <= exitElsewhere; code++ {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "ccr"), fmt.Appendf(nil, "#!/bin/sh\nexit %d\n", code), 0o700))
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", string(script[1]))
		cmd.Env = []string{"PATH=" + dir}
		_ = cmd.Run()
		want := code
		if code == exitElsewhere {
			want = exitDone
		}
		assert.Equal(t, want, cmd.ProcessState.ExitCode())
	}
}

package accounts_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Some tests need a second process: the test binary starts itself with this
// variable set to the name of a helper.
const helperVar = "CCR_ACCOUNTS_TEST_HELPER"

func TestMain(m *testing.M) {
	if name := os.Getenv(helperVar); name != "" {
		helpers()[name]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func helpers() map[string]func() {
	return map[string]func(){
		"bench-server": benchServer,
		"bench-submit": func() { benchSubmit(false) },
		"bench-rows":   func() { benchSubmit(true) },
		"kill-submit":  killSubmit,
		"fleet-worker": fleetWorker,
		"bench-types":  func() { benchSerial(marshalTypes) },
		"bench-plain":  func() { benchSerial(marshalPlain) },
	}
}

// helper makes the command that runs a helper with its input as JSON in the
// environment.
func helper(t testing.TB, name string, input any) *exec.Cmd {
	t.Helper()
	raw, err := json.Marshal(input)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // the test binary itself
	cmd.Env = append(os.Environ(), helperVar+"="+name, "CCR_ACCOUNTS_TEST_INPUT="+string(raw))
	cmd.Stderr = os.Stderr
	return cmd
}

// helperInput reads in the helper what helper gave it.
func helperInput(into any) {
	check(json.Unmarshal([]byte(os.Getenv("CCR_ACCOUNTS_TEST_INPUT")), into))
}

// check ends a helper that cannot go on.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// peakMemory is the most memory that this process had, in bytes; 0 where the
// system does not tell.
func peakMemory() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			check(err)
			return kb << 10
		}
	}
	return 0
}

// contextForHelper is the context of a helper process, which ends with it.
func contextForHelper() context.Context { return context.Background() }

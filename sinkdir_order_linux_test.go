package ccr

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const orderEnv = "CCR_SINK_ORDER"

// TestDirSinkOrder looks at the system calls of a delivery and of a discard:
// write, fsync, rename, fsync of the folder, in that order, before anything is
// reported.
func TestDirSinkOrder(t *testing.T) {
	if dir := os.Getenv(orderEnv); dir != "" {
		orderChild(t, dir)
		return
	}
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CCR_CI_REQUIRE") != "" {
			t.Fatal("strace is not installed (Debian: apt-get install strace)")
		}
		t.Skip("NOT TESTED: strace is not installed (Debian: apt-get install strace)")
	}
	base := t.TempDir()
	dir := filepath.Join(base, "deep", "sink")
	trace := filepath.Join(base, "trace")
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-y", "-s", "40", "-o", trace,
		"-e", "trace=fsync,fdatasync,rename,renameat,renameat2,write,mkdirat,mkdir,ftruncate", os.Args[0], "-test.run=^TestDirSinkOrder$", "-test.count=1")
	cmd.Env = append(os.Environ(), orderEnv+"="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), "%s", &out)
	log, err := os.ReadFile(trace)
	require.NoError(t, err)
	text := string(log)
	for _, call := range []string{
		`mkdir\w*\(.*/deep/sink"`, `fsync\(\d+<[^>]*/deep>`,
		`write\(\d+<[^>]*/\.ccr/k\.\w+\.part>, "alpha"`, `fsync\(\d+<[^>]*\.part>`,
		`rename\w*\(.*\.part".*\.staged"`, `fsync\(\d+<[^>]*/\.ccr>`,
		`write\(1<.*, "STAGED`,
		`renameat2\(.*\.staged".*"a\.csv", RENAME_NOREPLACE\)`, `fsync\(\d+<[^>]*/deep/sink>`, `fsync\(\d+<[^>]*/\.ccr>`,
		`write\(1<.*, "COMMITTED`,
		`rename\w*\(.*\.part".*\.staged"`, `fsync\(\d+<[^>]*/\.ccr>`,
		`rename\w*\(.*\.staged".*\.discarded"`, `fsync\(\d+<[^>]*/\.ccr>`, `fsync\(\d+<[^>]*\.discarded>`,
		`write\(1<.*, "DISCARDED`,
	} {
		at := regexp.MustCompile(call).FindStringIndex(text)
		require.NotNil(t, at, "%s does not follow; what is left of the trace:\n%s", call, text)
		text = text[at[1]:]
	}
	require.NotContains(t, strings.Split(string(log), "STAGED")[0], "a.csv", "nothing is visible before it is staged")
}

// orderChild delivers one file and discards another.
func orderChild(t *testing.T, dir string) {
	say := func(word string) {
		_, err := os.Stdout.WriteString(word + "\n")
		require.NoError(t, err)
	}
	s := DirSink(dir)
	for _, name := range []string{"a.csv", "b.csv"} {
		d, err := s.Create(context.Background(), Item{Name: name, Key: "k", Token: rand.Text()})
		require.NoError(t, err)
		_, err = d.Write([]byte("alpha"))
		require.NoError(t, err)
		_, err = d.Stage(context.Background())
		require.NoError(t, err)
		if name == "b.csv" {
			require.NoError(t, d.Abort(context.Background()))
			say("DISCARDED")
			return
		}
		say("STAGED")
		_, err = d.Commit(context.Background())
		require.NoError(t, err)
		say("COMMITTED")
	}
}

package receive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// folderSource is a vendor in a local folder: settling moves a file away.
type folderSource struct{ dir, archive string }

func (s folderSource) List(context.Context) (items []Item, err error) {
	list, err := os.ReadDir(s.dir)
	for _, e := range list {
		items = append(items, Item{Name: e.Name(), Size: -1})
	}
	return items, err
}

func (s folderSource) Fetch(_ context.Context, item Item, restart func() (io.Writer, error)) error {
	b, err := os.ReadFile(filepath.Join(s.dir, item.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return ccr.ErrNotFound
	}
	if err != nil {
		return err
	}
	w, err := restart()
	for len(b) > 0 && err == nil { // small pieces, so that a kill falls between them
		n := min(len(b), 512)
		_, err = w.Write(b[:n])
		b = b[n:]
	}
	return err
}

func (s folderSource) Present(ctx context.Context) (map[string]bool, error) {
	items, err := s.List(ctx)
	return names(items), err
}

func (s folderSource) Settle(_ context.Context, item Item, check func() error) error {
	if err := check(); err != nil {
		return err
	}
	return os.Rename(filepath.Join(s.dir, item.Name), filepath.Join(s.archive, item.Name))
}

const childEnv = "CCR_RECEIVE_CHILD"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	work := os.Getenv(childEnv)
	if work == "" {
		os.Exit(m.Run())
	}
	src := folderSource{filepath.Join(work, "vendor"), filepath.Join(work, "archive")}
	fmt.Println("ready")
	_, err := Run(context.Background(), src, ccr.DirSink(filepath.Join(work, "sink")), Options{Service: "test", Environment: "uat", Concurrency: 3})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestKill kills a receiving process again and again at random moments, while
// a consumer moves files away, and counts what came out in the end.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := 6
	if os.Getenv("CCR_LONG") != "" {
		kills = 300
	}
	work := t.TempDir()
	vendor, archive, sink, out := filepath.Join(work, "vendor"), filepath.Join(work, "archive"), filepath.Join(work, "sink"), filepath.Join(work, "out")
	for _, dir := range []string{vendor, archive, sink, out} {
		require.NoError(t, os.Mkdir(dir, 0o700))
	}
	content := map[string][]byte{}
	for i := range 10 * kills {
		name := fmt.Sprintf("REPORT_%05d.xml", i)
		content[name] = make([]byte, rand.IntN(5000))
		for j := range content[name] {
			content[name][j] = byte(rand.Uint32())
		}
		require.NoError(t, os.WriteFile(filepath.Join(vendor, name), content[name], 0o600))
	}
	collect := func() {
		list, err := os.ReadDir(sink)
		require.NoError(t, err)
		for _, e := range list {
			if e.IsDir() {
				continue
			}
			// A second delivery would find the first one here.
			require.NoFileExists(t, filepath.Join(out, e.Name()))
			require.NoError(t, os.Rename(filepath.Join(sink, e.Name()), filepath.Join(out, e.Name())))
		}
	}
	killed := 0
	for {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+work)
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = io.ReadFull(stdout, make([]byte, len("ready\n")))
		require.NoError(t, err)
		if killed < kills {
			timer := time.NewTimer(time.Duration(rand.IntN(20_000)) * time.Microsecond)
			<-timer.C
			cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
		}
		said, err := io.ReadAll(stdout)
		require.NoError(t, err)
		if err = cmd.Wait(); err != nil {
			killed++
		}
		collect()
		left, lerr := os.ReadDir(vendor)
		require.NoError(t, lerr)
		if err == nil && len(left) == 0 {
			break
		}
		require.Empty(t, string(said), "a run that was not killed failed")
	}
	t.Logf("killed %d times", killed)
	archived, err := os.ReadDir(archive)
	require.NoError(t, err)
	require.Len(t, archived, len(content))
	got, err := os.ReadDir(out)
	require.NoError(t, err)
	require.Len(t, got, len(content))
	for name, want := range content {
		b, err := os.ReadFile(filepath.Join(out, name))
		require.NoError(t, err)
		require.Equal(t, want, b, name)
	}
}

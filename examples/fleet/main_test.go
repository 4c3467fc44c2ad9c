package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/examples/fleet/referee"
)

// TestMain makes the test program a worker in place of the tests.
func TestMain(m *testing.M) {
	if text := os.Getenv(referee.WorkerEnv); text != "" {
		if err := referee.Work(context.Background(), text); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func play(t *testing.T, g referee.Game) {
	t.Helper()
	g.Workers, g.Finish, g.Log = 3, 90*time.Second, t.Output()
	table, err := g.Play(t.Context())
	require.NoError(t, err)
	t.Logf("\n%s", table)
	require.NoError(t, table.Err())
	assert.Equal(t, 1, table.Tokens, "one token request for the fleet")
	for _, r := range table.Rows {
		assert.LessOrEqual(t, r.Repeated, table.Kills, "%s: a kill costs a request at most", r.Kind)
	}
}

func length(short time.Duration) time.Duration {
	if os.Getenv("CCR_LONG") != "" {
		return time.Minute
	}
	return short
}

func TestFleetOnSQLite(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: takes half a minute")
	}
	play(t, referee.Game{SQLite: filepath.Join(t.TempDir(), "fleet.db"), For: 8 * time.Second})
}

func TestFleetOnPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: takes a minute")
	}
	p := startPostgres(t)
	play(t, referee.Game{URL: p.url(), For: length(15 * time.Second), Restart: func() { p.kill(); p.start() }})
}

// server is a PostgreSQL of the test's own, on a private port.
type server struct {
	t        *testing.T
	bin, dir string
	port     int
	as       *syscall.Credential // root may not run it
	cmd      *exec.Cmd
}

func startPostgres(t *testing.T) *server {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		if os.Getenv("CCR_CI_REQUIRE") != "" {
			t.Fatal("PostgreSQL is not installed: apt-get install postgresql")
		}
		t.Skip("SKIPPED: PostgreSQL is not installed (apt-get install postgresql), so the fleet is not tested on it")
	}
	dir, err := os.MkdirTemp("", "ccr-pg-") //nolint:usetesting // another user's, and the path of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // a folder of the test's own
	p := &server{t: t, bin: filepath.Dir(found[len(found)-1]), dir: dir}
	if os.Getuid() == 0 {
		who, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, _ := strconv.Atoi(who.Uid)
		gid, _ := strconv.Atoi(who.Gid)
		p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // ids of the system
		require.NoError(t, os.Chown(dir, uid, gid))
	}
	out, err := p.command("initdb", "-D", dir+"/data", "-A", "trust", "-U", "ccr", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8").CombinedOutput()
	require.NoError(t, err, "%s", out)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.port = l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *server) url() string {
	return fmt.Sprintf("postgres://ccr@127.0.0.1:%d/postgres?sslmode=disable&connect_timeout=5", p.port)
}

func (p *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as, Setpgid: true}
	return cmd
}

// start starts the server and waits until it answers.
func (p *server) start() {
	p.t.Helper()
	for range 30 { // what an earlier one left behind may be there for a moment
		p.cmd = p.command("postgres", "-D", p.dir+"/data", "-p", strconv.Itoa(p.port), "-h", "127.0.0.1", "-k", p.dir, "-c", "fsync=off")
		require.NoError(p.t, p.cmd.Start())
		for range 100 {
			if p.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port)).Run() == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		p.kill()
	}
	p.t.Fatal("PostgreSQL does not start")
}

// kill ends the server at once, as a power failure does.
func (p *server) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
	p.cmd.Wait()                                      //nolint:errcheck // killed
}

package sqlstore_test

import (
	"context"
	"database/sql"
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

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
)

// postgres is a server of a test's own, on a private port.
type postgres struct {
	t    testing.TB
	bin  string
	dir  string
	port int
	as   *syscall.Credential // who runs it: root may not
	cmd  *exec.Cmd
	dead chan struct{}
}

// startPostgres starts a server in a fresh folder, or skips the test where
// PostgreSQL is not installed; with CCR_CI_REQUIRE set it fails instead.
func startPostgres(t testing.TB) *postgres {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		if os.Getenv("CCR_CI_REQUIRE") != "" {
			t.Fatal("PostgreSQL is not installed: apt-get install postgresql")
		}
		t.Skip("SKIPPED: PostgreSQL is not installed (apt-get install postgresql), so nothing of it is tested")
	}
	dir, err := os.MkdirTemp("", "ccr-pg-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // a folder of the test's own
	p := &postgres{t: t, bin: filepath.Dir(found[len(found)-1]), dir: dir}
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

func (p *postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as, Setpgid: true}
	return cmd
}

// start starts the server and waits until it answers. The processes of one
// that was killed may hold its memory for a moment: then it is started again.
func (p *postgres) start() {
	p.t.Helper()
	db := p.open()
	defer db.Close()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
		p.cmd = p.command("postgres", "-D", p.dir+"/data", "-p", strconv.Itoa(p.port), "-h", "127.0.0.1", "-k", p.dir,
			"-c", "fsync=off", "-c", "max_connections=80")
		require.NoError(p.t, p.cmd.Start())
		dead := make(chan struct{})
		p.dead = dead
		go func(cmd *exec.Cmd) {
			cmd.Wait() //nolint:errcheck // killed, mostly
			close(dead)
		}(p.cmd)
		for running := true; running; {
			if db.Ping() == nil {
				return
			}
			select {
			case <-dead:
				running = false
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	p.t.Fatal("PostgreSQL does not start")
}

// kill ends the server at once, as a power failure does.
func (p *postgres) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
	<-p.dead
}

func (p *postgres) open() *sql.DB {
	p.t.Helper()
	db, err := sql.Open("pgx", fmt.Sprintf("postgres://ccr@127.0.0.1:%d/postgres?sslmode=disable&connect_timeout=5", p.port))
	require.NoError(p.t, err)
	p.t.Cleanup(func() { db.Close() }) //nolint:errcheck // the test's own
	return db
}

// openSQLite opens a database file as the package documentation says.
func openSQLite(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // the test's own
	return db
}

func ctxOf(t testing.TB) context.Context { return t.Context() }

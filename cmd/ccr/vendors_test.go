package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

func TestReceiveReports(t *testing.T) {
	t.Parallel()
	srv, env := startBureau(t)
	srv.AddSamples("ARUDD", "ADDACS")
	waiting := srv.Waiting()
	dir := filepath.Join(t.TempDir(), "reports")

	var names []string
	ccrRun(t, env, "gateway", "list", "-json").decode(t, &names)
	assert.ElementsMatch(t, waiting, names)

	r := ccrRun(t, env, "gateway", "receive", "-n", dir)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.err, "dry run")
	assert.Empty(t, srv.Archived(), "a dry run archives nothing")
	assert.NoDirExists(t, dir)

	r = ccrRun(t, env, "gateway", "receive", dir, "-json")
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Empty(t, r.err, "nothing to say without a terminal")
	var lines []map[string]any
	r.decode(t, &lines)
	require.Len(t, lines, len(waiting))
	for _, l := range lines {
		assert.Equal(t, "delivered", l["state"])
		assert.FileExists(t, l["location"].(string))
	}
	assert.ElementsMatch(t, waiting, srv.Archived())
	silent(t, env, r)

	r = ccrRun(t, env, "gateway", "receive", dir)
	assert.Equal(t, exitDone, r.code)
	assert.Empty(t, r.out, "nothing is left")
}

func TestReceiveWhileAnotherDoes(t *testing.T) {
	t.Parallel()
	srv, env := startBureau(t)
	srv.AddSamples("ARUDD")
	dir := t.TempDir()
	_, closeLedger, err := ccr.DirSink(dir).OpenLedger(t.Context())
	require.NoError(t, err)
	defer func() { _ = closeLedger() }()
	r := ccrRun(t, env, "gateway", "receive", dir)
	assert.Equal(t, exitElsewhere, r.code, r.err)
	assert.Contains(t, r.err, "run this again")
	assert.Empty(t, srv.Archived())
}

func TestUploadOnce(t *testing.T) {
	t.Parallel()
	srv, env := startBureau(t)
	dir := t.TempDir()
	file := put(t, filepath.Join(dir, "COLLECTIONS.csv"), []byte("a,b\n"))

	r := ccrRun(t, env, "gateway", "upload", file)
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.err, "CCR_LEDGER")

	env = append(env, "CCR_LEDGER="+filepath.Join(dir, "sent.ledger"))
	r = ccrRun(t, env, "gateway", "upload", "-n", "-json", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.out, "would be sent")
	assert.Empty(t, srv.Uploads())

	r = ccrRun(t, env, "gateway", "upload", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.out, "accepted")
	r = ccrRun(t, env, "gateway", "upload", "-json", file)
	assert.Equal(t, exitDone, r.code, r.err)
	var lines []uploadLine
	r.decode(t, &lines)
	assert.Equal(t, "accepted before", lines[0].State)
	assert.Len(t, srv.Requests("Upload"), 1)

	r = ccrRun(t, env, "gateway", "upload", "-overwrite", file)
	assert.Equal(t, exitUsage, r.code, "nobody can be asked without a terminal")
	assert.Contains(t, r.err, "-yes")
}

func TestUnknownOutcomeIsSettled(t *testing.T) {
	t.Parallel()
	srv, env := startBureau(t)
	dir := t.TempDir()
	ledger := filepath.Join(dir, "sent.ledger")
	env = append(env, "CCR_LEDGER="+ledger)
	file := put(t, filepath.Join(dir, "COLLECTIONS.csv"), []byte("a,b\n"))
	srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.LoseAnswer})

	r := ccrRun(t, env, "gateway", "upload", file)
	assert.Equal(t, exitUnknown, r.code, r.err)
	assert.Contains(t, r.err, "unknown")
	assert.Contains(t, r.out, "unknown")
	silent(t, env, r)

	r = ccrRun(t, env, "ledger", "open", "-json", ledger)
	assert.Equal(t, exitPerson, r.code, r.err)
	assert.Contains(t, r.err, "settle")
	var list []ccr.LedgerEntry
	r.decode(t, &list)
	require.Len(t, list, 1)
	assert.Equal(t, ccr.StateUnknown, list[0].State)

	r = ccrRun(t, env, "gateway", "upload", file)
	assert.Equal(t, exitUnknown, r.code, "it is not sent again before it is settled")
	assert.Len(t, srv.Requests("Upload"), 1)

	r = ccrRun(t, env, "gateway", "settle", "-arrived", file)
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.err, "-yes")
	r = ccrRun(t, env, "gateway", "settle", "-arrived", "-n", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Equal(t, exitPerson, ccrRun(t, env, "ledger", "open", ledger).code, "a dry run settles nothing")
	r = ccrRun(t, env, "gateway", "settle", "-arrived", "-yes", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Equal(t, exitDone, ccrRun(t, env, "ledger", "open", ledger).code)
}

func TestSettleByKey(t *testing.T) {
	t.Parallel()
	srv, env := startBureau(t)
	dir := t.TempDir()
	ledger := filepath.Join(dir, "sent.ledger")
	env = append(env, "CCR_LEDGER="+ledger)
	file := put(t, filepath.Join(dir, "COLLECTIONS.csv"), []byte("a,b\n"))
	srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.CutRequest, After: 20})
	require.Equal(t, exitUnknown, ccrRun(t, env, "gateway", "upload", file).code)
	var list []ccr.LedgerEntry
	ccrRun(t, env, "ledger", "open", "-json", ledger).decode(t, &list)
	require.Len(t, list, 1)
	key := list[0].Key

	r := ccrRun(t, nil, "ledger", "settle", ledger, key, "-not-arrived")
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.err, "-yes")
	r = ccrRun(t, nil, "ledger", "settle", ledger, key, "-not-arrived", "-yes")
	assert.Equal(t, exitDone, r.code, r.err)
	r = ccrRun(t, nil, "ledger", "settle", ledger, key, "-arrived", "-yes")
	assert.Equal(t, exitPerson, r.code, "a result is not contradicted")
	r = ccrRun(t, env, "gateway", "upload", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.out, "accepted")
	r = ccrRun(t, nil, "ledger", "show", ledger, key)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.out, "sent")
}

func TestLedgerVerify(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "l.ledger")
	assert.Equal(t, exitFailed, ccrRun(t, nil, "ledger", "verify", path).code)
	assert.NoFileExists(t, path, "looking makes no ledger")
	l, err := ccr.OpenLedger(path)
	require.NoError(t, err)
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, l.Store(t.Context(), ccr.LedgerEntry{Key: key, State: ccr.StateSent, Service: "gateway", Name: key}))
	}
	r := ccrRun(t, nil, "ledger", "verify", path)
	assert.Equal(t, exitElsewhere, r.code, "it is in use")
	require.NoError(t, l.Close())
	r = ccrRun(t, nil, "ledger", "verify", path)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.out, "3 entries")

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	text[len(text)/2] ^= 1
	require.NoError(t, os.WriteFile(path, text, 0o600))
	r = ccrRun(t, nil, "ledger", "verify", path, "-json")
	assert.Equal(t, exitPerson, r.code, r.err)
	var v map[string]any
	r.decode(t, &v)
	assert.Equal(t, false, v["whole"])
	assert.NotZero(t, v["firstDamagedLine"])
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, text, after, "the file is left as it is")
}

func TestDropFolder(t *testing.T) {
	t.Parallel()
	srv, env := startDrop(t, sftptest.Config{})
	srv.WriteFile("/downloads/payments.csv", []byte("reference,paid\nA-1,12.50\n"))
	dir := t.TempDir()
	env = append(env, "CCR_LEDGER="+filepath.Join(dir, "sent.ledger"))
	file := put(t, filepath.Join(dir, "debtors.csv"), []byte("ClientReference\nC-1\n"))

	r := ccrRun(t, env, "sftp", "ls")
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.out, "payments.csv")
	r = ccrRun(t, env, "sftp", "put", "-n", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Empty(t, srv.Files("/uploads"))
	r = ccrRun(t, env, "sftp", "put", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Equal(t, []string{"debtors.csv"}, srv.Files("/uploads"))
	r = ccrRun(t, env, "sftp", "put", "-json", file)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Contains(t, r.out, "sent before")

	r = ccrRun(t, env, "sftp", "get", "-remove", dir)
	assert.Equal(t, exitUsage, r.code)
	r = ccrRun(t, env, "sftp", "get", "-stable-for", "-1s", "-json", filepath.Join(dir, "returns"))
	assert.Equal(t, exitDone, r.code, r.err)
	assert.FileExists(t, filepath.Join(dir, "returns", "payments.csv"))
	silent(t, env, r)
}

func TestKeygen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "uat")
	r := ccrRun(t, nil, "sftp", "keygen", "-comment", "acme-uat", path)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Regexp(t, `^ssh-ed25519 \S+ acme-uat\n$`, r.out)
	assert.Contains(t, r.err, "Support ticket")
	assert.NotContains(t, r.out+r.err, "PRIVATE KEY")
	st, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	}
	r = ccrRun(t, nil, "sftp", "keygen", path)
	assert.NotEqual(t, exitDone, r.code, "an existing key is never replaced")
}

func TestDiagnoseAll(t *testing.T) {
	t.Parallel()
	bureau, env := startBureau(t)
	_, env2 := startCreditClear(t)
	_, env3 := startAlgoan(t)
	_, env4 := startDrop(t, sftptest.Config{})
	for i, e := range [][]string{env, env2, env3, env4} { // each server has a certificate authority of its own
		r := ccrRun(t, e, "diagnose", "-json")
		assert.Equal(t, exitDone, r.code, "%d: %s", i, r.err)
		var list []diagnosis
		r.decode(t, &list)
		require.Len(t, list, 1)
		assert.True(t, list[0].OK)
		assert.GreaterOrEqual(t, len(list[0].Steps), 5)
		assert.Contains(t, r.err, "for the support of")
		silent(t, e, r)
	}
	assert.Empty(t, bureau.Requests("Upload"))
	assert.Empty(t, bureau.Requests("ArchiveByName"))
}

// The failing side: the message names the cause and the next step, holds
// nothing secret, and the exit code is the right one.
func TestFailures(t *testing.T) {
	t.Parallel()
	swap := func(env []string, name, value string) []string {
		env = slices.Clone(env)
		for i := range env {
			if strings.HasPrefix(env[i], name+"=") {
				env[i] = name + "=" + value
			}
		}
		return env
	}
	bureau, gatewayEnv := startBureau(t)
	bureau.AddSamples("ARUDD")
	_, accountsEnv := startCreditClear(t)
	_, algoanEnv := startAlgoan(t)
	drop, dropEnv := startDrop(t, sftptest.Config{})
	drop.WriteFile("/downloads/a.csv", []byte("a"))
	changed, changedEnv := startDrop(t, sftptest.Config{})
	require.NoError(t, changed.ChangeHostKey())
	refusing, refusingEnv := startDrop(t, sftptest.Config{})
	refusing.RefuseLogins(true)
	noFolder, noFolderEnv := startDrop(t, sftptest.Config{})
	noFolder.RemoveFolder("/uploads")
	const closed = "127.0.0.1:1"
	other := put(t, filepath.Join(t.TempDir(), "other.pem"), nil)
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		says []string
	}{
		{"wrong key, gateway", swap(gatewayEnv, "CCR_GATEWAY_API_KEY", "wrong-key-canary"), []string{"gateway", "receive", t.TempDir()}, exitPerson, []string{"unauthorized"}},
		{"wrong key, diagnosis", swap(gatewayEnv, "CCR_GATEWAY_API_KEY", "wrong-key-canary"), []string{"diagnose"}, exitPerson, []string{"unauthorized", "credential"}},
		{"expired login, accounts", swap(accountsEnv, "CCR_ACCOUNTS_CLIENT_SECRET", "wrong-secret-canary"), []string{"diagnose"}, exitPerson, []string{"unauthorized"}},
		{"expired login, decisioning", swap(algoanEnv, "CCR_DECISIONING_CLIENT_SECRET", "wrong-secret-canary"), []string{"diagnose"}, exitPerson, []string{"unauthorized"}},
		{"unreachable host, gateway", swap(gatewayEnv, "CCR_GATEWAY_BASE_URL", "https://"+closed+"/gateway.php"), []string{"diagnose"}, exitFailed, []string{"connect", "allow list"}},
		{"unreachable host, sftp", swap(dropEnv, "CCR_SFTP_ADDRESS", closed), []string{"diagnose"}, exitFailed, []string{"connect"}},
		{"unknown host", swap(gatewayEnv, "CCR_GATEWAY_BASE_URL", "https://nobody.invalid/gateway.php"), []string{"diagnose"}, exitFailed, []string{"resolve", "name server"}},
		{"certificate", swap(gatewayEnv, "SSL_CERT_FILE", other), []string{"diagnose"}, exitFailed, []string{"TLS", "SSL_CERT_FILE"}},
		{"host key", changedEnv, []string{"diagnose"}, exitPerson, []string{"host key"}},
		{"host key, ls", changedEnv, []string{"sftp", "ls"}, exitPerson, []string{"host key"}},
		{"refused login", refusingEnv, []string{"diagnose"}, exitPerson, []string{"login"}},
		{"no folder", noFolderEnv, []string{"diagnose"}, exitPerson, []string{"uploads"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := ccrRun(t, c.env, c.args...)
			assert.Equal(t, c.code, r.code, r.out+r.err)
			for _, s := range c.says {
				assert.Contains(t, r.out+r.err, s)
			}
			silent(t, c.env, r)
			assert.NotContains(t, r.out+r.err, "canary")
		})
	}
	assert.Empty(t, bureau.Archived())
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("limits the size of files by the shell's ulimit")
	}
	srv, env := startBureau(t)
	srv.AddReport("123456-24112026-2013-000000001.xml", []byte("<a>"+strings.Repeat("x", 1<<20)+"</a>"))
	dir := t.TempDir()
	// Nothing can be written beyond 64 KiB.
	r := finish(t, exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 128; trap '' XFSZ; exec "$0" "$@"`, binary, "gateway", "receive", dir), env)
	assert.Equal(t, exitFailed, r.code, r.err)
	assert.Contains(t, r.err, "file too large")
	assert.Empty(t, srv.Archived(), "what is not safe here stays there")
	assert.NoFileExists(t, filepath.Join(dir, "123456-24112026-2013-000000001.xml"))
	r = ccrRun(t, env, "gateway", "receive", dir)
	assert.Equal(t, exitDone, r.code, r.err)
	assert.Len(t, srv.Archived(), 1)

	full, fullEnv := startDrop(t, sftptest.Config{Traits: sftptest.Traits{Capacity: 10}})
	file := put(t, filepath.Join(t.TempDir(), "debtors.csv"), []byte(strings.Repeat("x", 1000)))
	r = ccrRun(t, fullEnv, "sftp", "put", "-ledger", filepath.Join(t.TempDir(), "l"), file)
	assert.Contains(t, []int{exitFailed, exitPerson}, r.code, r.err)
	assert.Contains(t, r.err, "disk")
	assert.Empty(t, full.Files("/uploads"))
}

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

var (
	update = flag.Bool("update", false, "write what is printed to testdata")
	binary string
)

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "ccr-command-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "ccr")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s", out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// result is what a run of the command left.
type result struct {
	out, err string
	code     int
}

// decode reads stdout, which has to be one JSON document and nothing else.
func (r result) decode(t *testing.T, v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.out))
	require.NoError(t, dec.Decode(v), r.out)
	assert.False(t, dec.More(), "one document")
}

// ccrRun runs the built command without a terminal.
func ccrRun(t *testing.T, env []string, args ...string) result {
	t.Helper()
	return finish(t, exec.CommandContext(t.Context(), binary, args...), env)
}

func finish(t *testing.T, cmd *exec.Cmd, env []string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "TMPDIR=" + t.TempDir()}, env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

func put(t *testing.T, path string, data []byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func startBureau(t *testing.T) (*gatewaytest.Server, []string) {
	t.Helper()
	srv, err := gatewaytest.NewServer(gatewaytest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	cred := srv.Credential()
	key, err := cred.Key.Reveal()
	require.NoError(t, err)
	return srv, []string{
		"SSL_CERT_FILE=" + put(t, filepath.Join(t.TempDir(), "ca.pem"), srv.CAPEM()),
		"CCR_GATEWAY_BASE_URL=" + srv.URL(), "CCR_GATEWAY_API_KEY=" + key, "CCR_GATEWAY_USERNAME=" + cred.Username, "CCR_GATEWAY_IP=" + cred.IP,
	}
}

func startCreditClear(t *testing.T) (*accountstest.Server, []string) {
	t.Helper()
	srv, err := accountstest.NewServer(accountstest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv, []string{
		"SSL_CERT_FILE=" + put(t, filepath.Join(t.TempDir(), "ca.pem"), srv.CAPEM()),
		"CCR_ACCOUNTS_BASE_URL=" + srv.URL(), "CCR_ACCOUNTS_TOKEN_URL=" + srv.TokenURL(), "CCR_ACCOUNTS_CLIENT_ID=" + srv.ClientID(),
		"CCR_ACCOUNTS_CLIENT_SECRET=" + srv.ClientSecret(), "CCR_ACCOUNTS_AUDIENCE=" + srv.Audience(),
	}
}

func startAlgoan(t *testing.T) (*decisioningtest.Server, []string) {
	t.Helper()
	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv, []string{
		"SSL_CERT_FILE=" + put(t, filepath.Join(t.TempDir(), "ca.pem"), srv.CAPEM()),
		"CCR_DECISIONING_BASE_URL=" + srv.URL(), "CCR_DECISIONING_CLIENT_ID=" + decisioningtest.ClientID, "CCR_DECISIONING_CLIENT_SECRET=" + decisioningtest.ClientSecret,
	}
}

func startDrop(t *testing.T, cfg sftptest.Config) (*sftptest.Server, []string) {
	t.Helper()
	srv, err := sftptest.NewServer(cfg)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	env := []string{
		"CCR_SFTP_ADDRESS=" + srv.Address(), "CCR_SFTP_USER=" + srv.User().Name, "CCR_SFTP_HOST_FINGERPRINT=" + srv.Fingerprint(), "CCR_SFTP_LAYOUT=creditclear",
	}
	if key, err := srv.Key().Reveal(); err == nil && key != "" {
		env = append(env, "CCR_SFTP_KEY_FILE="+put(t, filepath.Join(t.TempDir(), "key"), []byte(key)))
	}
	return srv, env
}

// secretValues are the values of the environment that no output may hold.
func secretValues(t *testing.T, env []string) (out []string) {
	t.Helper()
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		for _, secret := range []string{"API_KEY", "SECRET", "PASSWORD", "PASSPHRASE", "TOKEN"} {
			if strings.HasSuffix(name, secret) {
				out = append(out, value)
			}
		}
		if strings.HasSuffix(name, "KEY_FILE") {
			text, err := os.ReadFile(value)
			require.NoError(t, err)
			out = append(out, strings.Split(string(text), "\n")[1])
		}
	}
	return out
}

func silent(t *testing.T, env []string, r result) {
	t.Helper()
	for _, secret := range secretValues(t, env) {
		assert.NotContains(t, r.out+r.err, secret)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "a command is needed"},
		{[]string{"help"}, exitDone, ""},
		{[]string{"gateway"}, exitUsage, "gateway receive DIR"},
		{[]string{"nonsense"}, exitUsage, "no command"},
		{[]string{"gateway", "receive"}, exitUsage, "exactly one argument"},
		{[]string{"gateway", "receive", "-nonsense", "x"}, exitUsage, "nonsense"},
		{[]string{"gateway", "receive", "-help"}, exitDone, "usage: ccr gateway receive"},
		{[]string{"gateway", "receive", "x"}, exitUsage, "CCR_GATEWAY_API_KEY"},
		{[]string{"sftp", "ls"}, exitUsage, "CCR_SFTP_USER"},
		{[]string{"diagnose"}, exitUsage, "no vendor is configured"},
		{[]string{"diagnose", "nobody"}, exitUsage, "no vendor"},
		{[]string{"bacs", "show", "-csv", "-html", "x"}, exitUsage, "only one"},
		{[]string{"ledger", "settle", "x", "y"}, exitUsage, "-arrived"},
		{[]string{"version"}, exitDone, ""},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			r := ccrRun(t, nil, c.args...)
			assert.Equal(t, c.code, r.code, r.err)
			assert.Contains(t, r.err, c.says)
			if c.code != exitDone {
				assert.Empty(t, r.out, "stdout is for data")
			}
		})
	}
	var v map[string]string
	ccrRun(t, nil, "version", "-json").decode(t, &v)
	assert.NotEmpty(t, v["version"])
	golden(t, "help.golden", ccrRun(t, nil, "help").out)
}

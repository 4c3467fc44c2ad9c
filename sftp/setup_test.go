package sftp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestGenerateKeyPair(t *testing.T) {
	t.Parallel()
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{Comment: "acme-uat"})
	require.NoError(t, err)
	pub, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(pair.AuthorizedKey))
	require.NoError(t, err)
	assert.Equal(t, "acme-uat", comment)
	assert.Equal(t, ssh.KeyAlgoED25519, pub.Type())
	assert.Equal(t, pair.Fingerprint, ssh.FingerprintSHA256(pub))
	text, err := pair.Private.Reveal()
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(text, "-----BEGIN OPENSSH PRIVATE KEY-----"))

	path := filepath.Join(t.TempDir(), "id")
	require.NoError(t, pair.Write(path))
	if isUnix {
		st, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	}
	line, err := os.ReadFile(path + ".pub")
	require.NoError(t, err)
	assert.Equal(t, pair.AuthorizedKey+"\n", string(line))

	_, err = sftp.GenerateKeyPair(sftp.KeyPairOptions{Comment: "two words"})
	require.ErrorIs(t, err, ccr.ErrInvalid)
}

// Neither a configuration nor a client prints what must stay secret.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	private, err := pair.Private.Reveal()
	require.NoError(t, err)
	const password, passphrase = "correct horse", "battery staple"
	cfg := sftp.Config{
		Address: "host", User: "acme", Password: ccr.NewSecret(password), HostKeys: sftp.KnownHosts("x"), Layout: sftp.CreditClear(),
		Key: sftp.PrivateKey(pair.Private).WithPassphrase(ccr.NewSecret(passphrase)),
	}
	var printed strings.Builder
	for _, v := range []any{cfg, &cfg, sftp.UATConfig(cfg), pair, &pair, cfg.Key, &cfg.Key} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "v", v)
		if b, err := json.Marshal(v); err == nil {
			printed.Write(b)
		}
	}
	b, err := json.Marshal(cfg.Key)
	require.NoError(t, err)
	printed.Write(b)
	body := strings.Split(private, "\n")[1]
	for _, secret := range []string{password, passphrase, body, fmt.Sprintf("%x", password)} {
		assert.NotContains(t, printed.String(), secret)
	}
	assert.Contains(t, printed.String(), "key from secret")
}

func TestFromEnv(t *testing.T) {
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "id")
	require.NoError(t, pair.Write(path))
	set := func(t *testing.T, env map[string]string) {
		t.Helper()
		for _, name := range []string{
			sftp.EnvAddress, sftp.EnvUser, sftp.EnvKey, sftp.EnvKey + "_FILE", sftp.EnvPassphrase, sftp.EnvPassphrase + "_FILE",
			sftp.EnvPassword, sftp.EnvPassword + "_FILE", sftp.EnvKnownHosts, sftp.EnvFingerprint, sftp.EnvLayout, sftp.EnvEnvironment,
		} {
			t.Setenv(name, env[name])
		}
	}
	good := map[string]string{
		sftp.EnvUser: "acme", sftp.EnvKey + "_FILE": path, sftp.EnvFingerprint: pair.Fingerprint, sftp.EnvLayout: "creditclear",
	}
	with := func(more ...string) map[string]string {
		env := map[string]string{}
		for k, v := range good {
			env[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	t.Run("production", func(t *testing.T) {
		set(t, good)
		cfg, err := sftp.ConfigFromEnv()
		require.NoError(t, err)
		assert.Equal(t, sftp.CreditClearHost, cfg.Address)
		assert.Equal(t, "uploads", cfg.Layout.Uploads[0].Path)
		require.NoError(t, cfg.Validate())
		_, err = sftp.UATConfigFromEnv()
		require.ErrorIs(t, err, ccr.ErrInvalid)
		assertFields(t, err, sftp.EnvEnvironment, sftp.EnvAddress)
	})
	t.Run("uat", func(t *testing.T) {
		set(t, with(sftp.EnvEnvironment, "uat", sftp.EnvAddress, "uat.example:2222", sftp.EnvLayout, "creditclear-older-automated"))
		cfg, err := sftp.UATConfigFromEnv()
		require.NoError(t, err)
		assert.Equal(t, "uat.example:2222", cfg.Address)
		assert.Equal(t, "uploads-automated", cfg.Layout.Uploads[0].Path)
		_, err = sftp.ConfigFromEnv()
		require.ErrorIs(t, err, ccr.ErrInvalid)
	})
	t.Run("bureau", func(t *testing.T) {
		set(t, map[string]string{
			sftp.EnvUser: "acme", sftp.EnvPassword: "secret words", sftp.EnvKnownHosts: "a, b", sftp.EnvLayout: "cleardebit",
		})
		cfg, err := sftp.ConfigFromEnv()
		require.NoError(t, err)
		assert.Equal(t, sftp.ClearDebitHost, cfg.Address)
		require.NoError(t, cfg.Validate())
	})
	t.Run("nothing", func(t *testing.T) {
		set(t, nil)
		_, err := sftp.ConfigFromEnv()
		assertFields(t, err, sftp.EnvLayout, sftp.EnvUser, sftp.EnvKey, sftp.EnvKnownHosts)
	})
	t.Run("faults", func(t *testing.T) {
		set(t, with(sftp.EnvKey, "a private thing", sftp.EnvKnownHosts, "x", sftp.EnvPassword+"_FILE", path+".none"))
		_, err := sftp.ConfigFromEnv()
		assertFields(t, err, sftp.EnvKey, sftp.EnvKnownHosts, sftp.EnvPassword)
		assert.NotContains(t, err.Error(), "a private thing")
	})
}

func TestDiagnoseEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		d, err := sftp.Diagnose(t.Context(), b.config, sftp.DiagnoseOptions{})
		require.NoError(t, err)
		assert.True(t, d.OK())
		assert.NotEmpty(t, d.HostKey)
		assert.NotEmpty(t, d.PublicKey)
		assert.Contains(t, d.String(), "login")
		assert.Empty(t, b.names(t, "uploads"))
		if b.srv != nil {
			for _, op := range []string{sftptest.OpWrite, sftptest.OpOpen, sftptest.OpRename, sftptest.OpRemove, sftptest.OpMkdir, sftptest.OpSetstat} {
				assert.Empty(t, b.srv.Requests(op), "Diagnose never writes")
			}
			assert.Equal(t, "CreditClear()", d.Suggestion.Layout)
		}
		d, err = sftp.Diagnose(t.Context(), b.config, sftp.DiagnoseOptions{ProbeWrite: "uploads"})
		require.NoError(t, err)
		names := b.names(t, "uploads")
		require.Len(t, names, 1)
		assert.True(t, strings.HasPrefix(names[0], "TEST"), names[0])
		assert.Contains(t, d.String(), names[0])
	})
}

func TestDiagnoseSaysWhichStepFailed(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	tests := map[string]struct {
		change func(*sftp.Config)
		class  error
	}{
		"configuration":    {func(c *sftp.Config) { c.User = "" }, ccr.ErrInvalid},
		"credential":       {func(c *sftp.Config) { c.Key = sftp.PrivateKeyFile("none") }, sftp.ErrKey},
		"connect":          {func(c *sftp.Config) { c.Address, c.DialContext = "127.0.0.1:1", nil }, ccr.ErrUnavailable},
		"host key":         {func(c *sftp.Config) { c.HostKeys = sftp.HostFingerprints(pair.Fingerprint) }, sftp.ErrHostKeyChanged},
		"login":            {func(c *sftp.Config) { c.Key = sftp.PrivateKey(pair.Private) }, ccr.ErrUnauthorized},
		"folder nowhere":   {func(c *sftp.Config) { c.Layout.Downloads = "nowhere" }, sftp.ErrFolderMissing},
		"folder /uploads2": {func(c *sftp.Config) { c.Layout.Root, c.Layout.Uploads[0].Path = "/", "uploads2" }, sftp.ErrFolderMissing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := b.config
			cfg.Layout = sftp.CreditClear()
			tt.change(&cfg)
			d, err := sftp.Diagnose(t.Context(), cfg, sftp.DiagnoseOptions{})
			require.ErrorIs(t, err, tt.class)
			var failed []string
			for _, c := range d.Checks {
				if !c.OK {
					failed = append(failed, c.Name)
				}
			}
			assert.Contains(t, failed, name)
			assert.False(t, d.OK())
			assert.Contains(t, d.String(), "FAILED")
		})
	}
}

func TestDiagnoseSuggestsTheLayout(t *testing.T) {
	t.Parallel()
	in := func(l sftp.Layout, root, downloads string) sftp.Layout {
		l.Root = root
		if downloads != "" {
			l.Downloads = downloads
		}
		return l
	}
	for name, tt := range map[string]struct {
		there sftp.Layout
		want  sftp.Suggestion
	}{
		"current": {sftp.CreditClear(), sftp.Suggestion{Layout: "CreditClear()", Downloads: "downloads"}},
		"older": {
			sftp.CreditClearOlder(sftp.ManualImport),
			sftp.Suggestion{Layout: "CreditClearOlder(ManualImport or AutomatedImport)", Downloads: "downloads"},
		},
		"older, download": {
			in(sftp.CreditClearOlder(sftp.ManualImport), "", "download"),
			sftp.Suggestion{Layout: "CreditClearOlder(ManualImport or AutomatedImport)", Downloads: "download"},
		},
		"bureau":           {sftp.ClearDebit(), sftp.Suggestion{Layout: "ClearDebit()", Root: "/", Downloads: "reports"}},
		"in client folder": {in(sftp.CreditClear(), "acme", ""), sftp.Suggestion{Layout: "CreditClear()", Root: "acme", Downloads: "downloads"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(t, sftptest.Config{Layout: tt.there})
			cfg := b.config
			cfg.Layout = sftp.CreditClear()
			cfg.Layout.Uploads[0].Path = "somewhere"
			d, err := sftp.Diagnose(t.Context(), cfg, sftp.DiagnoseOptions{})
			require.ErrorIs(t, err, sftp.ErrFolderMissing)
			require.NotNil(t, d.Suggestion)
			assert.Equal(t, tt.want, *d.Suggestion)
			assert.Contains(t, err.Error(), tt.want.Layout)
		})
	}
}

func TestMockNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	var api sftp.API
	var log recorder
	m := &sftptest.Mock{T: &log}
	api = m
	_, err := api.Upload(t.Context(), ccr.FileFromBytes("a", nil), sftp.UploadOptions{})
	require.ErrorContains(t, err, "UploadFunc")
	_, err = api.List(t.Context(), sftp.ListOptions{})
	require.Error(t, err)
	for _, err := range api.Watch(t.Context(), nil, sftp.WatchOptions{}) {
		require.ErrorContains(t, err, "WatchFunc")
	}
	assert.Len(t, log.lines, 3)
	assert.Contains(t, log.lines[0], "Upload")
}

type recorder struct{ lines []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// On sftp a call takes a timeout and a correlation id. Anything else is
// refused by name, before anything is done.
func TestCallOptions(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c, err := sftp.NewClient(b.config)
	require.NoError(t, err)
	closeAtEnd(t, c)
	assert.Empty(t, b.srv.Logins(), "NewClient does no I/O")

	var r ccr.Response
	_, err = c.List(t.Context(), sftp.ListOptions{}, ccr.CaptureResponse(&r))
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.ErrorContains(t, err, "CaptureResponse")
	for name, o := range map[string]ccr.CallOption{
		"WithCallRetry": ccr.WithCallRetry(ccr.RetryPolicy{MaxAttempts: 1}), "WithHeader": ccr.WithHeader("X-Tenant", "a"),
	} {
		_, err = c.Stat(t.Context(), "a.csv", sftp.StatOptions{}, o)
		require.ErrorIs(t, err, ccr.ErrInvalid)
		assert.ErrorContains(t, err, name)
	}
	for _, err := range c.Watch(t.Context(), ccr.DirSink(t.TempDir()), sftp.WatchOptions{}, ccr.CaptureResponse(&r)) {
		require.ErrorIs(t, err, ccr.ErrInvalid)
		break
	}
	assert.Empty(t, b.srv.Logins())

	_, err = c.Stat(t.Context(), "missing.csv", sftp.StatOptions{}, ccr.WithCorrelationID("run-7"))
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Equal(t, "run-7", e.CorrelationID)

	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpOpendir, Kind: sftptest.Delay, Delay: time.Minute})
	_, err = c.List(t.Context(), sftp.ListOptions{}, ccr.WithTimeout(20*time.Millisecond))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	b.srv.CutConnections()
	require.NoError(t, c.Close())
	_, err = c.List(t.Context(), sftp.ListOptions{})
	require.ErrorIs(t, err, sftp.ErrClosed)
}

func TestSuggestionIsGoCode(t *testing.T) {
	t.Parallel()
	s := sftp.Suggestion{Layout: "CreditClear()", Root: "acme", Downloads: "download"}
	assert.Equal(t, "layout := sftp.CreditClear()\nlayout.Root, layout.Downloads = \"acme\", \"download\"\n", s.Go())
	s.Layout = "CreditClearOlder(ManualImport or AutomatedImport)"
	assert.Contains(t, s.Go(), "sftp.CreditClearOlder(sftp.AutomatedImport) // or sftp.ManualImport")
	assert.Contains(t, sftp.Diagnosis{Suggestion: &s}.String(), s.Go())
}

// TestSameKeyInBothEnvironments: Diagnose refuses a key pair that the other
// environment has, too, before it connects.
func TestSameKeyInBothEnvironments(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	own, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	other, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	b.config.Key = sftp.PrivateKey(own.Private)
	_, err = sftp.Diagnose(t.Context(), b.config, sftp.DiagnoseOptions{OtherKey: sftp.PrivateKey(own.Private)})
	require.ErrorIs(t, err, sftp.ErrKey)
	require.ErrorContains(t, err, "same key pair")
	assert.Empty(t, b.srv.Logins())
	_, err = sftp.Diagnose(t.Context(), b.config, sftp.DiagnoseOptions{OtherKey: sftp.PrivateKey(other.Private)})
	require.NotErrorIs(t, err, sftp.ErrKey)
}

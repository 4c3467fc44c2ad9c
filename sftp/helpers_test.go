package sftp_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const isUnix = runtime.GOOS != "windows" && runtime.GOOS != "plan9"

// proftpdHash is the password hash of an account that cannot log in with a
// password; tests that want one replace the file.
const proftpdHash = "!"

// uploadPermission is what an upload folder allows.
var uploadPermission = sftptest.Permission{List: true, Stat: true, Write: true, Rename: true, Remove: true}

func (b *backend) remove(t *testing.T, name string) {
	t.Helper()
	if b.srv != nil {
		b.srv.RemoveFile(name)
		return
	}
	require.NoError(t, os.Remove(filepath.Join(b.folders, name)))
}

func assertOutcome(t *testing.T, err error, want ccr.Outcome) {
	t.Helper()
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok, "%T is not a *ccr.Error", err)
	assert.Equal(t, want, e.Outcome, "%v", err)
	assert.NotEmpty(t, e.Advice, "%v", err)
	assert.Equal(t, "sftp", e.Service)
}

func generate() (ed25519.PublicKey, ed25519.PrivateKey, error) {
	return ed25519.GenerateKey(rand.Reader)
}

// assertFields checks that an error names exactly these faults.
func assertFields(t *testing.T, err error, paths ...string) {
	t.Helper()
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Path)
	}
	assert.ElementsMatch(t, paths, got)
}

// shortOrLong is how often something is tried: less in a normal run than
// where CCR_SFTP_LONG or CCR_CI_REQUIRE is set.
func shortOrLong(short, long int) int {
	if os.Getenv("CCR_SFTP_LONG") != "" || os.Getenv("CCR_CI_REQUIRE") != "" {
		return long
	}
	return short
}

func assertHasNoClass(t *testing.T, err, class error) {
	t.Helper()
	assert.NotErrorIs(t, err, class)
}

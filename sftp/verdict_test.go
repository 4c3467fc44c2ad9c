package sftp_test

import (
	"testing"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Accounts that may only write or only read get a verdict, not a failure.
func TestDiagnoseVerdict(t *testing.T) {
	t.Parallel()
	reads := sftptest.Permission{List: true, Stat: true, Read: true}
	tests := map[string]struct {
		uploads, downloads sftptest.Permission
		traits             sftptest.Traits
		probe              bool
		verdict            string
		ok, inOrder        bool
	}{
		"both":                 {uploadPermission, reads, sftptest.Traits{}, true, "may send and receive", true, false},
		"both, not tried":      {uploadPermission, reads, sftptest.Traits{}, false, "ProbeWrite tells", true, false},
		"writes only":          {sftptest.Permission{Write: true, Rename: true, Stat: true}, sftptest.Permission{}, sftptest.Traits{}, true, "may only send", true, false},
		"reads only":           {sftptest.Permission{List: true, Stat: true}, reads, sftptest.Traits{}, true, "may only receive", false, false},
		"in order, no re-open": {uploadPermission, reads, sftptest.Traits{InOrder: true, NoReopen: true}, true, "may send and receive", true, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(t, sftptest.Config{Traits: tt.traits})
			b.srv.Allow("/uploads", tt.uploads).Allow("/downloads", tt.downloads)
			o := sftp.DiagnoseOptions{}
			if tt.probe {
				o.ProbeWrite = "uploads"
			}
			d, err := sftp.Diagnose(t.Context(), b.config, o)
			assert.Equal(t, tt.ok, err == nil, "%v", err)
			if !tt.ok {
				require.ErrorIs(t, err, ccr.ErrForbidden)
			}
			assert.Equal(t, tt.ok, d.OK())
			assert.Contains(t, d.Verdict, tt.verdict)
			assert.Contains(t, d.String(), d.Verdict)
			assert.NotEmpty(t, d.Server)
			if tt.inOrder {
				assert.Contains(t, d.String(), "layout.InOrder = true")
				assert.Contains(t, d.String(), "starts over")
			}
		})
	}
}

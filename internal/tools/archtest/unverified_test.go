package archtest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/bacs"
	"github.com/ccr-sdk/ccr/sftp"
)

// What is inferred is no use to a reader who is not told from what, and what
// to do about it.
func TestAssumptionsAreWhole(t *testing.T) {
	t.Parallel()
	for pkg, list := range map[string][]ccr.Assumption{
		"accounts": accounts.Unverified(), "gateway": gateway.Unverified(), "gateway/bacs": bacs.Unverified(),
		"decisioning": decisioning.Unverified(), "sftp": sftp.Unverified(),
	} {
		seen := map[string]bool{}
		for _, a := range list {
			assert.NotEmpty(t, a.Claim, pkg)
			assert.NotEmpty(t, a.Source, "%s: %s", pkg, a.Claim)
			assert.NotEmpty(t, a.IfWrong, "%s: %s", pkg, a.Claim)
			assert.False(t, seen[a.Claim], "%s: %s", pkg, a.Claim)
			seen[a.Claim] = true
		}
		assert.Greater(t, len(seen), 5, pkg)
	}
}

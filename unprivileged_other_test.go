//go:build !linux

package ccr

import (
	"os"
	"testing"
)

// unprivileged runs do as a user who is not root, for whom file modes count.
func unprivileged(t *testing.T, _ string, do func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("SKIPPED: root may write to a read-only folder; run it as another user")
	}
	do()
}

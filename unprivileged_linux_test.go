package ccr

import (
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// unprivileged runs do as the owner of dir who is not root, for whom file
// modes count. The identity is that of one thread, which ends with do.
func unprivileged(t *testing.T, dir string, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	const nobody = 65534
	require.NoError(t, os.Chown(dir, nobody, nobody))
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that nothing else runs on the thread
		err := syscall.Setfsuid(nobody)
		if err == nil {
			do()
		}
		done <- err
	}()
	require.NoError(t, <-done)
}

//go:build unix

package sftp

import (
	"io/fs"
	"os"
	"syscall"
)

// tooOpen is OpenSSH's rule: a key file of our own must be closed to group
// and others. One that belongs to somebody else (a mounted secret) is theirs
// to protect.
func tooOpen(st fs.FileInfo) bool {
	if !st.Mode().IsRegular() || st.Mode().Perm()&0o077 == 0 {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int64(sys.Uid) == int64(os.Getuid())
}

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// rcloneVersion is the peer that is built from the Go module proxy.
const rcloneVersion = "v1.75.1"

// findTools looks for the programs of others. rclone is built, which takes
// minutes the first time, if a case needs it.
func (s *shared) findTools(ctx context.Context, needed map[string]bool) {
	for name, program := range map[string]string{"sftp(1)": "sftp", "sshd": "sshd"} {
		path, err := exec.LookPath(program)
		for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} { // not in everybody's PATH
			if err != nil {
				path, err = exec.LookPath(filepath.Join(dir, program))
			}
		}
		if err != nil {
			s.why[name] = "not installed (Debian: openssh-client, openssh-server)"
			continue
		}
		s.tools[name] = path
	}
	if !needed["rclone"] {
		return
	}
	say("building rclone %s", rcloneVersion)
	cmd := exec.CommandContext(ctx, "go", "install", "github.com/rclone/rclone@"+rcloneVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+s.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		s.why["rclone"] = "cannot be built"
		say("rclone cannot be built: %v: %s", err, lines[len(lines)-1])
		return
	}
	s.tools["rclone"] = filepath.Join(s.dir, "rclone")
}

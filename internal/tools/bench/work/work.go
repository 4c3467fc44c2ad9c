// Package work is what the benchmark program and its SFTP client processes have
// in common.
package work

import "os"

// Transfer is one piece of work of the SFTP cases, done by every client alike.
type Transfer struct {
	Endpoint Endpoint
	Down     bool
	Local    string // file, or folder of many; of a file that comes down, its folder
	Remote   string // file, or folder of many; of a file that goes up, its folder
	Size     int64  // of one file
	Files    int    // 0: one large file
	Channels int    // of one large file; 0: what the client chooses, or 1
	Defaults bool   // ccr without any option
}

// Endpoint is what a client needs to reach the server.
type Endpoint struct {
	Address string // of the server, or of the delay in front of it
	User    string
	KeyFile string // private key in OpenSSH's form
	Known   string // known_hosts file
	HostKey string // as in authorized_keys
}

// Together is how many small files are on their way at once: the most that
// ccr allows.
const Together = 64

// EachName calls f for each entry of a folder.
func EachName(dir string, f func(name string)) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		f(e.Name())
	}
	return err
}

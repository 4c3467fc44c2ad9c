package main

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// The baseline "own" is the shortest correct engine over pkg/sftp: so many
// work.Together, each with a chunk of the file, through ReadAt and WriteAt. It has
// none of what a client must have beside: no resume, watchdog, retry,
// cancellation, progress, check of the source, sync to disk.
const (
	largeRequest  = 261120 // what OpenSSH takes by limits@openssh.com
	smallRequest  = 32 << 10
	largeInFlight = 16
)

func dialPlain(t work.Transfer) (*ssh.Client, error) {
	pem, err := os.ReadFile(t.Endpoint.KeyFile)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return nil, err
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(t.Endpoint.HostKey))
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", t.Endpoint.Address, &ssh.ClientConfig{
		User: t.Endpoint.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(host), HostKeyAlgorithms: []string{host.Type()},
		Config: ssh.Config{Ciphers: []string{"aes128-gcm@openssh.com"}},
	})
}

func transferWithChunks(t work.Transfer) error {
	conn, err := dialPlain(t)
	if err != nil {
		return err
	}
	request := smallRequest
	if t.Files == 0 {
		request = largeRequest
	}
	channels := make([]*pkgsftp.Client, max(t.Channels, 1))
	for i := range channels {
		if channels[i], err = pkgsftp.NewClient(conn, pkgsftp.MaxPacketUnchecked(request), pkgsftp.UseConcurrentWrites(true), pkgsftp.UseFstat(true)); err != nil {
			return err
		}
	}
	switch {
	case t.Down && t.Files == 0:
		return getChunks(channels, t.Remote, filepath.Join(t.Local, "data"), -1)
	case t.Down:
		entries, err := channels[0].ReadDir(t.Remote)
		if err != nil {
			return err
		}
		return together(len(entries), work.Together, func(i int) error {
			name := entries[i].Name()
			return getChunks(channels, path.Join(t.Remote, name), filepath.Join(t.Local, name), entries[i].Size())
		})
	case t.Files == 0:
		return putChunks(channels, t.Local, path.Join(t.Remote, "data"))
	}
	var names []string
	if err := work.EachName(t.Local, func(name string) { names = append(names, name) }); err != nil {
		return err
	}
	return together(len(names), work.Together, func(i int) error {
		return putChunks(channels, filepath.Join(t.Local, names[i]), path.Join(t.Remote, names[i]))
	})
}

// together runs a job n times, so many at once, and stops at the first error.
func together(n, atOnce int, job func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, min(atOnce, n))
	for w := range errs {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if errs[w] = job(i); errs[w] != nil {
					next.Store(int64(n))
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// inChunks calls do for each chunk of a file, in turns over the channels.
func inChunks(size int64, channels int, do func(channel int, buf []byte, off int64) error) error {
	chunk := int64(largeRequest)
	if size <= smallRequest {
		chunk = smallRequest
	}
	n := int((size + chunk - 1) / chunk)
	buffers := sync.Pool{New: func() any { b := make([]byte, min(chunk, size)); return &b }}
	return together(n, largeInFlight*channels, func(i int) error {
		buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is in there
		defer buffers.Put(buf)
		off := int64(i) * chunk
		return do(i%channels, (*buf)[:min(chunk, size-off)], off)
	})
}

// putChunks writes a temporary name, compares the size and renames.
func putChunks(channels []*pkgsftp.Client, local, remote string) error {
	in, err := os.Open(local)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	temp := remote + ".part"
	files := make([]*pkgsftp.File, len(channels))
	for i, c := range channels {
		if files[i], err = c.OpenFile(temp, os.O_WRONLY|os.O_CREATE); err != nil {
			return err
		}
	}
	err = inChunks(st.Size(), len(channels), func(channel int, buf []byte, off int64) error {
		if _, err := in.ReadAt(buf, off); err != nil {
			return err
		}
		_, err := files[channel].WriteAt(buf, off)
		return err
	})
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return err
	}
	there, err := channels[0].Stat(temp)
	if err != nil {
		return err
	}
	if there.Size() != st.Size() {
		return errors.New("the server has another size")
	}
	return channels[0].PosixRename(temp, remote)
}

func getChunks(channels []*pkgsftp.Client, remote, local string, size int64) error {
	files := make([]*pkgsftp.File, len(channels))
	for i, c := range channels {
		f, err := c.Open(remote)
		if err != nil {
			return err
		}
		defer f.Close()
		files[i] = f
	}
	if size < 0 {
		st, err := files[0].Stat()
		if err != nil {
			return err
		}
		size = st.Size()
	}
	out, err := os.Create(local)
	if err != nil {
		return err
	}
	err = inChunks(size, len(channels), func(channel int, buf []byte, off int64) error {
		if _, err := files[channel].ReadAt(buf, off); err != nil {
			return err
		}
		_, err := out.WriteAt(buf, off)
		return err
	})
	return errors.Join(err, out.Close())
}

package sftp_test

import (
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/ccr-sdk/ccr/sftp"
	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// runPlain is what a program does without this package: pkg/sftp with its
// fast settings, and io.Copy.
func runPlain(cfg sftp.Config, keyFile, hostLine, call, local, remote string) error {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return err
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(hostLine))
	if err != nil {
		return err
	}
	conn, err := ssh.Dial("tcp", cfg.Address, &ssh.ClientConfig{
		User: cfg.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(host), HostKeyAlgorithms: []string{host.Type()},
	})
	if err != nil {
		return err
	}
	c, err := pkgsftp.NewClient(conn, pkgsftp.UseConcurrentWrites(true))
	if err != nil {
		return err
	}
	if call == "pkg-get" {
		from, err := c.Open(path.Join(remote, "data"))
		if err != nil {
			return err
		}
		to, err := os.Create(filepath.Join(local, "data"))
		if err != nil {
			return err
		}
		_, err = io.Copy(to, from)
		return errors.Join(err, to.Close())
	}
	from, err := os.Open(local)
	if err != nil {
		return err
	}
	to, err := c.OpenFile(path.Join(remote, "data"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

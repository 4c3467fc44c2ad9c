package engine

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/ccr-sdk/ccr"
)

// A connection that breaks in the middle of the login is not a refusal: it is
// tried again. A key that the server refuses is one.
func TestLoginThatBreaks(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]bool{"broken": true, "refused": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			served := make(chan struct{})
			t.Cleanup(func() { l.Close(); <-served }) //nolint:errcheck // it ends either way
			host := signer(t)
			go func() {
				defer close(served)
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				conf := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
					if breaks {
						conn.Close() //nolint:errcheck // the line breaks
					}
					return nil, errors.New("refused")
				}}
				conf.AddHostKey(host)
				ssh.NewServerConn(conn, conf) //nolint:errcheck // it fails
			}()
			_, err = Dial(t.Context(), Target{
				Address: l.Addr().String(), User: "user", Signer: signer(t), ClientVersion: "SSH-2.0-test",
				Hosts: &Verifier{Algorithms: []string{ssh.KeyAlgoED25519}, Exact: true, Check: func(ssh.PublicKey) error { return nil }},
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, network, address)
				},
			})
			failed, ok := errors.AsType[*ConnectError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, StepLogin, failed.Step)
			assert.True(t, failed.Offered)
			assert.Equal(t, !breaks, errors.Is(err, ccr.ErrUnauthorized), "%v", err)
		})
	}
}

func signer(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	return s
}

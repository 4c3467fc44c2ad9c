package memnet_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/ccr-sdk/ccr/internal/memnet"
)

// serverTLS makes a certificate for host. Fake time starts in the year 2000.
func serverTLS(t *testing.T, host string) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// HTTP/1.1 and HTTP/2 over TLS, where an hour of waiting takes no time.
func TestHTTPWithFakeTime(t *testing.T) {
	t.Parallel()
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n memnet.Network
				l, err := n.Listen("api.example:443")
				require.NoError(t, err)
				serverConf, clientConf := serverTLS(t, "api.example")
				srv := &http.Server{
					TLSConfig: serverConf, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
					Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						body, err := io.ReadAll(r.Body)
						assert.NoError(t, err)
						select {
						case <-time.After(time.Hour):
							_, _ = w.Write(body)
						case <-r.Context().Done():
						}
					}),
				}
				served := make(chan error, 1)
				go func() { served <- srv.ServeTLS(l, "", "") }()
				tr := &http.Transport{DialContext: n.DialContext, TLSClientConfig: clientConf, ForceAttemptHTTP2: proto == "HTTP/2.0"}
				client := &http.Client{Transport: tr}

				body := bytes.Repeat([]byte("debtor,1.00\n"), 300_000) // several buffers' worth
				start := time.Now()
				for range 2 { // the second on the kept connection
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example/echo", bytes.NewReader(body))
					require.NoError(t, err)
					res, err := client.Do(req)
					require.NoError(t, err)
					got, err := io.ReadAll(res.Body)
					require.NoError(t, err)
					require.NoError(t, res.Body.Close())
					require.True(t, bytes.Equal(body, got))
					require.Equal(t, proto, res.Proto)
				}
				require.Equal(t, 2*time.Hour, time.Since(start))

				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example/echo", nil)
				require.NoError(t, err)
				res, err := client.Do(req)
				if err == nil {
					_ = res.Body.Close()
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 2*time.Hour+10*time.Minute, time.Since(start))

				tr.CloseIdleConnections()
				require.NoError(t, srv.Shutdown(t.Context()))
				require.ErrorIs(t, <-served, http.ErrServerClosed)
			})
		})
	}
}

func TestSSHWithFakeTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		_, hostKey, err := ed25519.GenerateKey(rand.Reader)
		require.NoError(t, err)
		signer, err := ssh.NewSignerFromKey(hostKey)
		require.NoError(t, err)
		conf := &ssh.ServerConfig{NoClientAuth: true}
		conf.AddHostKey(signer)
		go serveSSHEcho(t, l, conf)

		conn, err := l.DialContext(t.Context(), "tcp", "sftp.example:22")
		require.NoError(t, err)
		cc, chans, reqs, err := ssh.NewClientConn(conn, "sftp.example:22", &ssh.ClientConfig{
			User: "u", HostKeyCallback: ssh.FixedHostKey(signer.PublicKey()),
		})
		require.NoError(t, err)
		client := ssh.NewClient(cc, chans, reqs)
		start := time.Now()
		ch, chReqs, err := client.OpenChannel("echo", nil)
		require.NoError(t, err)
		go ssh.DiscardRequests(chReqs)
		sent := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
		go func() {
			_, err := ch.Write(sent)
			assert.NoError(t, err)
			assert.NoError(t, ch.CloseWrite())
		}()
		got, err := io.ReadAll(ch)
		require.NoError(t, err)
		require.True(t, bytes.Equal(sent, got))
		require.Equal(t, time.Hour, time.Since(start))

		// a peer that went quiet: only a deadline ends it
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		require.ErrorIs(t, client.Wait(), os.ErrDeadlineExceeded)
		_ = client.Close()
		require.NoError(t, l.Close())
	})
}

// serveSSHEcho answers each channel with what it sent, an hour later.
func serveSSHEcho(t *testing.T, l net.Listener, conf *ssh.ServerConfig) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, chans, reqs, err := ssh.NewServerConn(conn, conf)
		if !assert.NoError(t, err) {
			return
		}
		go ssh.DiscardRequests(reqs)
		go func() {
			for c := range chans {
				ch, chReqs, err := c.Accept()
				if !assert.NoError(t, err) {
					return
				}
				go ssh.DiscardRequests(chReqs)
				data, err := io.ReadAll(ch)
				assert.NoError(t, err)
				<-time.After(time.Hour)
				_, err = ch.Write(data)
				assert.NoError(t, err)
				assert.NoError(t, ch.Close())
			}
		}()
	}
}

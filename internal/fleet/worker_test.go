//go:build unix

package fleet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
	"github.com/ccr-sdk/ccr/sftp"
)

// workerEnv makes the test program a worker in place of the tests.
const workerEnv = "CCR_FLEET_WORKER"

// lease is that of the workers: short, so that the tests are.
var lease = ccr.LeasePolicy{Lease: 2 * time.Second}

// job is what a worker does, over and over until it is done.
type job struct {
	Call    string // upload, drop, ensure, reports or returns
	Ledger  string // the socket
	Offset  time.Duration
	Lease   time.Duration // 0: that of lease
	URL, CA string
	// Of the vendor's account.
	User, Key, IP, Customer string
	HostKey                 string
	// Of a Receive.
	Dir, Sink string
}

const (
	done    = "done"
	unknown = "unknown"
)

func TestMain(m *testing.M) {
	text := os.Getenv(workerEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	fmt.Println(j.work(ctx))
}

// work calls until there is a result. It says how often others had the claim.
func (j job) work(ctx context.Context) string {
	call, err := j.prepare(ctx)
	if err != nil {
		return "error: " + err.Error()
	}
	for {
		err := call(ctx)
		d := ccr.DispositionOf(err)
		switch d.Action {
		case ccr.ActionDone:
			return done
		case ccr.ActionSettle:
			return unknown + ": " + err.Error()
		case ccr.ActionElsewhere:
			time.Sleep(min(max(d.After, 50*time.Millisecond), 500*time.Millisecond))
		case ccr.ActionRetry:
			if !errors.Is(err, ccr.ErrNotSent) {
				return "error: " + err.Error()
			}
			fmt.Println("again:", err)
			time.Sleep(100 * time.Millisecond)
		default:
			return "error: " + err.Error()
		}
		if ctx.Err() != nil {
			return "error: " + ctx.Err().Error()
		}
	}
}

const fileName = "COLLECTIONS.csv"

// content is what is sent: enough for a kill in the middle.
func content() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 20_000) }

func (j job) prepare(ctx context.Context) (func(context.Context) error, error) {
	ledger := ledgerd.Dial(j.Ledger, j.Offset)
	file := ccr.FileFromBytes(fileName, content())
	switch j.Call {
	case "upload":
		c, err := j.gateway()
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			_, err := c.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{file}, Overwrite: true, Ledger: ledger})
			return err
		}, nil
	case "drop":
		c, err := j.drop(ctx)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			_, err := c.Upload(ctx, file, sftp.UploadOptions{Ledger: ledger})
			return err
		}, nil
	case "ensure":
		c, err := j.decisioning()
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			_, err := c.EnsureAnalysis(ctx, j.Customer, "application-1", decisioning.AnalysisInput{}, decisioning.EnsureOptions{Ledger: ledger})
			return err
		}, nil
	}
	if j.Call == "reports" || j.Call == "returns" {
		return j.receive(ctx, ledger)
	}
	return nil, fmt.Errorf("no such call: %q", j.Call)
}

func (j job) lease() ccr.LeasePolicy {
	if j.Lease > 0 {
		return ccr.LeasePolicy{Lease: j.Lease}
	}
	return lease
}

func (j job) options() []ccr.Option {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(j.CA))
	return []ccr.Option{
		ccr.WithLease(j.lease()), ccr.WithBaseURL(j.URL), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 2}),
		ccr.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}),
	}
}

func (j job) gateway() (*gateway.Client, error) {
	return gateway.NewClient(auth.APIKey{Key: ccr.NewSecret(j.Key), Username: j.User, IP: j.IP}, j.options()...)
}

func (j job) decisioning() (*decisioning.Client, error) {
	cred, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: j.URL + "/v1/oauth/token", ClientID: decisioningtest.ClientID, ClientSecret: ccr.NewSecret(decisioningtest.ClientSecret),
	})
	if err != nil {
		return nil, err
	}
	return decisioning.NewClient(cred, j.options()...)
}

func (j job) drop(ctx context.Context) (*sftp.Client, error) {
	return sftp.Dial(ctx, sftp.Config{
		Address: j.URL, User: j.User, Key: sftp.PrivateKeyFile(j.Key), HostKeys: sftp.HostPublicKeys(j.HostKey),
		Layout: sftp.CreditClear(), Lease: j.lease(), Retry: ccr.RetryPolicy{MaxAttempts: 3, BaseDelay: 20 * time.Millisecond},
	})
}

// worker is a process of a fleet.
type worker struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	ended  chan struct{}
	mu     sync.Mutex
	killed bool
}

func (j job) start(t *testing.T) *worker {
	t.Helper()
	text, err := json.Marshal(j)
	require.NoError(t, err)
	exe, err := os.Executable()
	require.NoError(t, err)
	w := &worker{cmd: exec.Command(exe), ended: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	require.NoError(t, w.cmd.Start())
	go func() {
		w.cmd.Wait() //nolint:errcheck // its output tells
		close(w.ended)
	}()
	t.Cleanup(w.kill)
	return w
}

func (w *worker) signal(s syscall.Signal) {
	w.cmd.Process.Signal(s) //nolint:errcheck // it may have ended by itself
}

func (w *worker) kill() {
	select {
	case <-w.ended:
	default:
		w.mu.Lock()
		w.killed = true
		w.mu.Unlock()
		w.signal(syscall.SIGKILL)
		<-w.ended
	}
}

func (w *worker) over() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// result is the last line of its output, or "" if it was killed before.
func (w *worker) result() string {
	<-w.ended
	lines := strings.Split(strings.TrimSpace(w.out.String()), "\n")
	last := lines[len(lines)-1]
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.killed && last != done && !strings.HasPrefix(last, unknown) {
		return ""
	}
	return last
}

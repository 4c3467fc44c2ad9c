package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// referee owns the vendors, the broken lines to them and the client process,
// and knows what should have arrived.
type referee struct {
	rand    *rand.Rand
	dir     string
	setup   setup
	secrets []string
	proxies []*proxy.Proxy

	accounts    *accountstest.Server
	bureau      *gatewaytest.Server
	algoan      *decisioningtest.Server
	gate        *sftptest.Server
	closers     []func()
	reports     int // made to wait at the bureau
	returns     int // made to wait in downloads
	kills       int
	clientFails int
}

func run(ctx context.Context, d time.Duration, seed uint64) (*tally, error) {
	t := &tally{seed: seed, operations: map[string]int{}, faults: map[string]int64{}}
	start := time.Now()
	dir, err := os.MkdirTemp("", "ccr-chaos-")
	if err != nil {
		return t, err
	}
	defer os.RemoveAll(dir)
	r := &referee{rand: rand.New(rand.NewPCG(seed, 1)), dir: dir}
	defer r.close()
	if err := r.start(seed); err != nil {
		return t, err
	}
	err = r.trouble(ctx, d)
	if err == nil {
		for _, p := range r.proxies {
			p.Clear()
			p.Release()
			p.CutAll()
		}
		err = r.drain(ctx)
	}
	if err == nil {
		err = r.verify(t)
	}
	t.took, t.kills = time.Since(start), r.kills
	for _, p := range r.proxies {
		for kind, n := range p.Stats().Faults {
			t.faults[string(kind)] += int64(n)
		}
	}
	return t, err
}

// start makes the vendors and a proxy before each.
func (r *referee) start(seed uint64) (err error) {
	if r.accounts, err = accountstest.NewServer(accountstest.Config{Looks: 1}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.accounts.Close)
	if r.bureau, err = gatewaytest.NewServer(gatewaytest.Config{}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.bureau.Close)
	if r.algoan, err = decisioningtest.NewServer(decisioningtest.Config{Processing: 10 * time.Millisecond}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.algoan.Close)
	if r.gate, err = sftptest.NewServer(sftptest.Config{}); err != nil {
		return err
	}
	r.closers = append(r.closers, r.gate.Close)
	r.gate.Allow("/downloads", sftptest.Permission{List: true, Stat: true, Read: true, Remove: true})
	r.accounts.KeepNoRecord()
	r.bureau.KeepNoRecord()
	r.algoan.KeepNoRecord()
	r.gate.KeepNoRecord()

	key, err := r.bureau.Credential().Key.Reveal()
	if err != nil {
		return err
	}
	userKey, err := r.gate.Key().Reveal()
	if err != nil {
		return err
	}
	s := setup{
		Dir:      filepath.Join(r.dir, "client"),
		TokenURL: r.accounts.TokenURL(), ClientID: r.accounts.ClientID(), ClientSecret: r.accounts.ClientSecret(), Audience: r.accounts.Audience(),
		DecisioningTokenURL: r.algoan.TokenURL(), DecisioningID: decisioningtest.ClientID, DecisioningSecret: decisioningtest.ClientSecret,
		APIKey: key, Username: r.bureau.Credential().Username, IP: r.bureau.Credential().IP,
		User: r.gate.User().Name, Key: userKey, HostKey: r.gate.Fingerprint(),
	}
	secret, err := r.bureau.Credential().Secret()
	if err != nil {
		return err
	}
	hash, err := secret.Reveal()
	if err != nil {
		return err
	}
	r.secrets = []string{s.ClientSecret, s.DecisioningSecret, s.APIKey, hash, strings.Split(s.Key, "\n")[1]}
	for i, v := range []struct {
		e       *endpoint
		url, ca string
	}{
		{&s.Accounts, r.accounts.URL(), string(r.accounts.CAPEM())}, {&s.Gateway, r.bureau.URL(), string(r.bureau.CAPEM())},
		{&s.Decisioning, r.algoan.URL(), string(r.algoan.CAPEM())}, {&s.SFTP, r.gate.Address(), ""},
	} {
		host := strings.TrimPrefix(v.url, "https://")
		host, _, _ = strings.Cut(host, "/")
		p, err := proxy.Start(proxy.Config{Target: proxy.TCP(host), Seed: seed + uint64(i)})
		if err != nil {
			return err
		}
		r.closers = append(r.closers, func() { p.Close() }) //nolint:errcheck // checked by verify
		r.proxies = append(r.proxies, p.Policy(misfortune))
		*v.e = endpoint{URL: v.url, Proxy: p.Addr().String(), CA: v.ca}
	}
	r.setup = s
	return nil
}

func (r *referee) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
}

// trouble keeps the client running, killing it at random moments, while
// reports and returns keep coming.
func (r *referee) trouble(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for ctx.Err() == nil {
		done, kill, err := r.launch(ctx, false)
		if err != nil {
			return err
		}
		alive := time.After(time.Duration(200+r.rand.IntN(4000)) * time.Millisecond)
		tick := time.NewTicker(150 * time.Millisecond)
	life:
		for {
			select {
			case <-tick.C:
				r.mail()
			case <-alive:
				r.kills++
				kill()
				<-done
				break life
			case err := <-done:
				// It must not end by itself.
				if r.clientFails++; r.clientFails > 3 {
					return fmt.Errorf("the client ended by itself: %w", err)
				}
				break life
			case <-ctx.Done():
				r.kills++
				kill()
				<-done
				break life
			}
		}
		tick.Stop()
	}
	return nil
}

// mail makes a report and a return file wait.
func (r *referee) mail() {
	r.bureau.AddReport(reportName(r.reports), content("report", r.reports))
	r.reports++
	r.gate.WriteFile("/downloads/"+returnName(r.returns), content("return", r.returns))
	r.returns++
}

func reportName(n int) string { return fmt.Sprintf("report-%05d.csv", n) }
func returnName(n int) string { return fmt.Sprintf("return-%05d.csv", n) }

// launch starts the client process.
func (r *referee) launch(ctx context.Context, drain bool) (done <-chan error, kill func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	s := r.setup
	s.Drain = drain
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, nil, err
	}
	env, err := json.Marshal(s)
	if err != nil {
		return nil, nil, err
	}
	out, err := os.OpenFile(filepath.Join(s.Dir, "printed"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), setupVariable+"="+string(env))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, out.Close())
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		ended <- errors.Join(err, out.Close())
	}()
	return ended, func() { cmd.Process.Kill() }, nil //nolint:errcheck // it may have ended
}

// drain lets the client finish what it began, over whole connections.
func (r *referee) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	done, kill, err := r.launch(ctx, true)
	if err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		kill()
		<-done
		tail, _ := lines(filepath.Join(r.setup.Dir, "printed"))
		return fmt.Errorf("the client did not finish what it had begun: %s", strings.Join(tail[max(0, len(tail)-3):], "; "))
	}
}

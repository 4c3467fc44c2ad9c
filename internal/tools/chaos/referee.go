package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// referee owns the vendors, the broken lines to them, the ledger and the
// client processes,
// and knows what should have arrived.
type referee struct {
	rand    *rand.Rand
	dir     string
	setup   setup
	secrets []string
	proxies []*proxy.Proxy

	accounts *accountstest.Server
	bureau   *gatewaytest.Server
	algoan   *decisioningtest.Server
	gate     *sftptest.Server
	closers  []func()
	reports  int // made to wait at the bureau
	returns  int // made to wait in downloads
	kills    int
	ended    []string // clients that ended by themselves
}

func run(ctx context.Context, d time.Duration, clients int, seed uint64) (*tally, error) {
	t := &tally{seed: seed, clients: clients, operations: map[string]int{}, faults: map[string]int64{}}
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
	err = r.trouble(ctx, d, clients)
	if err == nil {
		for _, p := range r.proxies {
			p.Clear()
			p.Release()
			p.CutAll()
		}
		err = r.drain(ctx, clients)
	}
	if err == nil {
		err = r.verify(t)
	}
	t.took, t.kills = time.Since(start), r.kills
	t.spurious = append(t.spurious, r.ended...)
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
	return r.share()
}

// share makes what the clients share: the ledger, and the vendor's people who
// count batches of payments.
func (r *referee) share() error {
	if err := os.MkdirAll(r.setup.Dir, 0o700); err != nil {
		return err
	}
	file, err := ccr.OpenLedger(filepath.Join(r.setup.Dir, "shared.ledger"))
	if err != nil {
		return err
	}
	r.closers = append(r.closers, func() { file.Close() }) //nolint:errcheck // nothing is under way any more
	r.setup.Ledger = filepath.Join(r.dir, "l")
	server, err := ledgerd.Serve(r.setup.Ledger, file)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, func() { server.Close() }) //nolint:errcheck // likewise
	count := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, b := range r.accounts.Batches() {
			if b.Operation == "ReportPayments" && b.Reference == req.FormValue("reference") {
				return
			}
		}
		http.NotFound(w, req)
	}))
	r.setup.Count = count.URL
	r.closers = append(r.closers, count.Close)
	return nil
}

func (r *referee) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
}

// trouble keeps the clients running, killing one at a time at random moments
// while the others live, and reports and returns keep coming.
func (r *referee) trouble(ctx context.Context, d time.Duration, clients int) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	live := make([]*process, clients)
	defer func() {
		for _, p := range live {
			if p != nil {
				p.kill()
			}
		}
	}()
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		for i, p := range live {
			if p != nil && p.running() {
				continue
			}
			if p != nil { // it must not end by itself
				r.ended = append(r.ended, fmt.Sprintf("client %d ended by itself: %v", i, p.err))
			}
			p, err := r.launch(i, nil)
			if err != nil {
				return err
			}
			live[i] = p
		}
		if len(r.ended) > 3 {
			return fmt.Errorf("clients end by themselves: %s", strings.Join(r.ended, "; "))
		}
		victim := r.rand.IntN(clients)
		r.mailUntil(ctx, tick, time.Duration(200+r.rand.IntN(2500))*time.Millisecond)
		if live[victim].running() {
			r.kills++
			live[victim].kill()
			live[victim] = nil
		}
		if r.rand.IntN(2) == 0 { // the others live on without it for a while
			r.mailUntil(ctx, tick, time.Duration(r.rand.IntN(2000))*time.Millisecond)
		}
	}
	return nil
}

// mailUntil lets reports and returns come for a while.
func (r *referee) mailUntil(ctx context.Context, tick *time.Ticker, d time.Duration) {
	over := time.After(d)
	for {
		select {
		case <-tick.C:
			r.mail()
		case <-over:
			return
		case <-ctx.Done():
			return
		}
	}
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

// process is a client process.
type process struct {
	cmd  *exec.Cmd
	over chan struct{}
	err  error // once it is over
}

func (p *process) running() bool {
	select {
	case <-p.over:
		return false
	default:
		return true
	}
}

func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-p.over
}

// launch starts a client process; begun is not nil if it is to drain.
func (r *referee) launch(number int, begun map[string]int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := r.setup
	s.Number, s.Drain, s.Begun = number, begun != nil, begun
	env, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(s.file("printed"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(self), over: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), setupVariable+"="+string(env))
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	go func() {
		p.err = errors.Join(p.cmd.Wait(), out.Close())
		close(p.over)
	}()
	return p, nil
}

// begun is how many numbers of each kind any client has begun.
func (r *referee) begun() (map[string]int, error) {
	out := map[string]int{}
	paths, err := filepath.Glob(filepath.Join(r.setup.Dir, "book-*"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		written, err := lines(path)
		if err != nil {
			return nil, err
		}
		for _, line := range written {
			for _, kind := range kinds {
				if number, ok := strings.CutPrefix(line, "begun "+kind+" "); ok {
					if n, err := strconv.Atoi(number); err == nil {
						out[kind] = max(out[kind], n+1)
					}
				}
			}
		}
	}
	return out, nil
}

// drain lets every client finish what any of them began, over whole
// connections.
func (r *referee) drain(ctx context.Context, clients int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	begun, err := r.begun()
	if err != nil {
		return err
	}
	var live []*process
	for i := range clients {
		p, err := r.launch(i, begun)
		if err != nil {
			return err
		}
		live = append(live, p)
	}
	for i, p := range live {
		select {
		case <-p.over:
			err = errors.Join(err, p.err)
		case <-ctx.Done():
			p.kill()
			s := setup{Dir: r.setup.Dir, Number: i}
			tail, _ := lines(s.file("printed"))
			err = errors.Join(err, fmt.Errorf("client %d did not finish what was begun: %s", i, strings.Join(tail[max(0, len(tail)-3):], "; ")))
		}
	}
	return err
}

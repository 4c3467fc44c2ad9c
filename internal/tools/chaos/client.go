package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
	"github.com/ccr-sdk/ccr/sftp"
)

// The kinds of work.
const (
	kindAccounts = "accounts batch job"
	kindPayments = "payments batch job"
	kindUpload   = "gateway upload"
	kindReports  = "gateway receive"
	kindDecision = "decisioning decision"
	kindDrop     = "sftp upload"
	kindReturns  = "sftp receive"
)

// kinds are the kinds of work in the order of the table.
var kinds = []string{kindAccounts, kindPayments, kindUpload, kindReports, kindDecision, kindDrop, kindReturns}

// stillUnderWay is how long a request can be held up on these lines (stalls
// and slow stretches) and reach the vendor all the same, even after the
// process that sent it has died.
const stillUnderWay = 6 * time.Second

// lease is that of all clients: what a killed one held is taken over soon.
var lease = ccr.LeasePolicy{Lease: 3 * time.Second, Grace: stillUnderWay}

// client is one of the processes that get killed. All that it knows after a
// restart is in the ledger, the sinks and its book of finished work.
type client struct {
	*setup
	log    *slog.Logger
	book   *book
	ledger ccr.Ledger

	accounts    *accounts.Client
	gateway     *gateway.Client
	decisioning *decisioning.Client
}

func runClient(ctx context.Context) error {
	s, err := readSetup()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.file("client.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c := &client{setup: s, ledger: ledgerd.Dial(s.Ledger, 0), log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if c.book, err = openBook(s.file("book")); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	c.log.Info("client", "config", c.setup.Gateway.URL, "accounts", c.accounts, "gateway", c.gateway, "decisioning", c.decisioning)
	var wg sync.WaitGroup
	for kind, work := range map[string]workFunc{
		kindAccounts: c.sendAccounts, kindPayments: c.sendPayments, kindUpload: c.upload, kindDecision: c.decide, kindDrop: c.drop,
	} {
		wg.Go(func() { c.each(ctx, kind, work) })
	}
	wg.Go(func() { c.receive(ctx, kindReports, c.receiveReports) })
	wg.Go(func() { c.receive(ctx, kindReturns, c.receiveReturns) })
	wg.Wait()
	return nil
}

func (c *client) connect() error {
	tokens, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: c.TokenURL, ClientID: c.ClientID, ClientSecret: ccr.NewSecret(c.ClientSecret), Audience: c.Audience, Encoding: auth.EncodingJSON,
	})
	if err != nil {
		return err
	}
	log := ccr.WithLogger(c.log)
	if c.accounts, err = accounts.NewClient(tokens, append(c.Accounts.options(), log)...); err != nil {
		return err
	}
	algoan, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: c.DecisioningTokenURL, ClientID: c.DecisioningID, ClientSecret: ccr.NewSecret(c.DecisioningSecret),
	})
	if err != nil {
		return err
	}
	if c.decisioning, err = decisioning.NewClient(algoan, append(c.Decisioning.options(), log)...); err != nil {
		return err
	}
	c.gateway, err = gateway.NewClient(auth.APIKey{Key: ccr.NewSecret(c.APIKey), Username: c.Username, IP: c.IP}, append(c.Gateway.options(), log)...)
	return err
}

// dial opens the drop folder; the SDK reconnects by itself afterwards.
func (c *client) dial(ctx context.Context) (*sftp.Client, error) {
	return sftp.Dial(ctx, sftp.Config{
		Address: c.SFTP.URL, User: c.User, Key: sftp.PrivateKey(ccr.NewSecret(c.Key)), HostKeys: sftp.HostFingerprints(c.HostKey),
		Layout: sftp.CreditClear(), DialContext: c.SFTP.dial, HandshakeTimeout: 3 * time.Second, KeepAlive: time.Second,
		Retry: impatient(), Logger: c.log, Lease: lease,
	})
}

// task is one number of a kind of work.
type task struct {
	n   int
	due time.Time
	// doubtful: its outcome was unknown, for so long that nothing of it can be
	// under way any more.
	doubtful bool
	open     map[string]bool // references of the batches that are so
}

// workFunc does number t.n; one that was done before, here or elsewhere, is nil.
type workFunc func(ctx context.Context, t *task) error

// window is how many numbers of a kind a client has begun and not finished.
const window = 8

// each does work number 0, 1, 2 …, each until it is finished, and notes it.
// Those that must wait, since another client is at them or since their outcome
// is unknown, are looked at again later.
func (c *client) each(ctx context.Context, kind string, work workFunc) {
	var open []*task
	for next := 0; ctx.Err() == nil; {
		t := first(open)
		switch {
		case t != nil && !time.Now().Before(t.due): // its turn
		case len(open) < window && !(c.Drain && next >= c.Begun[kind]):
			t = &task{n: next}
			next++
			if c.book.has(kind, t.n) {
				continue
			}
			if !c.note(kind, "begun "+kind, t.n) {
				return
			}
			open = append(open, t)
		case t == nil:
			return // all that was begun is done
		default:
			time.Sleep(min(time.Until(t.due), 50*time.Millisecond))
			continue
		}
		if !c.do(ctx, kind, t, work) {
			continue
		}
		if !c.note(kind, kind, t.n) {
			return
		}
		open = without(open, t)
	}
}

func first(open []*task) (t *task) {
	for _, o := range open {
		if t == nil || o.due.Before(t.due) {
			t = o
		}
	}
	return t
}

func without(open []*task, t *task) (left []*task) {
	for _, o := range open {
		if o != t {
			left = append(left, o)
		}
	}
	return left
}

func (c *client) note(kind, what string, n int) bool {
	err := c.book.write(what, n)
	if err != nil {
		c.fail(kind, err, true)
	}
	return err == nil
}

// do works on a task once, and says when it is due again unless it is done.
func (c *client) do(ctx context.Context, kind string, t *task, work workFunc) bool {
	err := c.attempt(ctx, kind, func(ctx context.Context) error { return work(ctx, t) })
	d := ccr.DispositionOf(err)
	wait := 10 * time.Millisecond
	switch {
	case err == nil:
		if t.doubtful {
			c.log.Info("settled", "kind", kind, "number", t.n)
		}
		return true
	case d.Action == ccr.ActionElsewhere:
		c.log.Info("elsewhere", "kind", kind, "number", t.n)
		wait = min(d.After+wait, time.Second)
	case d.Action == ccr.ActionSettle:
		wait, t.doubtful = stillUnderWay, true
	}
	t.due = time.Now().Add(wait)
	return false
}

// attempt runs work once; what it prints is scanned for leaks, and an error
// that neither a broken line nor a kill explains counts.
func (c *client) attempt(ctx context.Context, kind string, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err := work(ctx)
	if err != nil && !(kind != kindReports && kind != kindReturns && ccr.DispositionOf(err).Action == ccr.ActionElsewhere) {
		c.fail(kind, err, spurious(err, ctx.Err() != nil))
	}
	return err
}

// fail prints an error every way that a careless program might.
func (c *client) fail(kind string, err error, spurious bool) {
	fmt.Fprintf(os.Stderr, "%s: %v | %+v | %#v | %s\n", kind, err, err, err, err)
	msg := "failed"
	if spurious {
		msg = "spurious"
	}
	c.log.Error(msg, "kind", kind, "error", err)
}

// receive brings in what waits, again and again, and acts as the consumer who
// takes files away.
func (c *client) receive(ctx context.Context, kind string, work func(context.Context) (waiting int, err error)) {
	quiet := 0
	for ctx.Err() == nil {
		waiting := 0
		err := c.attempt(ctx, kind, func(ctx context.Context) (err error) {
			waiting, err = work(ctx)
			return err
		})
		switch {
		case err != nil:
			quiet = 0
			time.Sleep(10 * time.Millisecond)
		case waiting > 0:
			quiet = 0
			time.Sleep(50 * time.Millisecond)
		default:
			if quiet++; c.Drain && quiet > 3 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// consume takes what a sink delivered out of it, into a folder where nothing
// is ever replaced: a second delivery of the same name gets another name.
// Other clients take, too; what one of them has is theirs.
func (c *client) consume(sink string) error {
	entries, err := os.ReadDir(filepath.Join(c.Dir, sink))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		for copyNumber := 0; ; copyNumber++ {
			to := filepath.Join(c.Dir, "consumed", fmt.Sprintf("%s %d-%d %s", sink, c.Number, copyNumber, e.Name()))
			if _, err := os.Stat(to); err == nil {
				continue
			}
			if err := os.Rename(filepath.Join(c.Dir, sink, e.Name()), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			break
		}
	}
	return nil
}

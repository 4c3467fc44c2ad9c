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
	"github.com/ccr-sdk/ccr/sftp"
)

// kinds are the kinds of work, in the order of the table.
var kinds = []string{"accounts batch job", "gateway upload", "gateway receive", "decisioning decision", "sftp upload", "sftp receive"}

// client is the process that gets killed. All it knows after a restart is in
// its folder: ledgers, sinks, and the book of finished work.
type client struct {
	*setup
	log    *slog.Logger
	book   *book
	outbox ccr.Ledger
	jobs   ccr.Ledger

	accounts    *accounts.Client
	gateway     *gateway.Client
	decisioning *decisioning.Client
}

func runClient(ctx context.Context) error {
	s, err := readSetup()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.Dir, "client.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c := &client{setup: s, log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if c.book, err = openBook(filepath.Join(s.Dir, "book")); err != nil {
		return err
	}
	outbox, err := ccr.OpenLedger(filepath.Join(s.Dir, "sent.ledger"))
	if err != nil {
		return err
	}
	defer outbox.Close()
	c.outbox = outbox
	jobs, err := ccr.OpenLedger(filepath.Join(s.Dir, "jobs.ledger"))
	if err != nil {
		return err
	}
	defer jobs.Close()
	c.jobs = jobs
	if err := c.connect(); err != nil {
		return err
	}
	c.log.Info("client", "config", c.setup.Gateway.URL, "accounts", c.accounts, "gateway", c.gateway, "decisioning", c.decisioning)
	var wg sync.WaitGroup
	for kind, work := range map[string]func(context.Context, int) error{
		kinds[0]: c.sendAccounts, kinds[1]: c.upload, kinds[3]: c.decide, kinds[4]: c.drop,
	} {
		wg.Go(func() { c.repeat(ctx, kind, work) })
	}
	wg.Go(func() { c.receive(ctx, kinds[2], c.receiveReports) })
	wg.Go(func() { c.receive(ctx, kinds[5], c.receiveReturns) })
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
		Retry: impatient(), Logger: c.log,
	})
}

// repeat does work number 0, 1, 2 …, each until it is finished, and notes it.
func (c *client) repeat(ctx context.Context, kind string, work func(context.Context, int) error) {
	for n := 0; ctx.Err() == nil; n++ {
		line := fmt.Sprintf("%s %d", kind, n)
		if c.book.has(line) {
			continue
		}
		begun := "begun " + line
		if c.Drain && !c.book.has(begun) {
			return
		}
		if err := c.book.write(begun); err != nil {
			c.fail(kind, err)
			return
		}
		for !c.attempt(ctx, kind, func(ctx context.Context) error { return work(ctx, n) }) {
		}
		if err := c.book.write(line); err != nil {
			c.fail(kind, err)
			return
		}
	}
}

// attempt runs work once; what it prints is scanned for leaks.
func (c *client) attempt(ctx context.Context, kind string, work func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err := work(ctx)
	if err != nil {
		c.fail(kind, err)
		time.Sleep(10 * time.Millisecond)
	}
	return err == nil
}

// fail prints an error every way that a careless program might.
func (c *client) fail(kind string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v | %+v | %#v | %s\n", kind, err, err, err, err)
	c.log.Error("failed", "kind", kind, "error", err)
}

// settled notes that an unknown outcome was found out about.
func (c *client) settled(what string) { c.log.Info("settled", "what", what) }

// receive brings in what waits, again and again, and acts as the consumer who
// takes files away.
func (c *client) receive(ctx context.Context, kind string, work func(context.Context) (waiting int, err error)) {
	quiet := 0
	for ctx.Err() == nil {
		waiting := 0
		ok := c.attempt(ctx, kind, func(ctx context.Context) (err error) {
			waiting, err = work(ctx)
			return err
		})
		if ok && waiting == 0 {
			if quiet++; c.Drain && quiet > 3 {
				return
			}
			time.Sleep(50 * time.Millisecond)
			continue
		}
		quiet = 0
	}
}

// consume takes what a sink delivered out of it, into a folder where nothing
// is ever replaced: a second delivery of the same name gets another name.
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
			to := filepath.Join(c.Dir, "consumed", fmt.Sprintf("%s %d %s", sink, copyNumber, e.Name()))
			if _, err := os.Stat(to); err == nil {
				continue
			}
			if err := os.Rename(filepath.Join(c.Dir, sink, e.Name()), to); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

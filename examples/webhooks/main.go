// Command webhooks receives Credit Clear's webhooks, verifies them, handles
// each once, and prints what came.
//
//	go run ./examples/webhooks
//
// Without -listen it serves on loopback, for all four authentication styles,
// and sends itself some events as Credit Clear would; nothing leaves the
// machine. With -listen it waits for the real ones, in one style, over TLS:
//
//	go run ./examples/webhooks -listen :8443 -cert cert.pem -key key.pem -style bearer
//
// and reads the style's secrets from the environment variables that -help
// lists. The webhook is at /credit-clear; with -style oauth the token endpoint
// is at /token. Events are remembered in memory only: a real program gives the
// handler a ledger that survives a restart, and stores events before the response.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "webhooks:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	in := newInbox(stdout)
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	if o.listen == "" {
		return demonstrate(ctx, in, logger)
	}
	auth, tokens, err := styleFromEnv(o.style)
	if err != nil {
		return err
	}
	hook, err := accounts.NewWebhookHandler(in.config(logger, auth))
	if err != nil {
		return err
	}
	return serve(ctx, o, routes(hook, tokens), hook, logger)
}

// serve waits for webhooks until it is interrupted, and then for the work.
func serve(ctx context.Context, o options, h http.Handler, hook *accounts.WebhookHandler, logger *slog.Logger) error {
	srv := &http.Server{
		Addr: o.listen, Handler: h,
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.ListenAndServeTLS(o.cert, o.key) }()
	logger.Info("waiting for webhooks", slog.String("address", o.listen), slog.String("path", "/credit-clear"))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(ctx), hook.Close(ctx))
}

// inbox prints what events are about, without any personal data.
type inbox struct {
	mu  sync.Mutex
	out io.Writer
}

func (in *inbox) config(logger *slog.Logger, auth ...accounts.WebhookAuth) accounts.WebhookConfig {
	return accounts.WebhookConfig{Auth: auth, Handle: in.handle, Ledger: ccr.NewMemoryLedger(), Logger: logger}
}

func (in *inbox) handle(_ context.Context, e accounts.Event) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	about := ""
	switch d := e.Data.(type) {
	case accounts.PaymentFailedData:
		about = fmt.Sprintf("%s of %v failed", d.PaymentType, d.Amount)
		if n := d.NonAdhocPaymentFailedSinceLastSuccess; n != nil {
			about += fmt.Sprintf(", %d in a row", *n)
		}
	case accounts.AdhocPaymentMadeData:
		about = fmt.Sprintf("%s of %v", d.PaymentType, d.Amount)
	case accounts.PaymentPlanCancelledData:
		about = fmt.Sprintf("%s plan of %v, cancelled %v", d.PaymentFrequency, d.RecurringAmount, d.CancelledDate)
	case accounts.PaymentPlanCompleteData:
		about = fmt.Sprintf("ended %v", d.EndDate)
	default:
		if !e.Type.Known() {
			about = "an event that this program does not know"
		}
	}
	_, err := fmt.Fprintf(in.out, "%-26s %s\n", e.Type, about)
	return err
}

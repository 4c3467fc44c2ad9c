package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// openLedgerCase opens a ledger of so many archived reports in a process of
// its own, whose CPU time and peak memory are the figures.
func openLedgerCase(cfg config) benchCase {
	n := 1_000_000
	if cfg.short {
		n = 10_000
	}
	return benchCase{
		name:  fmt.Sprintf("core: open a ledger of %s entries", thousands(n)),
		setup: func(ctx context.Context, w *world) error { return writeLedger(ctx, filepath.Join(w.dir, "ledger"), n) },
		variants: []variant{{name: "ccr", run: func(ctx context.Context, w *world) (figures, error) {
			return w.child(ctx, "open-ledger", filepath.Join(w.dir, "ledger"), strconv.Itoa(n-1))
		}}},
		targets: []target{atMost("cpu-s", "", 2), atMost("peak-MiB", "", 150)},
	}
}

func benchKey(i int) string { return fmt.Sprintf("in.gateway.production.%064x", i) }

func writeLedger(ctx context.Context, path string, n int) error {
	l, err := ccr.OpenLedger(path)
	if err != nil {
		return err
	}
	errs := make([]error, 256) // so many share a sync
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				errs[w] = l.Store(ctx, ccr.LedgerEntry{
					Key: benchKey(i), State: ccr.StateArchived, Service: "gateway", Environment: "production",
					Name: fmt.Sprintf("123456-01012026-2013-%09d.xml", i), Size: 12345, SHA256: strings.Repeat("ab", 32), At: time.Unix(1, 0).UTC(),
				})
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, l.Close())...)
}

// openLedgerJob opens a ledger and looks for the last entry.
func openLedgerJob(ctx context.Context, args []string) (figures, error) {
	if len(args) != 2 {
		return nil, errArgs
	}
	last, err := strconv.Atoi(args[1])
	if err != nil {
		return nil, err
	}
	start := time.Now()
	l, err := ccr.OpenLedger(args[0])
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	e, err := l.Load(ctx, benchKey(last))
	if err == nil && e.State != ccr.StateArchived {
		err = errors.New("the last entry is missing")
	}
	return figures{"s": took.Seconds()}, errors.Join(err, l.Close())
}

// Command chaos drives all four services of ccr through connections that
// break, against in-process vendors, by several live client processes that
// share one ledger and the sink folders, and kills one of them after the other.
// In the end every account, payment, file, report and decision must have
// arrived exactly once, nothing secret or personal may have been printed, and
// no client may have had an error that neither a broken line nor a kill explains.
//
//	go run ./internal/tools/chaos -for 10m
//
// It prints what was done and what went wrong on the way; the last five counts
// (lost, duplicated, corrupted, leaked, spurious) must be 0, else it exits with 1.
// All traffic is on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	if os.Getenv(setupVariable) != "" {
		if err := runClient(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "client:", err)
			os.Exit(1)
		}
		return
	}
	duration := flag.Duration("for", time.Minute, "how long to make trouble")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "where everything random comes from")
	clients := flag.Int("clients", 3, "how many client processes live at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	t, err := run(ctx, *duration, *clients, *seed)
	fmt.Print(t)
	if err == nil && !t.clean() {
		err = errors.New("something was lost, duplicated, corrupted or leaked, or failed without need")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

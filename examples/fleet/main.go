// Command fleet is a fleet on one machine: workers as processes, on River,
// that load accounts, upload files, receive reports and have applications
// decided, while they are killed at random. It ends with a table of what the
// vendors counted.
//
//	go -C examples/fleet run .                                     # over SQLite, to try it
//	DATABASE_URL=postgres://… go -C examples/fleet run .           # over PostgreSQL
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/ccr-sdk/ccr/examples/fleet/referee"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context) error {
	if text := os.Getenv(referee.WorkerEnv); text != "" {
		return referee.Work(ctx, text)
	}
	game := referee.Game{Workers: 3, For: 30 * time.Second, Finish: 3 * time.Minute, Log: os.Stderr}
	if game.URL = os.Getenv("DATABASE_URL"); game.URL == "" {
		dir, err := os.MkdirTemp("", "ccr-fleet-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a folder of its own
		game.SQLite = filepath.Join(dir, "fleet.db")
	}
	table, err := game.Play(ctx)
	if err != nil {
		return err
	}
	fmt.Print(table)
	return table.Err()
}

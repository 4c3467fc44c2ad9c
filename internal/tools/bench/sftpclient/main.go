// Command sftpclient is the client process of the SFTP benchmarks: by ccr, by
// pkg/sftp as its documentation shows it, and by the shortest correct engine
// over pkg/sftp. It links nothing else, so that its memory is the client's.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("{\"peak-MiB\": %.2f}\n", work.OwnPeak())
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: sftpclient ccr|own|pkg/sftp WORK")
	}
	var t work.Transfer
	if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
		return err
	}
	switch args[0] {
	case "ccr":
		return transferWithCCR(context.Background(), t)
	case "own":
		return transferWithChunks(t)
	case "pkg/sftp":
		return transferPlainly(t)
	}
	return fmt.Errorf("unknown client %q", args[0])
}

// Command peers moves files to and from the SFTP servers of others, and prints
// what became of each operation with each of them as a table:
//
//	go run ./internal/tools/peers            # all of it, minutes
//	go run ./internal/tools/peers -short     # smaller files, fewer names
//	go run ./internal/tools/peers -peer rclone,ssh2 -op large,watch
//
// A cell is right if the operation did what it should, or was refused with the
// cause that the peer really has. What arrived is compared on the server's disk
// by another program, sha256sum. The exit status is 1 if a cell is wrong or a
// peer is missing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(child(job))
	}
	var o options
	flag.BoolVar(&o.short, "short", false, "smaller files, fewer names and tries")
	flag.StringVar(&o.tools, "tools", "", "keep what is built and installed in this folder")
	only := flag.String("peer", "", "only peers whose names hold one of these, separated by commas")
	ops := flag.String("op", "", "only these operations, separated by commas")
	flag.Parse()
	o.peers, o.ops = split(*only), split(*ops)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(r.String())
	if !r.right() {
		stop()
		os.Exit(1)
	}
}

func split(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}

// options say what is run, and how much of it.
type options struct {
	short      bool
	tools      string
	peers, ops []string
	exactly    string // one peer
}

// chosen reports whether a name is among those that were asked for.
func chosen(names []string, name string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(name, n) })
}

// cell is one operation with one peer.
type cell struct {
	wrong   bool
	short   string // what the table shows
	details string // of what was refused or is wrong
	took    time.Duration
}

// report is the table.
type report struct {
	peers   []string
	cells   map[string]map[string]cell // by operation and peer
	missing []string
}

func (r *report) right() bool {
	for _, row := range r.cells {
		for _, c := range row {
			if c.wrong {
				return false
			}
		}
	}
	return len(r.missing) == 0
}

// String prints operations as rows and peers as columns, and below the words
// of each refusal.
func (r *report) String() string {
	var b strings.Builder
	b.WriteString("| operation |")
	for _, p := range r.peers {
		b.WriteString(" " + p + " |")
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", 1+len(r.peers)) + "\n")
	var details []string
	for _, op := range operations {
		row, ok := r.cells[op.name]
		if !ok {
			continue
		}
		b.WriteString("| " + op.says + " |")
		for _, p := range r.peers {
			c := row[p]
			b.WriteString(" " + c.short + " |")
			if c.details != "" {
				details = append(details, fmt.Sprintf("%s, %s: %s", p, op.says, c.details))
			}
		}
		b.WriteString("\n")
	}
	if len(details) > 0 {
		b.WriteString("\n" + strings.Join(details, "\n") + "\n")
	}
	for _, m := range r.missing {
		b.WriteString("MISSING: " + m + "\n")
	}
	return b.String()
}

// run runs the operations with the peers, one after the other.
func run(ctx context.Context, o options) (*report, error) {
	w, err := newWorkshop(o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	r := &report{cells: map[string]map[string]cell{}}
	for _, p := range peers {
		if !chosen(o.peers, p.name) || o.exactly != "" && p.name != o.exactly {
			continue
		}
		t, err := w.trial(ctx, p)
		if err != nil {
			r.missing = append(r.missing, p.name+": "+err.Error())
			continue
		}
		r.peers = append(r.peers, p.name)
		for _, op := range operations {
			if !chosen(o.ops, op.name) {
				continue
			}
			if r.cells[op.name] == nil {
				r.cells[op.name] = map[string]cell{}
			}
			c := t.judge(ctx, op)
			r.cells[op.name][p.name] = c
			fmt.Fprintf(os.Stderr, "%-28s %-12s %s (%.1f s)\n", p.name, op.name, c.short, c.took.Seconds())
		}
		t.close()
	}
	return r, nil
}

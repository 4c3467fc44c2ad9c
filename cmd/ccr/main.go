package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := &app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		asks:   term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		redraw: term.IsTerminal(int(os.Stderr.Fd())),
	}
	code := a.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// app is one run of the command.
type app struct {
	in       io.Reader
	out, err io.Writer
	asks     bool // there is somebody to ask
	redraw   bool // progress may overwrite its line
	json     bool
	yes      bool
	dry      bool
}

// command is one thing that ccr does.
type command struct {
	name, args, short string
	flags             string // of json, dry, yes: those that it takes beside its own
	run               func(a *app, f *flag.FlagSet) func(ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"diagnose", "[accounts|gateway|decisioning|sftp]…", "how far a connection to each configured vendor gets; writes nothing", "json", diagnose},
		{"accounts check", "FILE.csv", "the columns, faults and doubts of a Debtor Accounts file", "json", accountsCheck},
		{"gateway list", "", "the reports that wait at the bureau", "json", gatewayList},
		{"gateway receive", "DIR", "reports into a folder; each is archived at the bureau once it is safe there", "json dry", gatewayReceive},
		{"gateway upload", "FILE…", "files to the bureau, each once", "json dry yes", gatewayUpload},
		{"gateway settle", "FILE", "records what became of an upload of unknown outcome", "json dry yes", gatewaySettle},
		{"sftp ls", "[FOLDER]", "what is in a remote folder (default: that of downloads)", "json", sftpList},
		{"sftp get", "DIR", "returns and reports into a folder, each once", "json dry yes", sftpGet},
		{"sftp put", "FILE…", "files into an upload folder, each once", "json dry yes", sftpPut},
		{"sftp keygen", "PATH", "a new key pair, and the checklist of the support ticket", "json", sftpKeygen},
		{"bacs show", "FILE|DIR…", "what reports say: a table, or -csv, -json, -html", "json", bacsShow},
		{"bacs worklist", "FILE|DIR…", "what to do about each payer, by which day", "json", bacsWorklist},
		{"ledger open", "FILE", "entries that are not finished", "json", ledgerOpen},
		{"ledger show", "FILE [KEY]", "all entries, or one", "json", ledgerShow},
		{"ledger settle", "FILE KEY", "records what became of an upload whose file is gone", "json dry yes", ledgerSettle},
		{"ledger verify", "FILE", "whether the file is as it was written", "json", ledgerVerify},
		{"version", "", "of this command", "json", version},
	}
}

// main runs one command and returns its exit code.
func (a *app) main(ctx context.Context, args []string) int {
	err := a.dispatch(ctx, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		a.say("ccr: %s", strings.ReplaceAll(strings.TrimPrefix(message(err), "ccr "), "\nccr ", "\n"))
	}
	return exitCode(err)
}

func (a *app) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		a.usage(a.err, "")
		return usagef("a command is needed")
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		a.usage(a.out, "")
		return nil
	}
	group := false
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if args[0] != words[0] {
			continue
		}
		if len(words) == 1 {
			return a.run(ctx, c, args[1:])
		}
		if len(args) > 1 && args[1] == words[1] {
			return a.run(ctx, c, args[2:])
		}
		group = true
	}
	if group {
		a.usage(a.err, args[0]+" ")
	}
	return usagef("there is no command %q; ccr help lists them", strings.Join(args[:min(len(args), 2)], " "))
}

// run parses flags, which may stand before and behind other arguments.
func (a *app) run(ctx context.Context, c command, args []string) error {
	f := flag.NewFlagSet("ccr "+c.name, flag.ContinueOnError)
	f.SetOutput(a.err)
	if strings.Contains(c.flags, "json") {
		f.BoolVar(&a.json, "json", false, "write JSON")
	}
	if strings.Contains(c.flags, "dry") {
		f.BoolVar(&a.dry, "n", false, "dry run: say what would be done, and do nothing")
	}
	if strings.Contains(c.flags, "yes") {
		f.BoolVar(&a.yes, "yes", false, "do not ask")
	}
	do := c.run(a, f)
	f.Usage = func() {
		fmt.Fprintf(a.err, "usage: ccr %s [flags] %s\n%s\n", c.name, c.args, c.short)
		f.PrintDefaults()
	}
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return usageError{err.Error()}
		}
		if args = f.Args(); len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	return do(ctx, rest)
}

func (a *app) usage(w io.Writer, prefix string) {
	fmt.Fprintln(w, "usage: ccr COMMAND [flags] [arguments]")
	for _, c := range commands() {
		if strings.HasPrefix(c.name, prefix) {
			fmt.Fprintf(w, "  %-46s %s\n", strings.TrimSpace(c.name+" "+c.args), c.short)
		}
	}
	fmt.Fprintln(w, "ccr COMMAND -help lists the flags of one. Vendors are configured by CCR_… environment variables.")
	fmt.Fprintln(w, "exit codes: 0 done, 1 failed, 2 usage, 3 outcome unknown, 4 needs a person, 5 not finished, run again")
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
)

func bureau() (*gateway.Client, error) {
	return configured(gateway.FromEnv(ccr.WithApplication("ccr-command", ccr.Version)))
}

func gatewayList(a *app, _ *flag.FlagSet) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		if err := noArgs(args); err != nil {
			return err
		}
		client, err := bureau()
		if err != nil {
			return err
		}
		return a.waiting(ctx, client)
	}
}

// waiting lists what the bureau holds.
func (a *app) waiting(ctx context.Context, client gateway.API) error {
	names, err := client.ListReports(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, n := range names {
		rows = append(rows, []string{n})
	}
	if names == nil {
		names = []string{}
	}
	return a.data(names, rows)
}

func gatewayReceive(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	keep := f.Bool("keep", false, "leave the reports waiting at the bureau")
	atOnce := f.Int("at-once", 1, "reports to fetch at once")
	return func(ctx context.Context, args []string) error {
		dir, err := oneArg(args, "the folder for reports")
		if err != nil {
			return err
		}
		client, err := bureau()
		if err != nil {
			return err
		}
		if a.dry {
			a.say("dry run: these reports would be fetched into %s, and archived at the bureau unless -keep is given", dir)
			return a.waiting(ctx, client)
		}
		items, err := client.Receive(ctx, ccr.DirSink(dir), gateway.ReceiveOptions{
			LeaveRemote: *keep, Concurrency: *atOnce, SkipClaimed: true, Progress: a.progress(),
		})
		return a.received(items, err)
	}
}

// uploadLine is one file of an upload.
type uploadLine struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
}

func (a *app) uploaded(lines []uploadLine) error {
	rows := [][]string{}
	for _, l := range lines {
		rows = append(rows, []string{l.Name, l.State, fmt.Sprint(l.Size), l.SHA256})
	}
	return a.data(lines, rows)
}

// outgoing are the files of an upload, and in a dry run what they are.
func (a *app) outgoing(ctx context.Context, paths []string) (files []ccr.File, lines []uploadLine, err error) {
	if len(paths) == 0 {
		return nil, nil, usagef("at least one argument is needed: the file to send")
	}
	for _, p := range paths {
		file := ccr.FileFromPath(p)
		if files = append(files, file); !a.dry {
			continue
		}
		sum, size, err := file.SHA256(ctx)
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, uploadLine{file.Name(), "would be sent", size, fmt.Sprintf("%x", sum)})
	}
	return files, lines, nil
}

func gatewayUpload(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	path := f.String("ledger", "", "ledger `file` that keeps a file from being sent twice (default $CCR_LEDGER)")
	overwrite := f.Bool("overwrite", false, "replace files of the same names at the bureau")
	return func(ctx context.Context, args []string) (err error) {
		files, would, err := a.outgoing(ctx, args)
		if err != nil {
			return err
		}
		client, err := bureau()
		if err != nil {
			return err
		}
		req := gateway.UploadRequest{Files: files, Overwrite: *overwrite, Progress: a.progress()}
		if err := req.Validate(); err != nil {
			return err
		}
		if a.dry {
			return a.uploaded(would)
		}
		if *overwrite {
			if err := a.confirm("Replace files of these names at the bureau"); err != nil {
				return err
			}
		}
		ledger, err := openLedger(*path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, ledger.Close()) }()
		req.Ledger = ledger
		result, err := client.Upload(ctx, req)
		if result == nil {
			return err
		}
		lines := []uploadLine{}
		for _, u := range result.Files {
			lines = append(lines, uploadLine{u.Name, string(u.State), u.Size, u.SHA256})
		}
		return errors.Join(err, a.uploaded(lines))
	}
}

// settled are the two flags of every settling.
func settled(f *flag.FlagSet) func() (bool, error) {
	yes := f.Bool("arrived", false, "the vendor has the file")
	no := f.Bool("not-arrived", false, "the vendor does not have the file: it may be sent again")
	return func() (bool, error) {
		if *yes == *no {
			return false, usagef("one of -arrived and -not-arrived is needed, as the vendor says")
		}
		return *yes, nil
	}
}

func word(arrived bool) string {
	if arrived {
		return "arrived"
	}
	return "not arrived; it may be sent again"
}

func gatewaySettle(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	path := f.String("ledger", "", "ledger `file` that the upload used (default $CCR_LEDGER)")
	answer := settled(f)
	return func(ctx context.Context, args []string) (err error) {
		name, err := oneArg(args, "the file that was uploaded")
		if err != nil {
			return err
		}
		arrived, err := answer()
		if err != nil {
			return err
		}
		client, err := bureau()
		if err != nil {
			return err
		}
		if err := a.confirm("Record %s as %s", name, word(arrived)); err != nil {
			return err
		}
		file := ccr.FileFromPath(name)
		if !a.dry {
			ledger, err := openLedger(*path)
			if err != nil {
				return err
			}
			err = client.SettleUpload(ctx, gateway.SettleOptions{Ledger: ledger, File: file, Arrived: arrived})
			if err = errors.Join(err, ledger.Close()); err != nil {
				return err
			}
		}
		return a.data(map[string]any{"name": file.Name(), "arrived": arrived, "dryRun": a.dry}, [][]string{{file.Name(), word(arrived)}})
	}
}

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
)

// existing opens a ledger file that is there: none is made.
func existing(path string) (*ccr.FileLedger, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return ccr.OpenLedger(path)
}

// entries lists a ledger, in the order of time.
func entries(ctx context.Context, path string, q ccr.LedgerQuery) (out []ccr.LedgerEntry, err error) {
	ledger, err := existing(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	out = []ccr.LedgerEntry{}
	for e, err := range ledger.List(ctx, q) {
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(x, y ccr.LedgerEntry) int {
		if c := x.At.Compare(y.At); c != 0 {
			return c
		}
		if x.Key < y.Key {
			return -1
		}
		return 1
	})
	return out, nil
}

func (a *app) entries(list []ccr.LedgerEntry) error {
	rows := [][]string{{"STATE", "SERVICE", "ENVIRONMENT", "NAME", "SIZE", "AT", "KEY"}}
	for _, e := range list {
		state := e.State
		if state == "" {
			state = "claimed"
		}
		rows = append(rows, []string{state, e.Service, e.Environment, e.Name, fmt.Sprint(e.Size), e.At.UTC().Format(time.RFC3339), e.Key})
	}
	return a.data(list, rows)
}

// unfinished are the states that an entry does not stay in.
var unfinished = []string{ccr.StateIntent, ccr.StateResolving, ccr.StateUnknown, ccr.StateStaged, ccr.StateDelivered}

func ledgerOpen(a *app, _ *flag.FlagSet) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		path, err := oneArg(args, "the ledger file")
		if err != nil {
			return err
		}
		list, err := entries(ctx, path, ccr.LedgerQuery{States: unfinished})
		if err != nil {
			return err
		}
		if err := a.entries(list); err != nil {
			return err
		}
		unknown := 0
		for _, e := range list {
			if e.State == ccr.StateUnknown {
				unknown++
			}
		}
		if unknown > 0 {
			return personError{fmt.Sprintf("of %d entries the outcome is unknown: ask the vendor, and record the answer with ccr gateway settle or ccr ledger settle", unknown)}
		}
		return nil
	}
}

func ledgerShow(a *app, _ *flag.FlagSet) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		if len(args) == 2 {
			return a.entry(ctx, args[0], args[1])
		}
		path, err := oneArg(args, "the ledger file (and the key of an entry)")
		if err != nil {
			return err
		}
		list, err := entries(ctx, path, ccr.LedgerQuery{})
		if err != nil {
			return err
		}
		return a.entries(list)
	}
}

// entry shows one with all that is known of it.
func (a *app) entry(ctx context.Context, path, key string) error {
	ledger, err := existing(path)
	if err != nil {
		return err
	}
	e, err := ledger.Load(ctx, key)
	if err = errors.Join(err, ledger.Close()); err != nil {
		return err
	}
	rows := [][]string{
		{"key", e.Key}, {"state", e.State}, {"service", e.Service}, {"environment", e.Environment}, {"name", e.Name},
		{"size", fmt.Sprint(e.Size)}, {"sha256", e.SHA256}, {"at", e.At.UTC().Format(time.RFC3339)}, {"version", fmt.Sprint(e.Version)},
	}
	for _, k := range slices.Sorted(maps.Keys(e.Attributes)) {
		rows = append(rows, []string{k, e.Attributes[k]})
	}
	return a.data(e, rows)
}

// ledgerSettle is for an upload whose file is no longer there: the ledger file
// is held by this process alone, so no live worker can be at the entry.
func ledgerSettle(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	answer := settled(f)
	return func(ctx context.Context, args []string) (err error) {
		if len(args) != 2 {
			return usagef("two arguments are needed: the ledger file and the key of the entry")
		}
		arrived, err := answer()
		if err != nil {
			return err
		}
		ledger, err := existing(args[0])
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, ledger.Close()) }()
		e, err := ledger.Load(ctx, args[1])
		if err != nil {
			return err
		}
		if err := mayBeSettled(e, arrived); err != nil {
			return err
		}
		state := ccr.StateRefused
		if arrived {
			state = ccr.StateSent
		}
		if e.State != state {
			if err := a.confirm("Record %s as %s", printable(e.Name), word(arrived)); err != nil {
				return err
			}
		}
		if e.State != state && !a.dry {
			e.State, e.At, e.Token, e.Owner, e.Until = state, time.Now().UTC().Truncate(time.Microsecond), rand.Text(), "", time.Time{}
			e.Attributes = maps.Clone(e.Attributes)
			if e.Attributes == nil {
				e.Attributes = map[string]string{}
			}
			e.Attributes["settled"] = "true"
			if err := ledger.Store(ctx, e); err != nil {
				return err
			}
		}
		return a.data(map[string]any{"key": e.Key, "name": e.Name, "arrived": arrived, "dryRun": a.dry}, [][]string{{e.Name, word(arrived)}})
	}
}

// mayBeSettled refuses what is no upload, and what contradicts a result.
func mayBeSettled(e ccr.LedgerEntry, arrived bool) error {
	switch {
	case e.Service != "gateway" && e.Service != "sftp":
		return usagef("only uploads of gateway and sftp are settled here; batches of accounts are settled by the program that sent them (accounts.Client.SettleBatch)")
	case e.State == ccr.StateIntent, e.State == ccr.StateResolving, e.State == ccr.StateUnknown,
		e.State == ccr.StateSent && arrived, e.State == ccr.StateRefused && !arrived:
		return nil
	}
	return personError{fmt.Sprintf("the ledger holds the state %q, not an upload of unknown outcome: nothing was changed", e.State)}
}

func ledgerVerify(a *app, _ *flag.FlagSet) func(context.Context, []string) error {
	type verdict struct {
		Whole   bool           `json:"whole"`
		Entries int            `json:"entries"`
		States  map[string]int `json:"states,omitempty"`
		Line    int            `json:"firstDamagedLine,omitzero"`
		Damaged int            `json:"damagedLines,omitzero"`
		Missing int64          `json:"missingBytes,omitzero"`
		Reason  string         `json:"reason,omitempty"`
	}
	return func(ctx context.Context, args []string) error {
		path, err := oneArg(args, "the ledger file")
		if err != nil {
			return err
		}
		v := verdict{Whole: true, States: map[string]int{}}
		list, err := entries(ctx, path, ccr.LedgerQuery{})
		if damage, ok := errors.AsType[*ccr.LedgerDamagedError](err); ok {
			v = verdict{false, damage.Certain, nil, damage.Line, damage.Damaged, damage.Missing, damage.Reason}
			return errors.Join(a.data(v, [][]string{{"damaged", fmt.Sprintf("from line %d", v.Line), v.Reason}}), err)
		}
		if err != nil {
			return err
		}
		v.Entries = len(list)
		for _, e := range list {
			v.States[e.State]++
		}
		rows := [][]string{{"whole", fmt.Sprintf("%d entries", v.Entries)}}
		for _, s := range slices.Sorted(maps.Keys(v.States)) {
			rows = append(rows, []string{s, fmt.Sprint(v.States[s])})
		}
		return a.data(v, rows)
	}
}

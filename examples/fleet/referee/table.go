package referee

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
)

// Row is one kind of work, as its vendor and the fleet's database count it.
type Row struct {
	Kind     string
	Planned  int
	Done     int
	Repeated int // requests that a kill cost; they had no effect
	Twice    int
	Lost     int
}

// Table is the result of a game.
type Table struct {
	Rows             []Row
	Kills            int
	Unknown, Settled int
	Failed           []string // jobs that stopped for another reason than an unknown outcome
	Tokens           int      // token requests to Credit Clear
}

// String is the table for a person.
func (t *Table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tplanned\tdone\trepeated\ttwice\tlost\t")
	for _, r := range t.Rows {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", r.Kind, r.Planned, r.Done, r.Repeated, r.Twice, r.Lost)
	}
	w.Flush() //nolint:errcheck // in memory
	fmt.Fprintf(&b, "%d kills; %d unknown, %d settled; %d failed; %d token request(s)\n", t.Kills, t.Unknown, t.Settled, len(t.Failed), t.Tokens)
	return b.String()
}

// Err says what must not be.
func (t *Table) Err() error {
	var errs []error
	for _, r := range t.Rows {
		if r.Twice != 0 || r.Lost != 0 || r.Done != r.Planned {
			errs = append(errs, fmt.Errorf("%s: %d of %d done, %d twice, %d lost", r.Kind, r.Done, r.Planned, r.Twice, r.Lost))
		}
	}
	for _, f := range t.Failed {
		errs = append(errs, errors.New(f))
	}
	if t.Unknown != t.Settled {
		errs = append(errs, errors.New("something is left that nobody knows"))
	}
	return errors.Join(errs...)
}

func (x *game) table(ctx context.Context) (*Table, error) {
	reports, err := x.names(ctx, `SELECT name FROM fleet_report WHERE state = 'committed'`)
	if err != nil {
		return nil, err
	}
	decided, err := x.names(ctx, `SELECT name FROM fleet_result WHERE state = 'done' AND kind = 'decision'`)
	if err != nil {
		return nil, err
	}
	uploaded, err := x.names(ctx, `SELECT name FROM fleet_result WHERE state = 'done' AND kind = 'upload'`)
	if err != nil {
		return nil, err
	}
	failed, err := x.names(ctx, `SELECT kind || ' ' || name || ': ' || text FROM fleet_result WHERE state = 'failed'`)
	if err != nil {
		return nil, err
	}
	discarded, err := x.names(ctx, `SELECT kind || ' was discarded' FROM river_job WHERE state = 'discarded'`)
	if err != nil {
		return nil, err
	}
	t := &Table{Kills: x.kills, Unknown: x.unknown, Settled: x.settled, Failed: append(failed, discarded...), Tokens: x.accounts.TokensIssued()}
	t.Rows = []Row{x.batches(), x.uploads(uploaded), x.reports(reports), x.decisions(decided)}
	return t, nil
}

// times counts names.
func times(names []string) map[string]int {
	m := map[string]int{}
	for _, n := range names {
		m[n]++
	}
	return m
}

// row counts what the vendor has against what was planned.
func row(kind string, planned, requests int, seen map[string]int) Row {
	r := Row{Kind: kind, Planned: planned, Done: len(seen), Repeated: max(requests-planned, 0), Lost: planned - len(seen)}
	for _, n := range seen {
		r.Twice += n - 1
	}
	return r
}

// batches: the same rows under the same reference count once at the vendor,
// which says how often they came; under a second reference they count twice.
func (x *game) batches() Row {
	seen, requests := map[string]int{}, 0
	for _, b := range x.accounts.Batches() {
		seen[b.Reference]++
		requests += 1 + b.Repeated
	}
	r := row("batches", x.waves*shardsInWave*batchesInShard, requests, seen)
	r.Twice += max(len(seen)-r.Planned, 0)
	for shard := range x.waves * shardsInWave {
		for i := range rowsInShard {
			if _, there := x.accounts.Account(account(shard, i)); !there {
				r.Lost++
			}
		}
	}
	return r
}

func (x *game) uploads(done []string) Row {
	r := row("uploads", x.waves*uploadsInWave, len(x.bureau.Requests("Upload")), times(x.bureau.Uploads()))
	r.Done = min(r.Done, len(done))
	return r
}

func (x *game) reports(received []string) Row {
	return row("reports", x.waves*reportsInWave, len(x.bureau.Requests("DownloadByName")), times(received))
}

func (x *game) decisions(done []string) Row {
	r := row("decisions", x.waves*decisionsInWave, len(x.algoan.Requests("CreateAnalysis")), x.algoan.AnalysesByCustomer())
	r.Done = min(r.Done, len(done))
	return r
}

package decisioning

import (
	"errors"
	"io"
	"time"

	"github.com/ccr-sdk/ccr"
)

// maxProfile bounds a profile file; those of a person's accounts are far
// smaller, and Algoan's own limit is not known.
const maxProfile = 64 << 20

// ReadProfile reads a profile file: the whole body of "create an analysis", as
// in Algoan's public samples. Members of types that are often seen (numbers in
// place of ids and post codes, an owner beside owners) are read and kept as
// they are. Anything else that does not fit is refused, all of it at once, by
// its path. The preconditions are not checked: see [AnalysisInput.Validate].
//
// A file with a format is one of an aggregator; its data is kept raw.
func ReadProfile(r io.Reader) (AnalysisInput, error) {
	const operation = "ReadProfile"
	b, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	if err != nil {
		return AnalysisInput{}, &ccr.Error{Service: service, Operation: operation, Outcome: ccr.OutcomeNotSent, Err: err}
	}
	var f ccr.Faults
	if len(b) > maxProfile {
		f.Addf("profile", "is larger than %d MiB", maxProfile>>20)
		return AnalysisInput{}, f.Err(service, operation)
	}
	var in AnalysisInput
	odd, err := in.read(b)
	if w, ok := errors.AsType[*codecError](err); ok {
		f.Add(orRoot(w.path), w.what)
	}
	for _, path := range odd {
		f.Add(path, "is of another type than expected")
	}
	if err == nil && len(odd) == 0 && in.Accounts == nil && in.RawAccounts == nil && in.Connections == nil {
		f.Add("profile", "has neither accounts nor connections")
	}
	if err := f.Err(service, operation); err != nil {
		return AnalysisInput{}, err
	}
	return in, nil
}

func orRoot(path string) string {
	if path == "" {
		return "profile"
	}
	return path
}

// ShiftedTo returns a copy of the input with all its dates moved by the same
// number of whole days, so that the latest balance date falls on the day of t
// (in UTC). Scores look at 90 days only: a stored profile must be shifted to
// today before it is sent to the real API. Only Accounts can be shifted.
func (in AnalysisInput) ShiftedTo(t time.Time) (AnalysisInput, error) {
	var last time.Time
	for i := range in.Accounts {
		if d := in.Accounts[i].BalanceDate.Time(); d.After(last) {
			last = d
		}
	}
	if last.IsZero() {
		var f ccr.Faults
		f.Add("accounts", "have no balance date to shift from")
		return AnalysisInput{}, f.Err(service, "ShiftedTo")
	}
	day := func(t time.Time) time.Time { return ccr.DateOf(t.UTC()).In(time.UTC) }
	days := int(day(t).Sub(day(last)).Hours() / 24)
	out := in
	out.Accounts = make([]Account, len(in.Accounts))
	for i, a := range in.Accounts {
		out.Accounts[i] = shiftAccount(a, days)
	}
	return out, nil
}

func shiftAccount(a Account, days int) Account {
	shift(&a.BalanceDate, days)
	a.DailyBalances = copied(a.DailyBalances, func(d *DailyBalance) { shift(&d.Date, days) })
	a.Transactions = copied(a.Transactions, func(t *Transaction) {
		shift(&t.Dates.DebitedAt, days)
		shift(&t.Dates.BookedAt, days)
	})
	if a.Details != nil {
		d := *a.Details
		if d.Savings != nil {
			s := *d.Savings
			shift(&s.OpenedAt, days)
			d.Savings = &s
		}
		if d.Loan != nil {
			l := *d.Loan
			shift(&l.StartDate, days)
			shift(&l.EndDate, days)
			d.Loan = &l
		}
		a.Details = &d
	}
	return a
}

func copied[T any](in []T, change func(*T)) []T {
	if in == nil {
		return nil
	}
	out := make([]T, len(in))
	for i := range in {
		out[i] = in[i]
		change(&out[i])
	}
	return out
}

// shift moves a date-time by days, keeping the time of day and milliseconds as
// Algoan writes them. A text that is not a date-time stays.
func shift(d *ccr.DateTime, days int) {
	if !d.Known() {
		return
	}
	moved, err := ccr.ParseDateTime(d.Time().AddDate(0, 0, days).Format("2006-01-02T15:04:05.000Z07:00"))
	if err == nil {
		*d = moved
	}
}

package bacs

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// What reports hold is personal data. So that none of it gets into a log by
// accident, every type here prints (under every verb of fmt) and logs (with
// log/slog) as a text without names, references, account details or amounts.
// Fields stay open to programs, and encoding/json writes them: both are
// explicit acts. Types of which nothing can be said embed private; the others
// have a String of what is safe.

// private makes what embeds it print and log as one fixed text.
type private struct{}

const notPrinted = "Bacs data, which is not printed"

// String returns a fixed text: the value may be personal data.
func (private) String() string { return notPrinted }

// Format prints the fixed text under every verb.
func (private) Format(f fmt.State, _ rune) { io.WriteString(f, notPrinted) } //nolint:errcheck // fmt.State keeps no errors

// LogValue gives log/slog the fixed text.
func (private) LogValue() slog.Value { return slog.StringValue(notPrinted) }

// Format prints a fixed text under every verb.
func (Attr) Format(f fmt.State, verb rune) { private{}.Format(f, verb) }

// LogValue gives log/slog a fixed text.
func (Attr) LogValue() slog.Value { return private{}.LogValue() }

// show is the Format of all types that have a text of their own.
func show(f fmt.State, s fmt.Stringer) { io.WriteString(f, s.String()) } //nolint:errcheck // fmt.State keeps no errors

// flawed says that values could not be read.
func flawed(faults []ccr.FieldError) string {
	if len(faults) == 0 {
		return ""
	}
	return ", " + strconv.Itoa(len(faults)) + " unreadable values"
}

// safeType returns a report type or error code.
func safeType(s string) string {
	if s = safeCode(s); s != "" {
		return " " + s
	}
	return ""
}

// String gives kind, service user and counts.
func (p Report) String() string {
	var b strings.Builder
	b.WriteString(p.Kind.String() + " report, " + p.Header.ServiceUser.String())
	for _, c := range []struct {
		n    int
		what string
	}{
		{len(p.Returns), "returned debits"}, {len(p.Advices), "advices"}, {len(p.FileAdvices), "file advices"},
		{len(p.Claims), "claims"}, {len(p.Files), "files"}, {len(p.Errors), "input errors"}, {len(p.Others), "unknown things"},
	} {
		if c.n > 0 {
			b.WriteString(", " + strconv.Itoa(c.n) + " " + c.what)
		}
	}
	return b.String()
}

// Format prints the safe text under every verb.
func (p Report) Format(state fmt.State, _ rune) { show(state, p) }

// LogValue gives log/slog the safe text.
func (p Report) LogValue() slog.Value { return slog.StringValue(p.String()) }

// String gives the kind.
func (r *Reader) String() string {
	if r == nil {
		return "no reader"
	}
	return "reader of a report of kind " + r.kind.String()
}

// Format prints the safe text under every verb.
func (r *Reader) Format(state fmt.State, _ rune) { show(state, r) }

// LogValue gives log/slog the safe text.
func (r *Reader) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String counts the items.
func (l List[T]) String() string { return "list of " + strconv.Itoa(len(l)) }

// Format prints the safe text under every verb.
func (l List[T]) Format(state fmt.State, _ rune) { show(state, l) }

// LogValue gives log/slog the safe text.
func (l List[T]) LogValue() slog.Value { return slog.StringValue(l.String()) }

// Format prints the safe text under every verb.
func (r Reason) Format(state fmt.State, _ rune) { show(state, r) }

// LogValue gives log/slog the safe text.
func (r Reason) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String gives the number, if it can be one.
func (u ServiceUser) String() string {
	if len(u.Number) <= 6 && digits(u.Number) {
		return "service user " + u.Number
	}
	return "service user"
}

// Format prints the safe text under every verb.
func (u ServiceUser) Format(state fmt.State, _ rune) { show(state, u) }

// LogValue gives log/slog the safe text.
func (u ServiceUser) LogValue() slog.Value { return slog.StringValue(u.String()) }

// String gives the reason.
func (d ReturnedDebit) String() string {
	return "returned debit, " + d.Reason().String() + flawed(d.Faults)
}

// Format prints the safe text under every verb.
func (d ReturnedDebit) Format(state fmt.State, _ rune) { show(state, d) }

// LogValue gives log/slog the safe text.
func (d ReturnedDebit) LogValue() slog.Value { return slog.StringValue(d.String()) }

// String gives the reason.
func (a Advice) String() string { return "advice, " + a.Reason().String() + flawed(a.Faults) }

// Format prints the safe text under every verb.
func (a Advice) Format(state fmt.State, _ rune) { show(state, a) }

// LogValue gives log/slog the safe text.
func (a Advice) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String counts instructions.
func (a FileAdvice) String() string {
	return fmt.Sprintf("%s of a file with %d instructions accepted and %d rejected", a.Report, a.Accepted, a.Rejected) + safeType(a.ErrorCode) + flawed(a.Faults)
}

// Format prints the safe text under every verb.
func (a FileAdvice) Format(state fmt.State, _ rune) { show(state, a) }

// LogValue gives log/slog the safe text.
func (a FileAdvice) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String gives the reason.
func (c Claim) String() string { return "claim, " + c.Reason().String() + flawed(c.Faults) }

// Format prints the safe text under every verb.
func (c Claim) Format(state fmt.State, _ rune) { show(state, c) }

// LogValue gives log/slog the safe text.
func (c Claim) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String gives the verdict.
func (f InputFile) String() string {
	return "file of " + f.ServiceUser.String() + ": " + f.Verdict().String() + flawed(f.Faults)
}

// Format prints the safe text under every verb.
func (f InputFile) Format(state fmt.State, _ rune) { show(state, f) }

// LogValue gives log/slog the safe text.
func (f InputFile) LogValue() slog.Value { return slog.StringValue(f.String()) }

// String gives the counts.
func (v Verdict) String() string {
	return fmt.Sprintf("%d amended, %d returned, %d rejected, %d errors listed, clean: %t", v.Amended, v.Returned, v.Rejected, v.Listed, v.Clean())
}

// String gives the reason.
func (e InputError) String() string { return "input error, " + e.Reason().String() + flawed(e.Faults) }

// Format prints the safe text under every verb.
func (e InputError) Format(state fmt.State, _ rune) { show(state, e) }

// LogValue gives log/slog the safe text.
func (e InputError) LogValue() slog.Value { return slog.StringValue(e.String()) }

// String gives the reason.
func (a Affected) String() string { return "someone affected by " + a.Reason.String() }

// Format prints the safe text under every verb.
func (a Affected) Format(state fmt.State, _ rune) { show(state, a) }

// LogValue gives log/slog the safe text.
func (a Affected) LogValue() slog.Value { return slog.StringValue(a.String()) }

func (*ReturnedDebit) record() {}
func (*ReturnTotals) record()  {}
func (*Advice) record()        {}
func (*FileAdvice) record()    {}
func (*FileMessage) record()   {}
func (*Claim) record()         {}
func (*ClaimSection) record()  {}
func (*Submission) record()    {}
func (*InputFile) record()     {}
func (*InputError) record()    {}
func (*AccountTotal) record()  {}
func (*Other) record()         {}

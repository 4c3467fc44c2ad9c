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
// explicit acts.

// show is the Format of all types.
func show(f fmt.State, s fmt.Stringer) { io.WriteString(f, s.String()) } //nolint:errcheck // fmt.State keeps no errors

// of counts things in a text.
func of(n int, what string) string { return strconv.Itoa(n) + " " + what }

// flawed says that values could not be read.
func flawed(faults []ccr.FieldError) string {
	if len(faults) == 0 {
		return ""
	}
	return ", " + of(len(faults), "unreadable values")
}

// safeNumber returns a number that names no person, such as a SUN.
func safeNumber(s string) string {
	if len(s) <= 6 && digits(s) {
		return " " + s
	}
	return ""
}

// safeType returns a report type.
func safeType(s string) string {
	if s = safeCode(s); s != "" {
		return " " + s
	}
	return ""
}

// String names the element, if its name is of the outer vocabulary, and
// counts what it holds.
func (e Element) String() string {
	name := known(e.Name)
	if name == "" {
		name = "an element"
	}
	return name + " with " + of(len(e.Attrs), "attributes") + " and " + of(len(e.Children), "children")
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
			b.WriteString(", " + of(c.n, c.what))
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

// Format prints the safe text under every verb.
func (e Element) Format(state fmt.State, _ rune) { show(state, e) }

// LogValue gives log/slog the safe text.
func (e Element) LogValue() slog.Value { return slog.StringValue(e.String()) }

// String says that there is an attribute.
func (a Attr) String() string { return "an attribute" }

// Format prints the safe text under every verb.
func (a Attr) Format(state fmt.State, _ rune) { show(state, a) }

// LogValue gives log/slog the safe text.
func (a Attr) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String gives type and line.
func (t Token) String() string { return fmt.Sprintf("%s token on line %d", t.Type, t.Line) }

// Format prints the safe text under every verb.
func (t Token) Format(state fmt.State, _ rune) { show(state, t) }

// LogValue gives log/slog the safe text.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String tells how deep in the document it stands.
func (o Other) String() string {
	return fmt.Sprintf("something unknown %d levels deep with %d attributes", strings.Count(o.Path, "/")+1, len(o.Attrs))
}

// Format prints the safe text under every verb.
func (o Other) Format(state fmt.State, _ rune) { show(state, o) }

// LogValue gives log/slog the safe text.
func (o Other) LogValue() slog.Value { return slog.StringValue(o.String()) }

// String says that there is an account.
func (a Account) String() string { return "an account" }

// Format prints the safe text under every verb.
func (a Account) Format(state fmt.State, _ rune) { show(state, a) }

// LogValue gives log/slog the safe text.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String says that there is an addressee.
func (a Addressee) String() string { return "an addressee" }

// Format prints the safe text under every verb.
func (a Addressee) Format(state fmt.State, _ rune) { show(state, a) }

// LogValue gives log/slog the safe text.
func (a Addressee) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String gives the number.
func (u ServiceUser) String() string { return "service user" + safeNumber(u.Number) }

// Format prints the safe text under every verb.
func (u ServiceUser) Format(state fmt.State, _ rune) { show(state, u) }

// LogValue gives log/slog the safe text.
func (u ServiceUser) LogValue() slog.Value { return slog.StringValue(u.String()) }

// String gives the types and the service user number.
func (h Header) String() string {
	return "header of report" + safeType(h.ReportType) + safeType(h.AdviceType) + ", " + h.ServiceUser.String() + flawed(h.Faults)
}

// Format prints the safe text under every verb.
func (h Header) Format(state fmt.State, _ rune) { show(state, h) }

// LogValue gives log/slog the safe text.
func (h Header) LogValue() slog.Value { return slog.StringValue(h.String()) }

// String says that there is a signature.
func (s Signature) String() string { return "a signature" }

// Format prints the safe text under every verb.
func (s Signature) Format(state fmt.State, _ rune) { show(state, s) }

// LogValue gives log/slog the safe text.
func (s Signature) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String gives the reason.
func (d ReturnedDebit) String() string {
	return "returned debit, " + d.Reason().String() + flawed(d.Faults)
}

// Format prints the safe text under every verb.
func (d ReturnedDebit) Format(state fmt.State, _ rune) { show(state, d) }

// LogValue gives log/slog the safe text.
func (d ReturnedDebit) LogValue() slog.Value { return slog.StringValue(d.String()) }

// String tells whether they agree.
func (t ReturnTotals) String() string {
	return fmt.Sprintf("totals of %d returned debits, agree: %t", t.Read, t.Agree()) + flawed(t.Faults)
}

// Format prints the safe text under every verb.
func (t ReturnTotals) Format(state fmt.State, _ rune) { show(state, t) }

// LogValue gives log/slog the safe text.
func (t ReturnTotals) LogValue() slog.Value { return slog.StringValue(t.String()) }

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

// String counts the lines.
func (m FileMessage) String() string { return "a message of " + of(len(m.Lines), "lines") }

// Format prints the safe text under every verb.
func (m FileMessage) Format(state fmt.State, _ rune) { show(state, m) }

// LogValue gives log/slog the safe text.
func (m FileMessage) LogValue() slog.Value { return slog.StringValue(m.String()) }

// String gives the reason.
func (c Claim) String() string { return "claim, " + c.Reason().String() + flawed(c.Faults) }

// Format prints the safe text under every verb.
func (c Claim) Format(state fmt.State, _ rune) { show(state, c) }

// LogValue gives log/slog the safe text.
func (c Claim) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String says that there is a collection.
func (c Collection) String() string { return "a claimed collection" }

// Format prints the safe text under every verb.
func (c Collection) Format(state fmt.State, _ rune) { show(state, c) }

// LogValue gives log/slog the safe text.
func (c Collection) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String tells whether the totals agree.
func (s ClaimSection) String() string {
	return fmt.Sprintf("section of %d claims, agree: %t", s.Read, s.Agree()) + flawed(s.Faults)
}

// Format prints the safe text under every verb.
func (s ClaimSection) Format(state fmt.State, _ rune) { show(state, s) }

// LogValue gives log/slog the safe text.
func (s ClaimSection) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String says that there is a submission.
func (s Submission) String() string { return "a submission" }

// Format prints the safe text under every verb.
func (s Submission) Format(state fmt.State, _ rune) { show(state, s) }

// LogValue gives log/slog the safe text.
func (s Submission) LogValue() slog.Value { return slog.StringValue(s.String()) }

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

// Format prints the safe text under every verb.
func (v Verdict) Format(state fmt.State, _ rune) { show(state, v) }

// LogValue gives log/slog the safe text.
func (v Verdict) LogValue() slog.Value { return slog.StringValue(v.String()) }

// String counts the records.
func (d Day) String() string { return "day of " + of(len(d.Records), "records") }

// Format prints the safe text under every verb.
func (d Day) Format(state fmt.State, _ rune) { show(state, d) }

// LogValue gives log/slog the safe text.
func (d Day) LogValue() slog.Value { return slog.StringValue(d.String()) }

// String says that there is a record.
func (d DayRecord) String() string { return "a record of a day" }

// Format prints the safe text under every verb.
func (d DayRecord) Format(state fmt.State, _ rune) { show(state, d) }

// LogValue gives log/slog the safe text.
func (d DayRecord) LogValue() slog.Value { return slog.StringValue(d.String()) }

// String gives the number of records.
func (e Entry) String() string { return "entry of " + strconv.FormatInt(e.Count, 10) + " records" }

// Format prints the safe text under every verb.
func (e Entry) Format(state fmt.State, _ rune) { show(state, e) }

// LogValue gives log/slog the safe text.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// String says that there are totals.
func (t EntryTotals) String() string { return "totals of entries" }

// Format prints the safe text under every verb.
func (t EntryTotals) Format(state fmt.State, _ rune) { show(state, t) }

// LogValue gives log/slog the safe text.
func (t EntryTotals) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String says that there are totals.
func (t FileTotals) String() string { return "totals of a file" }

// Format prints the safe text under every verb.
func (t FileTotals) Format(state fmt.State, _ rune) { show(state, t) }

// LogValue gives log/slog the safe text.
func (t FileTotals) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String says that there are totals.
func (t AccountTotal) String() string { return "totals of an account" }

// Format prints the safe text under every verb.
func (t AccountTotal) Format(state fmt.State, _ rune) { show(state, t) }

// LogValue gives log/slog the safe text.
func (t AccountTotal) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String gives the reason.
func (e InputError) String() string { return "input error, " + e.Reason().String() + flawed(e.Faults) }

// Format prints the safe text under every verb.
func (e InputError) Format(state fmt.State, _ rune) { show(state, e) }

// LogValue gives log/slog the safe text.
func (e InputError) LogValue() slog.Value { return slog.StringValue(e.String()) }

// String gives the code.
func (i ErrorItem) String() string { return "record of an input error" + safeType(i.Code) }

// Format prints the safe text under every verb.
func (i ErrorItem) Format(state fmt.State, _ rune) { show(state, i) }

// LogValue gives log/slog the safe text.
func (i ErrorItem) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String counts the lines.
func (t ErrorText) String() string { return "a text of " + of(len(t.Lines), "lines") }

// Format prints the safe text under every verb.
func (t ErrorText) Format(state fmt.State, _ rune) { show(state, t) }

// LogValue gives log/slog the safe text.
func (t ErrorText) LogValue() slog.Value { return slog.StringValue(t.String()) }

// String gives the reason.
func (a Affected) String() string { return "someone affected by " + a.Reason.String() }

// Format prints the safe text under every verb.
func (a Affected) Format(state fmt.State, _ rune) { show(state, a) }

// LogValue gives log/slog the safe text.
func (a Affected) LogValue() slog.Value { return slog.StringValue(a.String()) }

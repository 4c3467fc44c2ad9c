package files

import (
	"iter"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// Warning is what a person should look at before a load; it stops nothing.
type Warning struct {
	Line      int    // of the row; 0 if it is about no row, or the row has none
	Reference string // of the row
	Path      string // of the member, as debtor.email
	Rule      Rule   // which check it failed
	Message   string // never quotes the value
}

// Rule names what a [Warning] is about.
type Rule string

// The rules.
const (
	RuleEmail     Rule = "email"     // not in the form of an address
	RulePhone     Rule = "phone"     // not in the shape of an Australian or New Zealand number
	RuleDate      Rule = "date"      // in the future, or far in the past
	RuleAmount    Rule = "amount"    // beyond the bound, or a minimum above the outstanding amount
	RuleStatus    Rule = "status"    // none that Credit Clear documents
	RuleDuplicate Rule = "duplicate" // a reference that an earlier row has, too
)

// PreflightOptions say what [Preflight] warns of. Zero fields have defaults.
type PreflightOptions struct {
	// Warn is called with each warning; required.
	Warn func(Warning)
	// MaxAmount is the bound of amounts; default 1,000,000.
	MaxAmount ccr.Amount
	// Today is what dates are compared with; default the day in local time.
	Today ccr.Date
	// MaxTracked bounds the references that are compared; default 2,000,000.
	MaxTracked int
}

// Preflight passes the rows of a source through and warns of what Credit Clear
// accepts and a person would not: a source of a job with warnings, or, ranged
// over alone, a check before one. Faulty rows are passed on unchecked.
func Preflight[T accounts.Account | accounts.Claim](rows iter.Seq2[accounts.Row[T], error], o PreflightOptions) iter.Seq2[accounts.Row[T], error] {
	if !o.MaxAmount.IsSet() {
		o.MaxAmount = ccr.AmountFromMinor(1_000_000, 0)
	}
	if o.Today.IsZero() {
		o.Today = ccr.DateOf(time.Now())
	}
	return func(yield func(accounts.Row[T], error) bool) {
		p := preflight{o: o, seen: references{most: o.MaxTracked}}
		for row, err := range rows {
			if err == nil && o.Warn != nil {
				p.line = row.Line
				switch v := any(&row.Value).(type) {
				case *accounts.Account:
					p.account(v)
				case *accounts.Claim:
					p.claim(v)
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// preflight looks at one row after the other.
type preflight struct {
	o         PreflightOptions
	seen      references
	line      int
	reference string
}

func (p *preflight) warn(path string, rule Rule, message string) {
	p.o.Warn(Warning{Line: p.line, Reference: p.reference, Path: path, Rule: rule, Message: message})
}

func (p *preflight) account(a *accounts.Account) {
	p.row("clientReferenceId", a.ClientReferenceID, a.Status)
	p.amount("outstandingAmount", a.OutstandingAmount)
	p.amount("minimumOfferAmount", a.MinimumOfferAmount)
	p.amount("upfrontAmount", a.UpfrontAmount)
	if a.MinimumOfferAmount.IsSet() && a.OutstandingAmount.IsSet() && a.MinimumOfferAmount.Cmp(a.OutstandingAmount) > 0 {
		p.warn("minimumOfferAmount", RuleAmount, "is above the outstanding amount")
	}
	p.date("dueDate", a.DueDate, 10, 30)
	if a.IssuedDate.Known() {
		p.date("issuedDate", ccr.DateOf(a.IssuedDate.Time()), 0, 30)
	}
	p.phone("callbackNumber", a.CallbackNumber)
	p.party("debtor", &a.Debtor)
}

func (p *preflight) claim(c *accounts.Claim) {
	path, reference := "clientReferenceId", c.ClientReferenceID
	if reference == "" {
		path, reference = "claimNumber", c.ClaimNumber // the key then
	}
	p.row(path, reference, c.Status)
	p.amount("initialRecoveryAmount", c.InitialRecoveryAmount)
	p.amount("recoveryAmount", c.RecoveryAmount)
	p.amount("recoveredAmount", c.RecoveredAmount)
	p.amount("claimExcess.amount", c.ClaimExcess.Amount)
	p.phone("callbackNumber", c.CallbackNumber)
	p.party("thirdParty", &c.ThirdParty)
}

func (p *preflight) row(path, reference string, s accounts.Status) {
	p.reference = reference
	if reference != "" && p.seen.has(path+"\n"+reference, p.o.Warn) {
		p.warn(path, RuleDuplicate, "is that of an earlier row, too: which of the two wins is open")
	}
	known := []accounts.Status{accounts.StatusActive, accounts.StatusHold, accounts.StatusClosed}
	if slices.Contains(known, s) || s == "" { // Validate wants one
		return
	}
	for _, k := range known {
		if distance(strings.ToLower(string(s)), strings.ToLower(string(k))) <= 2 {
			p.warn("status", RuleStatus, "is not one that Credit Clear documents; did you mean "+string(k)+"?")
			return
		}
	}
	p.warn("status", RuleStatus, "is not one that Credit Clear documents: Active, Hold or Closed")
}

func (p *preflight) amount(path string, a ccr.Amount) {
	if a.IsSet() && a.Cmp(p.o.MaxAmount) > 0 {
		p.warn(path, RuleAmount, "is above "+p.o.MaxAmount.String())
	}
}

// date warns of a date more than some years ahead or behind.
func (p *preflight) date(path string, d ccr.Date, ahead, behind int) {
	last, first := p.o.Today, p.o.Today
	last.Year += ahead
	first.Year -= behind
	switch {
	case d.IsZero():
	case d.Compare(last) > 0:
		p.warn(path, RuleDate, "is in the future")
	case d.Compare(first) < 0:
		p.warn(path, RuleDate, "is far in the past")
	}
}

func (p *preflight) party(at string, v *accounts.Party) {
	if v.Email != "" {
		a, err := mail.ParseAddress(v.Email)
		if err != nil || a.Address != v.Email {
			p.warn(at+".email", RuleEmail, "is not in the form of an e-mail address")
		} else if _, domain, _ := strings.Cut(v.Email, "@"); !strings.Contains(strings.Trim(domain, "."), ".") {
			p.warn(at+".email", RuleEmail, "has no domain of the internet")
		}
	}
	p.phone(at+".mobileNumber", v.MobileNumber)
	p.date(at+".dateOfBirth", v.DateOfBirth, 0, 120)
}

func (p *preflight) phone(path, number string) {
	if number != "" && !phoneShape(number) {
		p.warn(path, RulePhone, "has not the shape of an Australian or New Zealand number")
	}
}

// phoneShape knows +61 4xx xxx xxx, 04xx xxx xxx, (03) 9xxx xxxx, 1300 xxx xxx,
// 13 xx xx, +64 2x xxx xxxx, 02x xxx xxx(xx) and 09 xxx xxxx.
func phoneShape(s string) bool {
	n := strings.NewReplacer(" ", "", "-", "", "(0)", "", "(", "", ")", "", ".", "").Replace(s)
	if strings.Trim(strings.TrimPrefix(n, "+"), "0123456789") != "" {
		return false
	}
	if home, ok := strings.CutPrefix(n, "0"); ok {
		return australian(home) || newZealand(home)
	}
	if rest, ok := strings.CutPrefix(n, "+61"); ok {
		return australian(rest)
	}
	if rest, ok := strings.CutPrefix(n, "+64"); ok {
		return newZealand(rest)
	}
	return len(n) == 10 && (strings.HasPrefix(n, "1300") || strings.HasPrefix(n, "1800")) || len(n) == 6 && strings.HasPrefix(n, "13")
}

func australian(n string) bool { return len(n) == 9 && strings.Contains("23478", n[:1]) }

func newZealand(n string) bool {
	return len(n) >= 8 && len(n) <= 10 && n[0] == '2' || len(n) == 8 && strings.Contains("34679", n[:1])
}

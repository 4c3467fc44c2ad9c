package bacs

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Action is what to do about a payer.
type Action string

// The actions, in the order of the steps of a [Decision].
const (
	StopCollecting Action = "stop collecting"
	LookAtIt       Action = "look at it" // no rule decides it, or records contradict each other
	UseNewAccount  Action = "use the new account"
	UseNewName     Action = "use the new payer name"
	LodgeAgain     Action = "lodge again" // the instruction, or the item of a file, after it was corrected
	Represent      Action = "re-present"
	RefundTaken    Action = "refund taken" // the money goes back to the payer: book it, or challenge the claim

	reinstated Action = "reinstated" // ends an earlier StopCollecting
)

// Decision is what all reports together ask for about one payer. It prints and
// logs as its actions only.
type Decision struct {
	ServiceUser string  `json:"serviceUser,omitempty"` // SUN
	Reference   string  `json:"reference,omitempty"`   // of the payer; empty if only the account is known, or for a whole file
	Payer       Account `json:"payer,omitzero"`        // as the latest record has it
	Steps       []Step  `json:"steps"`                 // each action once, the most pressing first
}

// Step returns the step of an action, if the decision has it.
func (d Decision) Step(a Action) (Step, bool) {
	for _, s := range d.Steps {
		if s.Do == a {
			return s, true
		}
	}
	return Step{}, false
}

// String gives the actions.
func (d Decision) String() string {
	var list []string
	for _, s := range d.Steps {
		list = append(list, string(s.Do))
	}
	return "decision: " + strings.Join(list, ", ")
}

// Format prints the safe text under every verb.
func (d Decision) Format(state fmt.State, _ rune) { show(state, d) }

// LogValue gives log/slog the safe text.
func (d Decision) LogValue() slog.Value { return slog.StringValue(d.String()) }

// Step is one action of a [Decision].
type Step struct {
	private
	Do       Action     `json:"do"`                // what to do
	Deadline Deadline   `json:"deadline,omitzero"` // the earliest of its records; unset: before the next collection
	Account  Account    `json:"account,omitzero"`  // UseNewAccount: the details to use
	Name     string     `json:"name,omitempty"`    // UseNewName: the name to use
	Amount   ccr.Amount `json:"amount,omitzero"`   // Represent, RefundTaken: the sum; unset if one is not known
	Because  []Evidence `json:"because"`           // the records it follows from, the earliest first
}

// Evidence names a record of a report. It prints and logs without what the
// record holds.
type Evidence struct {
	Report Kind     `json:"report"`           // its kind
	Number string   `json:"number,omitempty"` // Header.Number of the report
	Day    ccr.Date `json:"day,omitzero"`     // [Header.Day] of the report
	Record int      `json:"record"`           // its place, from 1, among the records of its type in the report that ask for something
	Reason Reason   `json:"reason,omitzero"`  // why it was reported
	Item   Record   `json:"-"`                // the record itself
}

// String gives the reason, the place and the report's number.
func (e Evidence) String() string {
	return fmt.Sprintf("%s; record %d of report%s", e.Reason, e.Record, safeType(e.Number))
}

// Format prints the safe text under every verb.
func (e Evidence) Format(state fmt.State, _ rune) { show(state, e) }

// LogValue gives log/slog the safe text.
func (e Evidence) LogValue() slog.Value { return slog.StringValue(e.String()) }

// payer is whom a decision is about. Sort code and number tell payers apart
// that have no reference; own tells apart what has neither.
type payer struct{ user, reference, sortCode, number, own string }

// fact is one action that one record asks for.
type fact struct {
	content  string // the record as it was written: the same in a report that is delivered again
	payer    payer
	do       Action
	party    Account
	account  Account // the new one
	amount   ccr.Amount
	deadline Deadline
	because  Evidence
}

// Worklist puts together what a set of reports asks for: one decision for each
// payer, in the order of service user and reference. Which order the reports
// are in, and how often one is among them, makes no difference. Nothing is
// remembered: give it all reports of the time that matters, and act on what
// was not done yet. A record that two reports have in the same words counts
// once, two such records of one report twice.
//
// Payers are told apart by service user and reference. A record without a
// reference, as banks may send it, belongs to the payer whose account it
// names, if that is one payer; else it is a decision of its own.
//
// Where records contradict each other the more careful one counts: no
// re-presentation, new account or new instruction for a payer whose
// instruction was cancelled; what came in after the cancellation, or after a
// claim, of which no report has the day, is to be looked at. A reinstatement ends earlier cancellations, and is to be looked at
// with them. Records with values that could not be read, or with a reason that
// is in no list, are to be looked at.
func (c Calendar) Worklist(reports ...*Report) []Decision {
	var facts []fact
	for _, report := range reports {
		if report != nil {
			facts = append(facts, c.facts(report)...)
		}
	}
	slices.SortFunc(facts, func(a, b fact) int {
		return cmp.Or(strings.Compare(a.content, b.content), strings.Compare(string(a.do), string(b.do)), a.compare(b))
	})
	facts = slices.CompactFunc(facts, func(a, b fact) bool { return a.content == b.content && a.do == b.do })
	slices.SortStableFunc(facts, fact.compare)

	owners := map[payer][]string{} // references by account
	for _, f := range facts {
		at := payer{user: f.payer.user, sortCode: f.party.SortCode, number: f.party.Number}
		if f.payer.reference != "" && at.number != "" && len(owners[at]) < 2 && !slices.Contains(owners[at], f.payer.reference) {
			owners[at] = append(owners[at], f.payer.reference)
		}
	}
	groups := map[payer][]fact{}
	for _, f := range facts {
		p := f.payer
		if owner := owners[p]; p.reference == "" && len(owner) == 1 {
			p = payer{user: p.user, reference: owner[0]}
		}
		groups[p] = append(groups[p], f)
	}
	list := make([]Decision, 0, len(groups))
	for _, p := range slices.SortedFunc(maps.Keys(groups), payer.compare) {
		list = append(list, decide(p, groups[p]))
	}
	return list
}

func (p payer) compare(q payer) int {
	return cmp.Or(strings.Compare(p.user, q.user), strings.Compare(p.reference, q.reference),
		strings.Compare(p.sortCode, q.sortCode), strings.Compare(p.number, q.number), strings.Compare(p.own, q.own))
}

// compare orders facts by what can be seen of their evidence.
func (f fact) compare(g fact) int {
	a, b := f.because, g.because
	return cmp.Or(a.Day.Compare(b.Day), strings.Compare(string(a.Report), string(b.Report)), strings.Compare(a.Number, b.Number),
		cmp.Compare(a.Record, b.Record), strings.Compare(f.content, g.content))
}

// facts returns what each record of a report asks for.
func (c Calendar) facts(p *Report) []fact {
	var list []fact
	place, seen := map[string]int{}, map[string]int{}
	add := func(rec Record, a Affected, ask asked) {
		kind := fmt.Sprintf("%T", rec)
		place[kind]++
		f := fact{
			party: a.Party, account: ask.account, amount: a.Amount,
			because: Evidence{a.Report, p.Header.Number, p.Header.Day(), place[kind], a.Reason, rec},
			payer:   payer{user: cmp.Or(ask.user, p.Header.ServiceUser.Number), reference: a.Reference},
		}
		content := fmt.Sprint(a.Report, "\x00", f.payer.user, "\x00", written(ask.raw))
		seen[content]++ // two records of one report may be the same to the letter, and are two
		f.content = fmt.Sprint(content, "\x00", seen[content])
		switch {
		case a.Reference != "":
		case a.Party.Number != "":
			f.payer.sortCode, f.payer.number = a.Party.SortCode, a.Party.Number
		default:
			f.payer.own = f.content
		}
		if len(ask.faults) > 0 && !slices.Contains(ask.actions, LookAtIt) {
			ask.actions = append(ask.actions, LookAtIt)
		}
		for _, f.do = range ask.actions {
			f.deadline = Deadline{}
			if item, ok := rec.(Reasoned); ok && (f.do != StopCollecting || a.Report != KindDDIC) { // there it is for the challenge
				f.deadline, _ = c.Deadline(item, p.Header.Day())
			}
			list = append(list, f)
		}
	}
	for item := range p.Reasoned() {
		add(item, item.Affected(), ask(item))
	}
	for _, f := range p.Files {
		if v := f.Verdict(); !v.Clean() && (v.Listed == 0 || !v.Agree()) { // else its errors say it all
			add(f, Affected{Report: p.Kind, Reason: Reason{Report: p.Kind}}, asked{f.Raw, f.Faults, f.ServiceUser.Number, Account{}, []Action{LookAtIt}})
		}
	}
	return list
}

// asked is what the types of record have in common for a decision.
type asked struct {
	raw     []Element
	faults  []ccr.FieldError
	user    string  // SUN, if the record names it
	account Account // the new one
	actions []Action
}

func ask(rec Reasoned) asked {
	switch item := rec.(type) {
	case *ReturnedDebit:
		return asked{[]Element{item.Raw}, item.Faults, "", Account{}, []Action{actionFor(KindARUDD, item.Reason().Code, false)}}
	case *Advice:
		return asked{[]Element{item.Raw}, item.Faults, item.UserNumber, item.NewAccount, []Action{item.action()}}
	case *FileAdvice:
		return asked{[]Element{item.Raw}, item.Faults, item.UserNumber, Account{}, []Action{LookAtIt}}
	case *Claim:
		return asked{[]Element{item.Raw}, item.Faults, item.ServiceUser, Account{}, item.actions()}
	case *InputError:
		a := asked{[]Element{item.Raw}, item.Faults, "", Account{}, []Action{item.action()}}
		if item.File != nil {
			a.user = item.File.ServiceUser.Number
		}
		return a
	}
	return asked{actions: []Action{LookAtIt}}
}

// written is a text of elements that tells different ones apart.
func written(list []Element) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "<%q", e.Name)
		for _, a := range e.Attrs {
			fmt.Fprintf(&b, " %q=%q", a.Name, a.Value)
		}
		fmt.Fprintf(&b, ">%q%s</>", e.Text, written(e.Children))
	}
	return b.String()
}

// actionFor looks up what a reason asks for; moved says that the record has a
// new account. Codes are of one character. What stands in no line is to be
// looked at.
func actionFor(report Kind, code string, moved bool) Action {
	for _, line := range []struct {
		report Kind
		codes  string
		moved  bool
		do     Action
	}{
		{KindARUDD, "0", false, Represent},
		{KindARUDD, "1235B", false, StopCollecting},
		{KindARUDD, "6", false, LodgeAgain},
		{KindADDACS, "3CE", true, UseNewAccount},
		{KindADDACS, "0123B", false, StopCollecting},
		{KindADDACS, "E", false, UseNewName},
		{KindADDACS, "R", false, reinstated},
		{KindAUDDIS, "3C", true, UseNewAccount},
		{KindAUDDIS, "1235BGKN", false, StopCollecting},
		{KindAUDDIS, "67FHILMOPQ", false, LodgeAgain},
		{KindAWACS, "03", true, UseNewAccount},
	} {
		if line.report == report && len(code) == 1 && strings.Contains(line.codes, code) && (moved || !line.moved) {
			return line.do
		}
	}
	return LookAtIt
}

func (a *Advice) action() Action {
	do := actionFor(a.Report, a.ReasonCode, a.NewAccount.Number != "" || a.NewAccount.SortCode != "")
	if a.Report == KindAUDDIS && a.Instruction() == "0C" || do == UseNewName && a.Payer.Name == "" {
		return LookAtIt
	}
	return do
}

func (c *Claim) actions() []Action {
	switch {
	case c.Cancelled || !c.Reason().Known:
		return []Action{LookAtIt}
	case slices.Contains([]string{"3", "4", "5", "6"}, c.ReasonCode): // there is no valid instruction
		return []Action{RefundTaken, StopCollecting}
	}
	return []Action{RefundTaken}
}

func (e *InputError) action() Action {
	if effect := e.Effect(); e.Reason().Known && (effect == EffectReturned || effect == EffectRejected) {
		return LodgeAgain
	}
	return LookAtIt
}

// decide makes one decision of the facts about one payer, which are in order.
func decide(p payer, facts []fact) Decision {
	d := Decision{ServiceUser: p.user, Reference: p.reference}
	stopped, stops := cancelled(facts)
	byAction := map[Action][]fact{}
	for _, f := range facts {
		switch later := f.because.Day.Compare(stopped) > 0; {
		case f.do == reinstated, f.do == StopCollecting && !stops:
			f.do = LookAtIt
		case !stops || f.do != Represent && f.do != LodgeAgain && f.do != UseNewAccount:
		case later:
			f.do, f.deadline = LookAtIt, Deadline{}
		default:
			f.do, f.deadline = StopCollecting, Deadline{}
		}
		byAction[f.do] = append(byAction[f.do], f)
		if !f.party.IsZero() {
			d.Payer = f.party
		}
	}
	if news := byAction[UseNewAccount]; len(news) > 1 {
		a, b := news[len(news)-1], news[len(news)-2]
		if a.because.Day == b.because.Day && a.account != b.account {
			byAction[LookAtIt] = append(byAction[LookAtIt], news...)
			slices.SortStableFunc(byAction[LookAtIt], fact.compare)
			byAction[UseNewAccount] = nil
		}
	}
	for _, do := range []Action{StopCollecting, LookAtIt, UseNewAccount, UseNewName, LodgeAgain, Represent, RefundTaken} {
		if len(byAction[do]) > 0 {
			d.Steps = append(d.Steps, step(do, byAction[do]))
		}
	}
	return d
}

// cancelled returns the day of the last cancellation, and whether it holds. A
// reinstatement ends it if it is of a later day: of the same day, or undated,
// the cancellation counts.
func cancelled(facts []fact) (last ccr.Date, holds bool) {
	for _, f := range facts {
		switch {
		case f.do == StopCollecting:
			last, holds = f.because.Day, true
		case f.do == reinstated && !last.IsZero() && f.because.Day.Compare(last) > 0:
			holds = false
		}
	}
	return last, holds
}

func step(do Action, facts []fact) Step {
	s := Step{Do: do}
	var sum pence
	for _, f := range facts {
		if by := f.deadline.By; !by.IsZero() && (s.Deadline.By.IsZero() || by.Compare(s.Deadline.By) < 0) {
			s.Deadline = f.deadline
		}
		switch do {
		case UseNewAccount:
			s.Account = f.account
		case UseNewName:
			s.Name = f.party.Name
		case Represent, RefundTaken:
			sum.add(f.amount)
			s.Amount = sum.amount()
		}
		if n := len(s.Because); n == 0 || s.Because[n-1].Item != f.because.Item {
			s.Because = append(s.Because, f.because)
		}
	}
	return s
}

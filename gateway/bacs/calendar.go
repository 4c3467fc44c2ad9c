package bacs

import (
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Sure says how well something is known that no public rule book states.
type Sure string

// The degrees, from the best.
const (
	SureLaw      Sure = "law"      // an Act or a proclamation, published
	SureVendor   Sure = "vendor"   // a page of the bureau's own vendor
	SureFair     Sure = "fair"     // pages of other bureaus, which do not differ
	SureDisputed Sure = "disputed" // sources differ: the earlier day is given
	SureInferred Sure = "inferred" // no source: it follows from the others
)

// Calendar tells working days of Bacs: Monday to Friday without the bank
// holidays of England and Wales. The zero value is ready.
//
// Bank holidays are computed from the Act of 1971, from what is proclaimed each
// year, and from a table of the days that were proclaimed once, 1999 to
// [CalendarUntil]. For a later year, what is computed is a forecast: see
// [Calendar.Forecast].
type Calendar struct {
	Closed []ccr.Date // further days without processing, such as one that was proclaimed since
	Open   []ccr.Date // working days after all, such as one that a holiday was moved from
}

// CalendarSince and CalendarUntil are the years whose single days are in the
// table of the calendar.
const (
	CalendarSince = 1999
	CalendarUntil = 2027
)

// Holiday is a day on which Bacs processes nothing, weekends apart.
type Holiday struct {
	Date   ccr.Date `json:"date"`   // the day
	Name   string   `json:"name"`   // in English
	Source string   `json:"source"` // where it is laid down
	Sure   Sure     `json:"sure"`   // how sure it is
}

// Sources of bank holidays.
const (
	byAct          = "Banking and Financial Dealings Act 1971, schedule 1"
	byCommonLaw    = "common law"
	byProclamation = "yearly proclamation"
	byList         = "public lists of bank holidays"
	byCaller       = "Calendar.Closed"
)

// single is one change of a year: a day that was proclaimed, and the usual one
// that it took the place of, if any.
type single struct {
	day, instead ccr.Date
	name, source string
	sure         Sure
}

func singles() [11]single {
	return [...]single{
		{ccr.Date{Year: 1999, Month: 12, Day: 31}, ccr.Date{}, "Millennium holiday", byList, SureFair},
		{ccr.Date{Year: 2002, Month: 6, Day: 3}, ccr.Date{}, "Golden Jubilee", byList, SureFair},
		{ccr.Date{Year: 2002, Month: 6, Day: 4}, ccr.Date{Year: 2002, Month: 5, Day: 27}, "Spring bank holiday", byList, SureFair},
		{ccr.Date{Year: 2011, Month: 4, Day: 29}, ccr.Date{}, "Royal Wedding", byList, SureFair},
		{ccr.Date{Year: 2012, Month: 6, Day: 4}, ccr.Date{Year: 2012, Month: 5, Day: 28}, "Spring bank holiday", byList, SureFair},
		{ccr.Date{Year: 2012, Month: 6, Day: 5}, ccr.Date{}, "Diamond Jubilee", byList, SureFair},
		{ccr.Date{Year: 2020, Month: 5, Day: 8}, ccr.Date{Year: 2020, Month: 5, Day: 4}, "Early May bank holiday", byList, SureFair},
		{ccr.Date{Year: 2022, Month: 6, Day: 2}, ccr.Date{Year: 2022, Month: 5, Day: 30}, "Spring bank holiday", "Pay.UK", SureLaw},
		{ccr.Date{Year: 2022, Month: 6, Day: 3}, ccr.Date{}, "Platinum Jubilee", "Pay.UK", SureLaw},
		{ccr.Date{Year: 2022, Month: 9, Day: 19}, ccr.Date{}, "State Funeral of Queen Elizabeth II", "London Gazette 4158896", SureLaw},
		{ccr.Date{Year: 2023, Month: 5, Day: 8}, ccr.Date{}, "Coronation of King Charles III", "Pay.UK", SureLaw},
	}
}

// Forecast reports whether the calendar has no table for a day's year: a day
// may have been proclaimed that it does not know. Ask for the list of that
// year, and give what it has more in Closed.
func (c Calendar) Forecast(d ccr.Date) bool { return d.Year < CalendarSince || d.Year > CalendarUntil }

// Holidays returns the days of a year, weekends apart, on which nothing is
// processed, in order.
func (c Calendar) Holidays(year int) []Holiday {
	var list []Holiday
	add := func(day ccr.Date, name, source string, sure Sure) {
		if !slices.ContainsFunc(list, func(h Holiday) bool { return h.Date == day }) {
			list = append(list, Holiday{day, name, source, sure})
		}
	}
	easter := easterSunday(year)
	add(monday(ccr.Date{Year: year, Month: 1, Day: 1}), "New Year's Day", byProclamation, SureLaw)
	add(plus(easter, -2), "Good Friday", byCommonLaw, SureLaw)
	add(plus(easter, 1), "Easter Monday", byAct, SureLaw)
	add(mondayFrom(ccr.Date{Year: year, Month: 5, Day: 1}), "Early May bank holiday", byProclamation, SureLaw)
	add(mondayFrom(ccr.Date{Year: year, Month: 5, Day: 25}), "Spring bank holiday", byAct, SureLaw)
	add(mondayFrom(ccr.Date{Year: year, Month: 8, Day: 25}), "Summer bank holiday", byAct, SureLaw)
	christmas := ccr.Date{Year: year, Month: 12, Day: 25}
	switch weekday(christmas) {
	case time.Friday: // the 26th is a Saturday
		add(christmas, "Christmas Day", byCommonLaw, SureLaw)
		add(plus(christmas, 3), "Boxing Day, substitute", byProclamation, SureInferred)
	case time.Saturday:
		add(plus(christmas, 2), "Boxing Day, substitute", byAct, SureLaw)
		add(plus(christmas, 3), "Christmas Day, substitute", byProclamation, SureInferred)
	case time.Sunday:
		add(plus(christmas, 1), "Boxing Day", byAct, SureLaw)
		add(plus(christmas, 2), "Christmas Day, substitute", byAct, SureLaw)
	default:
		add(christmas, "Christmas Day", byCommonLaw, SureLaw)
		add(plus(christmas, 1), "Boxing Day", byAct, SureLaw)
	}
	for _, s := range singles() {
		if s.day.Year == year {
			list = slices.DeleteFunc(list, func(h Holiday) bool { return h.Date == s.instead })
			add(s.day, s.name, s.source, s.sure)
		}
	}
	list = slices.DeleteFunc(list, func(h Holiday) bool { return slices.Contains(c.Open, h.Date) })
	for _, d := range c.Closed {
		if d.Year == year && !weekend(d) {
			add(d, "closed", byCaller, "")
		}
	}
	slices.SortFunc(list, func(a, b Holiday) int { return a.Date.Compare(b.Date) })
	return list
}

// Working reports whether Bacs processes on a day. A day of Closed is none,
// even if Open has it, too.
func (c Calendar) Working(d ccr.Date) bool {
	return d.IsValid() && !weekend(d) &&
		!slices.ContainsFunc(c.Holidays(d.Year), func(h Holiday) bool { return h.Date == d })
}

// OnOrAfter returns the first working day that is not before d.
func (c Calendar) OnOrAfter(d ccr.Date) ccr.Date { return c.seek(d, 1) }

// OnOrBefore returns the last working day that is not after d.
func (c Calendar) OnOrBefore(d ccr.Date) ccr.Date { return c.seek(d, -1) }

// seek gives up at the ends of the calendar, where it returns an unset date.
func (c Calendar) seek(d ccr.Date, step int) ccr.Date {
	for ; d.IsValid(); d = plus(d, step) {
		if c.Working(d) {
			return d
		}
	}
	return ccr.Date{}
}

// Add returns the n-th working day after d, or before it if n is negative; d
// itself does not count. With n 0 it is d, or the next working day.
func (c Calendar) Add(d ccr.Date, n int) ccr.Date {
	step := 1
	if n < 0 {
		step, n = -1, -n
	} else if n == 0 {
		return c.OnOrAfter(d)
	}
	for ; n > 0 && d.IsValid(); n-- {
		d = c.seek(plus(d, step), step)
	}
	return d
}

// Between counts the working days after from, up to and with to. It is
// negative if to is the earlier one.
func (c Calendar) Between(from, to ccr.Date) int {
	n := 0
	if to.Compare(from) < 0 {
		return -c.Between(to, from)
	}
	for d := from; d.IsValid() && d != to; {
		if d = plus(d, 1); c.Working(d) {
			n++
		}
	}
	return n
}

// Cycle is the three working days that a file takes through Bacs.
type Cycle struct {
	Input      ccr.Date `json:"input"`      // it is submitted
	Processing ccr.Date `json:"processing"` // the paying banks get it; the processing date of reports
	Entry      ccr.Date `json:"entry"`      // accounts are debited and credited
}

// From returns the cycle of a file that is submitted on a day, or on the next
// working day.
func (c Calendar) From(input ccr.Date) Cycle {
	d := c.OnOrAfter(input)
	return Cycle{d, c.Add(d, 1), c.Add(d, 2)}
}

// For returns the last cycle whose entries are made by a day.
func (c Calendar) For(entry ccr.Date) Cycle {
	d := c.OnOrBefore(entry)
	return Cycle{c.Add(d, -2), c.Add(d, -1), d}
}

// NoticeDays is the advance notice that a payer gets, in working days, unless
// another one was agreed.
const NoticeDays = 10

// EarliestCollection returns the first day on which may be collected what a
// payer was told of on a day, and the cycle for it: notice working days later,
// and no earlier than a file of the next working day gets there. It may be
// collected on that day or within three working days after it.
func (c Calendar) EarliestCollection(told ccr.Date, notice int) Cycle {
	entry := c.Add(told, max(notice, 1))
	if first := c.From(plus(told, 1)).Entry; entry.Compare(first) < 0 {
		entry = first
	}
	return c.For(entry)
}

// Window returns when files can be submitted on a working day: 07:00 to 22:30
// in the United Kingdom, whatever its clocks did in the night before. On other
// days both are zero.
//
// It fails if the system has no time-zone data, and never takes another zone
// instead: put time/tzdata into the program, or install the data.
func (c Calendar) Window(d ccr.Date) (opens, closes time.Time, err error) {
	return c.window(d, time.LoadLocation)
}

func (c Calendar) window(d ccr.Date, load loader) (opens, closes time.Time, err error) {
	zone, err := london("Window", load)
	if err != nil || !c.Working(d) {
		return opens, closes, err
	}
	return time.Date(d.Year, d.Month, d.Day, 7, 0, 0, 0, zone), time.Date(d.Year, d.Month, d.Day, 22, 30, 0, 0, zone), nil
}

// InputDay returns the working day that a file counts for which gets to Bacs
// at a time: that day up to the end of its window, else the next one. It fails
// as Window does. A bureau's own cut-off is earlier.
func (c Calendar) InputDay(at time.Time) (ccr.Date, error) { return c.inputDay(at, time.LoadLocation) }

func (c Calendar) inputDay(at time.Time, load loader) (ccr.Date, error) {
	zone, err := london("InputDay", load)
	if err != nil {
		return ccr.Date{}, err
	}
	d := ccr.DateOf(at.In(zone))
	if _, closes, err := c.window(d, load); err != nil || closes.IsZero() || at.Before(closes) {
		return c.OnOrAfter(d), err
	}
	return c.OnOrAfter(plus(d, 1)), nil
}

// loader is time.LoadLocation.
type loader func(name string) (*time.Location, error)

func london(operation string, load loader) (*time.Location, error) {
	zone, err := load("Europe/London")
	if err != nil {
		return nil, &ccr.Error{
			Service: service, Operation: operation, Err: err,
			Advice: "Import time/tzdata in the program, or install the system's time-zone data: UTC would be an hour off in summer.",
		}
	}
	return zone, nil
}

func plus(d ccr.Date, days int) ccr.Date { d.Day += days; return ccr.DateOf(d.In(time.UTC)) }

func weekday(d ccr.Date) time.Weekday { return d.In(time.UTC).Weekday() }

func weekend(d ccr.Date) bool { return weekday(d) == time.Saturday || weekday(d) == time.Sunday }

// monday moves a day of a weekend to the Monday after it.
func monday(d ccr.Date) ccr.Date {
	for weekend(d) {
		d = plus(d, 1)
	}
	return d
}

// mondayFrom returns the first Monday on or after a day.
func mondayFrom(d ccr.Date) ccr.Date {
	return plus(d, (8-int(weekday(d)))%7)
}

// easterSunday is the Gregorian rule, in the form that New Scientist published
// in 1961.
func easterSunday(year int) ccr.Date {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 19*l) / 433
	n := (h + l - 7*m + 90) / 25
	return ccr.Date{Year: year, Month: time.Month(n), Day: (h + l - 7*m + 33*n + 19) % 32}
}

package bacs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func day(s string) ccr.Date {
	d, err := ccr.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// The bank holidays of England and Wales, written down by hand after published
// calendars, month and day. Sources of the single ones: 1999-12-31,
// 2002-06-03/04, 2011-04-29 and 2012-06-04/05: public lists of English bank
// holidays (ical.oops.se/holidays/England.html and others); 2020-05-08, moved
// from 4 May: public-holidays.us; 2022-06-02/03 and 2023-05-08: Pay.UK; 2022-09-19:
// London Gazette 4158896; 2023-01-02 and 2023-05-01: London Gazette 4115743.
// Substitute days of Christmas and New Year are those that calendars of the
// year show.
var bankHolidays = map[int]string{
	1999: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28 12-31",
	2000: "01-03 04-21 04-24 05-01 05-29 08-28 12-25 12-26",
	2001: "01-01 04-13 04-16 05-07 05-28 08-27 12-25 12-26",
	2002: "01-01 03-29 04-01 05-06 06-03 06-04 08-26 12-25 12-26",
	2003: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
	2004: "01-01 04-09 04-12 05-03 05-31 08-30 12-27 12-28",
	2005: "01-03 03-25 03-28 05-02 05-30 08-29 12-26 12-27",
	2006: "01-02 04-14 04-17 05-01 05-29 08-28 12-25 12-26",
	2007: "01-01 04-06 04-09 05-07 05-28 08-27 12-25 12-26",
	2008: "01-01 03-21 03-24 05-05 05-26 08-25 12-25 12-26",
	2009: "01-01 04-10 04-13 05-04 05-25 08-31 12-25 12-28",
	2010: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",
	2011: "01-03 04-22 04-25 04-29 05-02 05-30 08-29 12-26 12-27",
	2012: "01-02 04-06 04-09 05-07 06-04 06-05 08-27 12-25 12-26",
	2013: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
	2014: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
	2015: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
	2016: "01-01 03-25 03-28 05-02 05-30 08-29 12-26 12-27",
	2017: "01-02 04-14 04-17 05-01 05-29 08-28 12-25 12-26",
	2018: "01-01 03-30 04-02 05-07 05-28 08-27 12-25 12-26",
	2019: "01-01 04-19 04-22 05-06 05-27 08-26 12-25 12-26",
	2020: "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28",
	2021: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",
	2022: "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",
	2023: "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26",
	2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
	2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
	2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
	2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
}

func TestBankHolidays(t *testing.T) {
	t.Parallel()
	require.Len(t, bankHolidays, CalendarUntil-CalendarSince+1)
	for year, want := range bankHolidays {
		got := ""
		for _, h := range (Calendar{}).Holidays(year) {
			got += fmt.Sprintf(" %02d-%02d", h.Date.Month, h.Date.Day)
			assert.NotEmpty(t, h.Name)
			assert.NotEmpty(t, h.Source)
			assert.NotEmpty(t, h.Sure)
			assert.False(t, weekend(h.Date), h)
			assert.False(t, Calendar{}.Working(h.Date), h)
		}
		assert.Equal(t, want, got[1:], year)
	}
}

// easterByGauss is another algorithm: that of Gauss, with its two exceptions.
func easterByGauss(year int) ccr.Date {
	a, b, c, k := year%19, year%4, year%7, year/100
	p := (13 + 8*k) / 25
	q := k / 4
	m := (15 - p + k - q) % 30
	n := (4 + k - q) % 7
	d := (19*a + m) % 30
	e := (2*b + 4*c + 6*d + n) % 7
	switch {
	case d == 29 && e == 6:
		return ccr.Date{Year: year, Month: time.April, Day: 19}
	case d == 28 && e == 6 && (11*m+11)%30 < 19:
		return ccr.Date{Year: year, Month: time.April, Day: 18}
	}
	return plus(ccr.Date{Year: year, Month: time.March, Day: 22}, d+e)
}

func TestEaster(t *testing.T) {
	t.Parallel()
	for year := 1900; year < 2200; year++ {
		assert.Equal(t, easterByGauss(year), easterSunday(year))
	}
	assert.Equal(t, day("2026-04-05"), easterSunday(2026))
}

func TestWorkingDays(t *testing.T) {
	t.Parallel()
	var cal Calendar
	assert.Equal(t, day("2026-04-07"), cal.Add(day("2026-04-02"), 1), "over Easter")
	assert.Equal(t, day("2026-04-02"), cal.Add(day("2026-04-07"), -1))
	assert.Equal(t, day("2026-04-07"), cal.Add(day("2026-04-04"), 0))
	assert.Equal(t, day("2026-04-07"), cal.OnOrAfter(day("2026-04-03")))
	assert.Equal(t, day("2026-04-02"), cal.OnOrBefore(day("2026-04-06")))
	assert.Equal(t, 1, cal.Between(day("2026-04-02"), day("2026-04-07")))
	assert.Equal(t, -1, cal.Between(day("2026-04-07"), day("2026-04-02")))
	assert.Zero(t, cal.Between(day("2026-04-07"), day("2026-04-07")))
	for d := day("2026-01-01"); d.Year == 2026; d = plus(d, 1) {
		for _, n := range []int{1, 3, 10} {
			assert.Equal(t, n, cal.Between(d, cal.Add(d, n)))
			assert.Equal(t, -n, cal.Between(cal.Add(d, n), d)+cal.Between(d, d))
		}
	}
	assert.Equal(t, Cycle{day("2026-12-23"), day("2026-12-24"), day("2026-12-29")}, cal.From(day("2026-12-23")))
	assert.Equal(t, Cycle{day("2026-12-23"), day("2026-12-24"), day("2026-12-29")}, cal.For(day("2026-12-29")))
	assert.Equal(t, day("2026-12-24"), cal.For(day("2026-12-28")).Entry)

	// What was proclaimed since, and a day that is worked after all.
	own := Calendar{Closed: []ccr.Date{day("2026-06-10"), day("2026-06-13")}, Open: []ccr.Date{day("2026-05-04"), day("2026-06-10")}}
	assert.False(t, own.Working(day("2026-06-10")))
	assert.True(t, own.Working(day("2026-05-04")))
	assert.Len(t, own.Holidays(2026), 8, "one more, one less")
	assert.True(t, cal.Forecast(day("2028-01-04")))
	assert.True(t, cal.Forecast(day("1998-12-31")))
	assert.False(t, cal.Forecast(day("2027-12-31")))

	// The ends of the calendar are no endless loop.
	assert.True(t, cal.Add(day("9999-12-30"), 9).IsZero())
	assert.True(t, cal.Add(day("0001-01-02"), -9).IsZero())
	assert.False(t, cal.Working(ccr.Date{}))
	assert.Zero(t, cal.Between(ccr.Date{}, ccr.Date{}))
}

// Ten working days' notice by default (cleardebit.com, advance notice), and
// never before a file can get there.
func TestEarliestCollection(t *testing.T) {
	t.Parallel()
	var cal Calendar
	assert.Equal(t, Cycle{day("2026-03-26"), day("2026-03-27"), day("2026-03-30")}, cal.EarliestCollection(day("2026-03-16"), NoticeDays))
	assert.Equal(t, Cycle{day("2026-04-09"), day("2026-04-10"), day("2026-04-13")}, cal.EarliestCollection(day("2026-03-26"), NoticeDays), "over Easter")
	assert.Equal(t, Cycle{day("2026-03-17"), day("2026-03-18"), day("2026-03-19")}, cal.EarliestCollection(day("2026-03-16"), 1))
	assert.Equal(t, Cycle{day("2026-03-16"), day("2026-03-17"), day("2026-03-18")}, cal.EarliestCollection(day("2026-03-14"), 0))
}

// The window is 07:00 to 22:30 in the United Kingdom (aptbacs.co.uk), in
// winter, in summer and after the night in which clocks change.
func TestWindow(t *testing.T) {
	t.Parallel()
	var cal Calendar
	for d, opens := range map[string]string{
		"2026-03-27": "07:00", "2026-03-30": "06:00", // clocks go forward on the 29th
		"2026-10-23": "06:00", "2026-10-26": "07:00", // and back on the 25th
	} {
		from, to, err := cal.Window(day(d))
		require.NoError(t, err)
		assert.Equal(t, d+" "+opens, from.UTC().Format("2006-01-02 15:04"))
		assert.Equal(t, 15*time.Hour+30*time.Minute, to.Sub(from))
	}
	from, to, err := cal.Window(day("2026-04-03"))
	require.NoError(t, err)
	assert.True(t, from.IsZero() && to.IsZero(), "Good Friday")

	for at, want := range map[string]string{
		"2026-03-27T22:29:59Z": "2026-03-27",
		"2026-03-27T22:30:00Z": "2026-03-30", // Friday's window is over
		"2026-03-30T21:29:59Z": "2026-03-30", // 22:29 in summer
		"2026-03-30T21:45:00Z": "2026-03-31", // 22:45: in UTC it would still be the 30th
		"2026-07-01T23:30:00Z": "2026-07-02", // half past midnight
		"2026-03-16T05:00:00Z": "2026-03-16", // before it opens
		"2026-04-03T12:00:00Z": "2026-04-07",
		"2026-04-02T21:40:00Z": "2026-04-07",
	} {
		when, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		got, err := cal.InputDay(when)
		require.NoError(t, err)
		assert.Equal(t, want, got.String(), at)
	}
}

// Without time-zone data there is no answer, least of all that of UTC.
func TestNoTimeZoneData(t *testing.T) {
	t.Parallel()
	missing := errors.New("unknown time zone Europe/London")
	none := func(name string) (*time.Location, error) {
		assert.Equal(t, "Europe/London", name)
		return nil, missing
	}
	_, err := Calendar{}.inputDay(time.Date(2026, 3, 30, 21, 45, 0, 0, time.UTC), none)
	require.ErrorIs(t, err, missing)
	assert.ErrorContains(t, err, "time/tzdata")
	from, _, err := Calendar{}.window(day("2026-03-30"), none)
	require.ErrorIs(t, err, missing)
	assert.True(t, from.IsZero())
}

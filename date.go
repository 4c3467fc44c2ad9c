package ccr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Date is a calendar day without a time or a zone, written YYYY-MM-DD.
// The zero Date is "unset" and is omitted from JSON by omitzero.
type Date struct {
	Year  int        // 1 to 9999
	Month time.Month // 1 to 12
	Day   int        // 1 to 31
}

var errDate = errors.New("ccr: not a calendar date (want YYYY-MM-DD)")

// ParseDate reads YYYY-MM-DD; the time of a date-time is dropped, not
// converted: the day stays the one that was written.
func ParseDate(s string) (Date, error) {
	if len(s) > 11 && (s[10] == 'T' || s[10] == ' ') && isDigit(s[11]) {
		s = s[:10]
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return Date{}, errDate
	}
	return DateOf(t), nil
}

// DateOf returns the day of t in t's own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// IsZero reports whether the date is unset.
func (d Date) IsZero() bool { return d == Date{} }

// IsValid reports whether the date exists in the calendar and has a year of
// four digits.
func (d Date) IsValid() bool {
	return d.Year >= 1 && d.Year <= 9999 && DateOf(d.In(time.UTC)) == d
}

// In returns the start of the day in a zone.
func (d Date) In(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// Compare returns -1, 0 or +1 as d is before, the same as, or after e.
func (d Date) Compare(e Date) int { return d.In(time.UTC).Compare(e.In(time.UTC)) }

// String writes YYYY-MM-DD; the empty string for an unset date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText writes YYYY-MM-DD and refuses a day that does not exist.
func (d Date) MarshalText() ([]byte, error) {
	if !d.IsZero() && !d.IsValid() {
		return nil, errDate
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what [ParseDate] reads; an empty text is an unset date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	v, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// DateTime is a point in time as a vendor wrote it. The text is kept, so that
// re-encoding loses neither the offset nor the number of fractional digits.
//
// Reading is liberal: RFC 3339, offsets "+10" and "+0000", up to nine
// fractional digits, a space in place of the T. A text in a form nobody has
// seen yet does not fail the answer it stands in: it is kept,
// [DateTime.Known] is false and [DateTime.Time] is the zero time.
type DateTime struct {
	t    time.Time
	text string
}

// NewDateTime makes a DateTime that is written as RFC 3339 with the offset
// of t and its fraction of a second, if any. The zero time makes an unset one.
func NewDateTime(t time.Time) DateTime {
	if t.IsZero() {
		return DateTime{}
	}
	return DateTime{t, t.Format(time.RFC3339Nano)}
}

// The layouts seen in the vendors' documents and samples, most frequent
// first. Fractions of any length are accepted after the seconds by time.Parse.
var dateTimeLayouts = [...]string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05Z0700", // Algoan v1: +0000
	"2006-01-02T15:04:05Z07",   // Credit Clear return files: +10
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05Z07",
}

// ParseDateTime reads a date-time that has an offset; one without cannot be
// placed in time and is refused.
func ParseDateTime(s string) (DateTime, error) {
	for _, layout := range dateTimeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return DateTime{t, s}, nil
		}
	}
	return DateTime{text: s}, errors.New("ccr: not a date-time with an offset (want RFC 3339)")
}

// Time returns the point in time in the offset it was written with; the zero
// time if unset or not understood.
func (d DateTime) Time() time.Time { return d.t }

// Known reports whether the text was understood. The first instant of the
// year 1, which .NET writes for "no time", counts as not understood.
func (d DateTime) Known() bool { return !d.t.IsZero() }

// IsZero reports whether there is neither a time nor a text.
func (d DateTime) IsZero() bool { return d.text == "" && d.t.IsZero() }

// String returns the text as written.
func (d DateTime) String() string { return d.text }

// MarshalText writes the text as it was written.
func (d DateTime) MarshalText() ([]byte, error) { return []byte(d.text), nil }

// UnmarshalText keeps any text and understands what [ParseDateTime] does.
func (d *DateTime) UnmarshalText(text []byte) error {
	*d, _ = ParseDateTime(string(text)) //nolint:errcheck // kept as text; Known reports it
	return nil
}

// UnmarshalJSON accepts a string or null; any other JSON is kept as text.
func (d *DateTime) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		s = string(data)
	}
	return d.UnmarshalText([]byte(s))
}

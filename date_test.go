package ccr

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Date{
		"2026-11-21": {2026, 11, 21}, "2024-02-29": {2024, 2, 29}, "0001-01-01": {1, 1, 1}, "9999-12-31": {9999, 12, 31},
		"2026-11-21T23:59:59+10":        {2026, 11, 21},
		"2026-11-21T05:00:00+10:00":     {2026, 11, 21}, // the day before in UTC: not converted to another zone
		"2026-11-21T20:00:00-05:00":     {2026, 11, 21}, // the day after in UTC
		"2026-11-21T00:00:00.000Z":      {2026, 11, 21},
		"2026-11-21 14:03:00":           {2026, 11, 21},
		"1980-01-01T00:00:00.000+00:00": {1980, 1, 1},
	} {
		d, err := ParseDate(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, d, in)
		assert.True(t, d.IsValid())
	}
	for _, in := range []string{"", "2026-11-31", "2025-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "0000-00-00", "0000-01-01", "21/11/2026", "20261121",
		"2026-11-21x", "2026-11-21T", "2026-11-21 x", "2026-11-21Tx", "2026-1-2", "10000-01-01", "-001-01-01", " 2026-11-21", "2026-11-21 "} {
		d, err := ParseDate(in)
		require.Error(t, err, "%q", in)
		assert.Zero(t, d)
		if in != "" {
			assert.NotContains(t, err.Error(), in)
		}
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	d := Date{2026, time.November, 21}
	assert.Equal(t, "2026-11-21", d.String())
	assert.Equal(t, "0999-01-02", Date{999, 1, 2}.String())
	assert.Empty(t, Date{}.String())
	assert.True(t, Date{}.IsZero())
	assert.False(t, Date{}.IsValid())
	sydney := time.FixedZone("AEDT", 11*60*60)
	assert.Equal(t, d, DateOf(time.Date(2026, 11, 21, 0, 30, 0, 0, sydney)), "in the zone of the time, which is still the 20th in UTC")
	assert.Equal(t, "2026-11-21T00:00:00+11:00", d.In(sydney).Format(time.RFC3339))
	assert.Equal(t, -1, d.Compare(Date{2026, 12, 1}))
	assert.Equal(t, 1, d.Compare(Date{2025, 12, 31}))
	assert.Zero(t, d.Compare(d))

	for _, bad := range []Date{{2026, 2, 30}, {2026, 13, 1}, {0, 1, 1}, {10000, 1, 1}, {2026, 0, 0}, {-1, 1, 1}} {
		assert.False(t, bad.IsValid())
		_, err := json.Marshal(bad)
		require.Error(t, err, "%v must not be sent", bad)
	}

	type row struct {
		D Date `json:"d,omitzero"`
		E Date `json:"e"`
	}
	b, err := json.Marshal(row{E: d})
	require.NoError(t, err)
	assert.Equal(t, `{"e":"2026-11-21"}`, string(b))
	var r row
	require.NoError(t, json.Unmarshal([]byte(`{"d":"2026-11-21T10:00:00Z","e":""}`), &r))
	assert.Equal(t, row{D: d}, r)
	require.NoError(t, json.Unmarshal([]byte(`{"d":null}`), &r))
	assert.Equal(t, d, r.D)
	require.Error(t, json.Unmarshal([]byte(`{"d":20261121}`), &r))
	require.Error(t, json.Unmarshal([]byte(`{"d":"soon"}`), &r))
}

func TestParseDateTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2026-11-21T10:20:30Z":                "2026-11-21T10:20:30Z",
		"2022-04-04T13:32:10.891Z":            "2022-04-04T13:32:10.891Z",
		"2020-09-10T08:42:41.783+0000":        "2020-09-10T08:42:41.783Z",
		"2020-09-10T08:42:41-0330":            "2020-09-10T12:12:41Z",
		"2022-09-06T20:43:31.772+10":          "2022-09-06T10:43:31.772Z",
		"2022-09-06T20:43:31+10":              "2022-09-06T10:43:31Z",
		"2022-09-06T20:43:31-05":              "2022-09-07T01:43:31Z",
		"2021-11-03T12:58:07.9850068Z":        "2021-11-03T12:58:07.9850068Z",
		"2021-11-03T12:58:07.123456789+05:30": "2021-11-03T07:28:07.123456789Z",
		"2021-11-03T12:58:07.1234567891Z":     "2021-11-03T12:58:07.123456789Z",
		"2021-11-03T12:58:07.9850068+11:00":   "2021-11-03T01:58:07.9850068Z",
		"2021-11-03 12:58:07+11:00":           "2021-11-03T01:58:07Z",
		"2021-11-03 12:58:07+1100":            "2021-11-03T01:58:07Z",
		"2021-11-03 12:58:07.5+11":            "2021-11-03T01:58:07.5Z",
		"2021-11-03 12:58:07Z":                "2021-11-03T12:58:07Z",
	} {
		d, err := ParseDateTime(in)
		require.NoError(t, err, in)
		assert.True(t, d.Known())
		assert.False(t, d.IsZero())
		assert.Equal(t, want, d.Time().UTC().Format(time.RFC3339Nano), in)
		assert.Equal(t, in, d.String(), "kept as written")
		data, err := json.Marshal(d)
		require.NoError(t, err)
		assert.Equal(t, `"`+in+`"`, string(data))
	}
	for _, in := range []string{"", "now", "2021-11-03", "2021-11-03T12:58:07", "2021-11-03 12:58:07", "2021-02-30T00:00:00Z", "2021-11-03T25:00:00Z", "1636000000", "2021-11-03T12:58:07+1"} {
		d, err := ParseDateTime(in)
		require.Error(t, err, in)
		assert.False(t, d.Known())
		assert.True(t, d.Time().IsZero())
		assert.Equal(t, in, d.String(), "kept all the same")
	}
}

func TestDateTimeInAnswers(t *testing.T) {
	t.Parallel()
	type row struct {
		At   DateTime `json:"at,omitzero"`
		Then DateTime `json:"then"`
	}
	var r row
	require.NoError(t, json.Unmarshal([]byte(`{"at":"next tuesday","then":1636000000}`), &r), "a new form does not fail the answer")
	assert.Equal(t, "next tuesday", r.At.String())
	assert.Equal(t, "1636000000", r.Then.String())
	assert.False(t, r.Then.Known())
	require.NoError(t, json.Unmarshal([]byte(`{"at":null,"then":{"a":[1]}}`), &r))
	assert.Equal(t, "next tuesday", r.At.String(), "null changes nothing")
	assert.Equal(t, `{"a":[1]}`, r.Then.String())

	b, err := json.Marshal(row{Then: NewDateTime(time.Date(2026, 11, 21, 9, 0, 0, 5e8, time.FixedZone("", 36000)))})
	require.NoError(t, err)
	assert.Equal(t, `{"then":"2026-11-21T09:00:00.5+10:00"}`, string(b))
	assert.True(t, NewDateTime(time.Time{}).IsZero())

	d, err := ParseDateTime("0001-01-01T00:00:00Z") // .NET for "no time"
	require.NoError(t, err)
	assert.False(t, d.Known())
	assert.False(t, d.IsZero())
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-11-21", "2024-02-29T00:00:00Z", "0000-00-00", "", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		if err != nil {
			require.Zero(t, d)
			return
		}
		require.True(t, d.IsValid())
		require.Equal(t, s[:10], d.String())
		data, err := json.Marshal(d)
		require.NoError(t, err)
		var back Date
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, d, back)
	})
}

func FuzzDateTime(f *testing.F) {
	for _, s := range []string{`"2022-09-06T20:43:31.772+10"`, `"2020-09-10T08:42:41.783+0000"`, `null`, `12`, `{"a":1}`, `""`, `"\ud800"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d DateTime
		if json.Unmarshal(data, &d) != nil || !utf8.Valid(data) { // not JSON at all; the decoder lets other bytes pass
			return
		}
		if d.Known() {
			again, err := ParseDateTime(d.String())
			require.NoError(t, err)
			require.True(t, again.Time().Equal(d.Time()))
		} else {
			require.True(t, d.Time().IsZero())
		}
		out, err := json.Marshal(d)
		require.NoError(t, err)
		var back DateTime
		require.NoError(t, json.Unmarshal(out, &back))
		require.Equal(t, d.String(), back.String())
		require.True(t, back.Time().Equal(d.Time()))
	})
}

package ccr

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func mustAmount(t testing.TB, s string) Amount {
	t.Helper()
	a, err := ParseAmount(s)
	require.NoError(t, err)
	return a
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0", "0.10": "0.10", "10.00": "10.00", "-0.10": "-0.10", "1234567.89": "1234567.89", "-0": "-0",
		"+1.5": "1.5", "007.50": "7.50", "00": "0", "-000.0": "-0.0", ".5": "0.5", "5.": "5", "-.5": "-0.5", "+.50": "0.50",
		"1e3": "1000", "1E3": "1000", "1.25e1": "12.5", "1.25e2": "125", "1.25e3": "1250", "125e-2": "1.25", "1e-3": "0.001",
		"-1.5E+2": "-150", "0e9": "0", "0e-2": "0.00", "0e64": "0",
		strings.Repeat("9", 64): strings.Repeat("9", 64), "1e63": "1" + strings.Repeat("0", 63),
	} {
		a, err := ParseAmount(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, a.String(), in)
		assert.True(t, a.IsSet(), in)
	}
	for _, in := range []string{
		"", " ", ".", "-", "+", "-.", "+-1", "--1", "1-", "1,000.00", "1 000", " 1", "1 ", "$1", "£1", "1_000", "0x10", "1.2.3", "1..2",
		"e3", "1e", "1e+", "1e3.5", "1e3e3", "1e65", "1e-65", "1e99999999999999999999", "1e64", "1e-64", "NaN", "Inf", "-Infinity", "null", "true",
		"١٢", "１２", "1\x00", "1\n", strings.Repeat("9", 65), "1." + strings.Repeat("0", 63), "1/2", "1e 3", "1e_3",
	} {
		a, err := ParseAmount(in)
		require.Error(t, err, "%q", in)
		assert.Equal(t, Amount{}, a)
		if len(in) > 3 {
			assert.NotContains(t, err.Error(), in, "the error must not quote an amount")
		}
	}
}

func TestAmountUnset(t *testing.T) {
	t.Parallel()
	var a Amount
	assert.False(t, a.IsSet())
	assert.Equal(t, "0", a.String())
	assert.Zero(t, a.Sign())
	assert.True(t, a.Equal(mustAmount(t, "0.00")))
	n, err := a.MinorUnits(2)
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestAmountMinorUnits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in       string
		exponent int
		want     int64
		ok       bool
	}{
		{"10.5", 2, 1050, true}, {"10.50", 2, 1050, true}, {"10.500", 2, 1050, true}, {"10.505", 2, 0, false}, {"-10.5", 2, -1050, true},
		{"0", 0, 0, true}, {"-0.00", 2, 0, true}, {"7", 0, 7, true}, {"7.0", 0, 7, true}, {"7.1", 0, 0, false}, {"1", 18, 1e18, true}, {"10", 18, 0, false},
		{"92233720368547758.07", 2, math.MaxInt64, true}, {"92233720368547758.08", 2, 0, false},
		{"-92233720368547758.08", 2, math.MinInt64, true}, {"-92233720368547758.09", 2, 0, false},
		{"9223372036854775807", 0, math.MaxInt64, true}, {"-9223372036854775808", 0, math.MinInt64, true},
		{"18446744073709551615", 0, 0, false}, {"18446744073709551616", 0, 0, false}, {strings.Repeat("9", 64), 0, 0, false},
		{"1", -1, 0, false}, {"1", 19, 0, false},
	}
	for _, test := range tests {
		got, err := mustAmount(t, test.in).MinorUnits(test.exponent)
		assert.Equal(t, test.ok, err == nil, "%s in 10^-%d: %v", test.in, test.exponent, err)
		assert.Equal(t, test.want, got, "%s in 10^-%d", test.in, test.exponent)
		if err == nil {
			assert.True(t, AmountFromMinor(got, test.exponent).Equal(mustAmount(t, test.in)))
		}
	}
}

func TestAmountFromMinor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		minor    int64
		exponent int
		want     string
	}{
		{1050, 2, "10.50"}, {5, 2, "0.05"}, {-5, 2, "-0.05"}, {0, 2, "0.00"}, {0, 0, "0"}, {-7, 0, "-7"}, {1, 18, "0.000000000000000001"},
		{math.MaxInt64, 2, "92233720368547758.07"}, {math.MinInt64, 2, "-92233720368547758.08"}, {math.MinInt64, 0, "-9223372036854775808"},
		{math.MinInt64, 18, "-9.223372036854775808"}, {12, -1, "12"}, {12, 19, "0.000000000000000012"},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, AmountFromMinor(test.minor, test.exponent).String())
	}
}

func TestAmountCompare(t *testing.T) {
	t.Parallel()
	ordered := [][]string{
		{"-" + strings.Repeat("9", 63)}, {"-100"}, {"-99.9", "-99.90"}, {"-1", "-1.0"}, {"-0.11"}, {"-0.1", "-0.10"}, {"-0.05"},
		{"0", "-0", "0.00", "-0.0"}, {"0.05"}, {"0.1", "0.10"}, {"0.11"}, {"1", "1.000"}, {"9.99"}, {"10"}, {"99.9"}, {"100"}, {strings.Repeat("9", 64)},
	}
	for i, as := range ordered {
		for j, bs := range ordered {
			for _, a := range as {
				for _, b := range bs {
					x, y := mustAmount(t, a), mustAmount(t, b)
					assert.Equal(t, sign(i-j), x.Cmp(y), "%s <=> %s", a, b)
					assert.Equal(t, i == j, x.Equal(y))
				}
			}
		}
	}
}

func sign(n int) int { return max(min(n, 1), -1) }

func TestAmountEncodings(t *testing.T) {
	t.Parallel()
	type row struct {
		Must Amount  `json:"must"`
		May  Amount  `json:"may,omitzero"`
		Ptr  *Amount `json:"ptr"`
	}
	b, err := json.Marshal(row{Must: mustAmount(t, "0.10")})
	require.NoError(t, err)
	assert.JSONEq(t, `{"must":0.10,"ptr":null}`, string(b))
	assert.Contains(t, string(b), `"must":0.10`, "digit for digit")
	b, err = json.Marshal(row{May: mustAmount(t, "0")})
	require.NoError(t, err)
	assert.Equal(t, `{"must":0,"may":0,"ptr":null}`, string(b), "a zero that was set is sent")

	var r row
	require.NoError(t, json.Unmarshal([]byte(`{"must": 12.3400, "may": "1e2", "ptr": " 5 "}`), &r))
	assert.Equal(t, "12.3400", r.Must.String())
	assert.Equal(t, "100", r.May.String())
	assert.Equal(t, "5", r.Ptr.String())
	require.NoError(t, json.Unmarshal([]byte(`{"must": null}`), &r))
	assert.Equal(t, "12.3400", r.Must.String(), "null changes nothing, as for other Go types")

	for _, bad := range []string{`""`, `"  "`, `"x"`, `true`, `[1]`, `{"a":1}`, `"1,5"`, `"\u0000"`} {
		var a Amount
		require.Error(t, json.Unmarshal([]byte(bad), &a), bad)
		assert.False(t, a.IsSet())
	}

	var x struct {
		Amount Amount `xml:"amount,attr"`
	}
	require.NoError(t, xml.Unmarshal([]byte(`<a amount="10.00"/>`), &x))
	assert.Equal(t, "10.00", x.Amount.String())
	assert.Equal(t, "1.50 [1.50]", fmt.Sprintf("%v %s", mustAmount(t, "1.50"), []Amount{mustAmount(t, "1.50")}))
	assert.Equal(t, `[1.50`, string(mustAmount(t, "1.50").AppendJSON([]byte("["))))
}

// A JSON text of an attacker costs no more than its length.
func TestAmountHostile(t *testing.T) {
	t.Parallel()
	var a Amount
	require.Error(t, json.Unmarshal([]byte("1e999999999"), &a))
	require.Error(t, json.Unmarshal([]byte(strings.Repeat("1", 1<<20)), &a))
	require.Error(t, json.Unmarshal([]byte(`"`+strings.Repeat("\\u0031", 1<<10)+`"`), &a))
}

func ratOf(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	require.True(t, ok, "math/big does not read %q", s)
	return r
}

func FuzzAmount(f *testing.F) {
	for _, s := range []string{"0", "-0.10", "1e3", "92233720368547758.08", ".5", "5.", "+1", "1e-64", "x", "0e64", "-0"} {
		f.Add(s, "1.0", 2)
	}
	f.Fuzz(func(t *testing.T, s, other string, exponent int) {
		a, err := ParseAmount(s)
		if err != nil {
			require.Equal(t, Amount{}, a)
			return
		}
		value := ratOf(t, s)
		printed := a.String()
		require.LessOrEqual(t, len(printed), maxAmountLen)
		require.True(t, canonicalDecimal(printed), "%q", printed)
		require.Zero(t, value.Cmp(ratOf(t, printed)), "parsing changed the value")
		require.Equal(t, value.Sign(), a.Sign())

		again := mustAmount(t, printed)
		require.Equal(t, a, again)
		data, err := json.Marshal(a)
		require.NoError(t, err)
		require.Equal(t, printed, string(data))
		for _, j := range []string{string(data), `"` + string(data) + `"`} {
			var back Amount
			require.NoError(t, json.Unmarshal([]byte(j), &back))
			require.Equal(t, a, back)
		}

		if b, err := ParseAmount(other); err == nil {
			require.Equal(t, value.Cmp(ratOf(t, other)), a.Cmp(b), "%s <=> %s", a, b)
			require.Equal(t, -a.Cmp(b), b.Cmp(a))
		}

		exponent = ((exponent % 19) + 19) % 19
		scaled := new(big.Rat).Mul(value, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil)))
		n, err := a.MinorUnits(exponent)
		require.Equal(t, scaled.IsInt() && scaled.Num().IsInt64(), err == nil, "%s: %v", scaled, err)
		if err == nil {
			require.Equal(t, scaled.Num().Int64(), n)
			require.Zero(t, AmountFromMinor(n, exponent).Cmp(a))
		}
	})
}

// BenchmarkAmountJSON compares with float64, which loses digits, and with a
// math/big value, which is what exactness costs without this type.
func BenchmarkAmountJSON(b *testing.B) {
	data := []byte(`1234567.89`)
	b.Run("Amount", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var a Amount
			if err := a.UnmarshalJSON(data); err != nil {
				b.Fatal(err)
			}
			if _, err := a.MarshalJSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("big.Rat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r big.Rat
			if _, ok := r.SetString(string(data)); !ok {
				b.Fatal("not read")
			}
			_ = []byte(r.FloatString(2))
		}
	})
}

package bacssample_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

// Each sample is what it says it is, whole, readable and consistent.
func TestSamples(t *testing.T) {
	t.Parallel()
	kinds, names := map[bacs.Kind]int{}, map[string]bool{}
	for _, s := range bacssample.All() {
		report, err := bacs.Parse(bytes.NewReader(s.Data))
		require.NoError(t, err, s.Variant)
		require.NoError(t, report.Err(), s.Variant)
		assert.Equal(t, bacs.Kind(s.Kind), report.Kind, s.Variant)
		assert.Zero(t, report.Encoding.Repaired, s.Variant)
		for _, total := range report.ReturnTotals {
			assert.True(t, total.Agree(), s.Variant)
		}
		for _, section := range report.ClaimSections {
			assert.True(t, section.Agree(), s.Variant)
		}
		for _, f := range report.Files {
			assert.True(t, f.Verdict().Agree(), s.Variant)
		}
		for _, a := range report.Advices {
			assert.NotEqual(t, bacs.KindMessaging, a.Report)
		}
		hints, ok := bacs.ParseName(s.Name)
		assert.True(t, ok, s.Name)
		assert.Equal(t, "901234", hints.ServiceUser)
		kinds[report.Kind]++
		names[s.Name] = true
		if report.Kind.Typed() {
			assert.Empty(t, report.Others, s.Variant)
		}
	}
	for _, kind := range []bacs.Kind{
		bacs.KindUnknown, bacs.KindInput, bacs.KindWithdrawal, bacs.KindARUDD, bacs.KindADDACS, bacs.KindAUDDIS, bacs.KindAUDACC, bacs.KindAUDREJ,
		bacs.KindAWACS, bacs.KindDDIC, bacs.KindARUCS,
	} {
		assert.NotZero(t, kinds[kind], kind)
	}
	assert.Len(t, names, len(bacssample.All()))
	assert.Equal(t, bacssample.All(), bacssample.All())
}

func TestOf(t *testing.T) {
	t.Parallel()
	assert.Equal(t, bacssample.All(), bacssample.Of())
	assert.Len(t, bacssample.Of("arudd", "Input"), 6)
	assert.Len(t, bacssample.Of(""), 1)
	assert.Empty(t, bacssample.Of("none"))
}

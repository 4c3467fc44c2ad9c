package bacs

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The codes that public lists have, report by report.
func TestReasonsAreComplete(t *testing.T) {
	t.Parallel()
	want := map[Kind]string{
		KindARUDD: "0123456789AB", KindADDACS: "0123BCDER", KindAUDDIS: "123567BCFGHIKLMNOPQ", KindDDIC: "12345678",
		KindAWACS: "03", KindARUCS: "0235BC", KindInput: "ABCDEFGHIJKLMNOPQRSTY", KindAUDREJ: "30410",
	}
	got := map[Kind]string{}
	for r := range Reasons() {
		assert.True(t, r.Known)
		assert.NotEmpty(t, r.Meaning, r)
		assert.NotEmpty(t, r.Action, r)
		assert.True(t, strings.HasSuffix(r.Action, "."), r)
		assert.False(t, strings.HasSuffix(r.Meaning, "."), r)
		assert.NotContains(t, got[r.Report], r.Code, "a code stands once")
		got[r.Report] += r.Code
	}
	// "3" of ADDACS is not in the string above by position alone: compare sorted.
	for kind := range want {
		a, b := strings.Split(want[kind], ""), strings.Split(got[kind], "")
		slices.Sort(a)
		slices.Sort(b)
		assert.Equal(t, a, b, kind)
	}
	assert.Len(t, got, len(want))
	for range Reasons() {
		break
	}
}

// The same letter means different things in different reports.
func TestReasonsAreKeyedByReport(t *testing.T) {
	t.Parallel()
	meanings := map[string]bool{}
	for _, kind := range []Kind{KindARUDD, KindADDACS, KindAWACS, KindARUCS} {
		r, ok := LookupReason(kind, "0")
		assert.True(t, ok)
		meanings[r.Meaning] = true
	}
	assert.Len(t, meanings, 4)
	r, ok := LookupReason(KindARUDD, "Z")
	assert.False(t, ok)
	assert.Equal(t, Reason{Report: KindARUDD, Code: "Z"}, r)
	_, ok = LookupReason(KindMessaging, "1")
	assert.False(t, ok)
	_, ok = LookupReason(KindARUDD, "")
	assert.False(t, ok)
	_, ok = LookupReason(KindARUDD, "b")
	assert.False(t, ok, "codes are opaque")
}

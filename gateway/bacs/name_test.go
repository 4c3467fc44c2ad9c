package bacs

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	vendors := NameHints{"123456", ccr.Date{Year: 2024, Month: 1, Day: 1}, "2013", KindInput, "123456789"}
	for _, name := range []string{"123456-01012024-2013-123456789.xml", "reports/123456-01012024-2013-123456789.XML", `C:\in\123456-01012024-2013-123456789.xml`, "123456-01012024-2013-123456789"} {
		got, ok := ParseName(name)
		assert.True(t, ok, name)
		assert.Equal(t, vendors, got, name)
	}
	got, ok := ParseName("901234-31122030-9999-1.xml")
	assert.True(t, ok)
	assert.Equal(t, KindUnknown, got.Kind, "an unknown number is no fault")
	assert.Equal(t, "9999", got.TypeNumber)
	for _, name := range []string{
		"", "report.xml", "123456-01012024-2013.xml", "123456-32012024-2013-1.xml", "12345-01012024-2013-1.xml", "123456-010124-2013-1.xml",
		"123456-01012024-AB13-1.xml", "123456-01012024-2013-x.xml", "123456-01012024-2013-1-2.xml", "123456-01012024-2013-.xml", "COLLECTIONS_20240101.csv",
	} {
		got, ok := ParseName(name)
		assert.False(t, ok, name)
		assert.Equal(t, NameHints{}, got, name)
	}
}

func TestKindOfType(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]Kind{
		"2013": KindInput, "REFT2013": KindInput, "1016": KindARUDD, "REFT1019": KindARUDD, "1027": KindARUCS, "1028": KindARUCS,
		"7001": KindADDACS, "7002": KindAUDDIS, "7003": KindAUDACC, "7004": KindAUDREJ, "1225": KindUnknown, "": KindUnknown,
	} {
		assert.Equal(t, want, KindOfType(number), number)
	}
	assert.False(t, KindARUCS.Typed())
}

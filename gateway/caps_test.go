package gateway

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// TestCapsOfADownload: a report over the cap and a file too many end the
// answer by an error that says so; nothing of the report is stored.
func TestCapsOfADownload(t *testing.T) {
	t.Parallel()
	in := &intake{ctx: t.Context(), sink: ccr.DirSink(t.TempDir()), most: 9}
	w, err := in.data("a.csv", true)
	require.NoError(t, err)
	_, err = w.Write([]byte("012345678"))
	require.NoError(t, err)
	_, err = w.Write([]byte("9"))
	require.ErrorIs(t, err, ccr.ErrIncomplete)
	require.ErrorContains(t, err, "MaxReportSize")
	in.drop()
	require.Len(t, in.reports, 1)
	assert.Empty(t, in.reports[0].Location)

	in.reports = make([]Report, maxReports)
	_, err = in.data("b.csv", true)
	require.ErrorIs(t, err, ccr.ErrContract)
	require.ErrorContains(t, err, "100000 files")
}

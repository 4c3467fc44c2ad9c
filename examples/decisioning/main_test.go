package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

func TestBothVariants(t *testing.T) {
	t.Parallel()
	tables := map[string]string{}
	for _, variant := range []string{"poll", "webhook"} {
		args := []string{"-today"}
		if variant == "webhook" {
			args = append(args, "-webhook")
		}
		var out, progress bytes.Buffer
		require.NoError(t, run(t.Context(), args, &out, &progress), "%s", progress.String())
		for _, want := range []string{"credit score", "payment score", "INCOMES a month", "1420.00 GBP", "GAMBLING", "rejected payments", "lowest balance"} {
			assert.Contains(t, out.String(), want)
		}
		assert.NotContains(t, out.String(), "Sample Person")
		if variant == "webhook" {
			assert.Contains(t, progress.String(), `event "analysis_completed"`)
			assert.NotContains(t, progress.String(), "look 1")
		} else {
			assert.Contains(t, progress.String(), "look 1")
		}
		_, tables[variant], _ = bytesCut(out.Bytes())
	}
	assert.Equal(t, tables["poll"], tables["webhook"])
}

// bytesCut drops the first line, which has the analysis's id.
func bytesCut(b []byte) (first, rest string, ok bool) {
	before, after, ok := bytes.Cut(b, []byte("\n"))
	return string(before), string(after), ok
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "p.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"accounts":[{"type":"SAVINGS"}]}`), 0o600))
	for _, args := range [][]string{{"-live"}, {"-live", "-profile", file}, {"x"}, {"-live", "-webhook", "-profile", file, "-customer", "c"}, {"-profile", "none"}} {
		require.Error(t, run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}), args)
	}
	err := run(t.Context(), []string{"-profile", file}, &bytes.Buffer{}, &bytes.Buffer{})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.Contains(t, err.Error(), "no CHECKING account")
	var help bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, &help, &help), flag.ErrHelp)
	assert.Contains(t, help.String(), decisioning.EnvClientSecret+"_FILE")
}

func TestFailedAnalysisIsAnError(t *testing.T) {
	t.Parallel()
	in, err := decisioning.ReadProfile(bytes.NewReader(sample))
	require.NoError(t, err)
	in.Accounts[0].Ownership = decisioning.OwnershipAttorney
	b, err := in.MarshalJSON()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "p.json")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	for _, args := range [][]string{{"-profile", file}, {"-profile", file, "-webhook"}} {
		err = run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{})
		failed, ok := errors.AsType[*decisioning.AnalysisError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "OWNERSHIP_NOT_SUPPORTED", failed.Code)
	}
}

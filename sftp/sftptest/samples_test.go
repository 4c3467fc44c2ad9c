package sftptest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// Samples are files like any other, of the kinds that were asked for.
func TestAddSamples(t *testing.T) {
	t.Parallel()
	srv, err := sftptest.NewServer(sftptest.Config{InMemory: true, Layout: sftp.ClearDebit()})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	srv.AddSamples("/reports/", "ADDACS")
	var names []string
	for _, s := range bacssample.Of("ADDACS") {
		names = append(names, s.Name)
		got, ok := srv.ReadFile("/reports/" + s.Name)
		assert.True(t, ok)
		assert.Equal(t, s.Data, got)
	}
	assert.ElementsMatch(t, names, srv.Files("/reports"))
	assert.Len(t, srv.AddSamples("/reports").Files("/reports"), len(bacssample.All()))
}

package main

import (
	"encoding/csv"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

// samples puts the sample reports into a folder.
func samples(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, s := range bacssample.All() {
		put(t, filepath.Join(dir, s.Name), s.Data)
	}
	return dir
}

func TestBacsShow(t *testing.T) {
	t.Parallel()
	dir := samples(t)
	r := ccrRun(t, nil, "bacs", "show", dir)
	assert.Equal(t, exitDone, r.code, r.err)
	golden(t, "show.golden", r.out)
	golden(t, "show.stderr.golden", r.err)
	assert.NotContains(t, r.out, "LOAN-000001")

	var rows []bacs.Row
	ccrRun(t, nil, "bacs", "show", "-json", dir).decode(t, &rows)
	require.NotEmpty(t, rows)
	records, err := csv.NewReader(strings.NewReader(ccrRun(t, nil, "bacs", "show", dir, "-csv").out)).ReadAll()
	require.NoError(t, err)
	assert.Len(t, records, len(rows)+1)
	assert.Contains(t, ccrRun(t, nil, "bacs", "show", dir, "-unmask").out, "LOAN-000001")

	r = ccrRun(t, nil, "bacs", "worklist", dir)
	assert.Equal(t, exitDone, r.code, r.err)
	golden(t, "worklist.golden", r.out)
	assert.NotContains(t, r.out, "LOAN-000001")
	var list []task
	ccrRun(t, nil, "bacs", "worklist", "-json", dir).decode(t, &list)
	assert.NotEmpty(t, list)
}

func TestBacsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bacssample.Of("ARUDD")[0]
	put(t, filepath.Join(dir, "whole.xml"), s.Data)
	put(t, filepath.Join(dir, "half.xml"), s.Data[:len(s.Data)/2])
	put(t, filepath.Join(dir, "letter.xml"), []byte("Dear payer"))
	r := ccrRun(t, nil, "bacs", "show", "-json", dir)
	assert.Equal(t, exitPerson, r.code, r.err)
	assert.Contains(t, r.err, "half.xml")
	assert.Contains(t, r.err, "letter.xml")
	assert.NotContains(t, r.err, "payer")
	var rows []bacs.Row
	r.decode(t, &rows)
	assert.NotEmpty(t, rows, "the others are shown")
	assert.Equal(t, exitFailed, ccrRun(t, nil, "bacs", "show", filepath.Join(dir, "none.xml")).code)
}

func TestFormulasAreGuarded(t *testing.T) {
	t.Parallel()
	path := put(t, filepath.Join(t.TempDir(), "r.xml"), []byte(strings.ReplaceAll(string(bacssample.Of("ARUDD")[0].Data), "LOAN-000001", "=HYPERLINK1")))
	r := ccrRun(t, nil, "bacs", "show", "-csv", "-unmask", path)
	assert.Contains(t, r.out, "'=HYPERLINK1")
	html := ccrRun(t, nil, "bacs", "show", "-html", "-unmask", put(t, filepath.Join(t.TempDir(), "r.xml"),
		[]byte(strings.ReplaceAll(string(bacssample.Of("ARUDD")[0].Data), "LOAN-000001", "&lt;script&gt;x")))).out
	assert.NotContains(t, html, "<script")
}

func TestAccountsCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := put(t, filepath.Join(dir, "good.csv"), []byte("ClientReference,Status,InvoiceNumber,OutstandingAmount,Email\r\nC-1001,Active,INV-1,12.50,a@example.com\r\n"))
	r := ccrRun(t, nil, "accounts", "check", good, "-json")
	assert.Equal(t, exitDone, r.code, r.out+r.err)
	var c checked
	r.decode(t, &c)
	assert.Equal(t, 1, c.Rows)
	assert.Zero(t, c.Faulty)

	bad := put(t, filepath.Join(dir, "bad.csv"), []byte("ClientReference,Status,InvoiceNumber,OutstandingAmount,DueDate\r\nCANARY-0001,Active,INV-1,a lot,2026-02-30\r\nCANARY-0002,Active,INV-2,1.00,2026-12-01\r\n"))
	r = ccrRun(t, nil, "accounts", "check", bad)
	assert.Equal(t, exitPerson, r.code, r.err)
	golden(t, "check.golden", r.out)
	assert.Contains(t, r.err, "2 rows, 1 faulty")
	assert.NotContains(t, r.out+r.err, "CANARY")
	assert.NotContains(t, r.out+r.err, "a lot")
	assert.Contains(t, ccrRun(t, nil, "accounts", "check", bad, "-unmask").out, "CANARY-0001")

	unknown := put(t, filepath.Join(dir, "unknown.csv"), []byte("ClientReference,Status,InvoiceNumber,OutstandingAmount,Shoe\r\n"))
	r = ccrRun(t, nil, "accounts", "check", unknown)
	assert.Equal(t, exitPerson, r.code, r.err)
	assert.Equal(t, exitFailed, ccrRun(t, nil, "accounts", "check", filepath.Join(dir, "none.csv")).code)
}

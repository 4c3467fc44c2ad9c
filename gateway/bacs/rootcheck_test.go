package bacs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRootCheck(t *testing.T) {
	t.Parallel()
	const yes, no = true, false
	for doc, want := range map[string][2]bool{
		"":                                   {no, no},
		"  \r\n":                             {no, no},
		"a,b,c":                              {no, no},
		"< no":                               {no, no},
		"\xef\xbb":                           {no, no},
		"\xef\xbbx<a/>":                      {no, no},
		"%PDF":                               {no, no},
		"<html><br></html>":                  {no, no},
		"<!DOCTYPE html><HTML>":              {no, no},
		"<a":                                 {yes, no},
		"<a>":                                {yes, no},
		"<a></a":                             {yes, no},
		"<a></a>":                            {yes, yes},
		"<a></a >\r\n\r\n":                   {yes, yes},
		"<a/>":                               {yes, yes},
		"<a / >":                             {yes, no},
		"<a b='/'>":                          {yes, no},
		"<a b='>'/>":                         {yes, yes},
		"<a b=\"</a>\">":                     {yes, no},
		"<a><a></a>":                         {yes, no},
		"<a><b></a>":                         {yes, no},
		"<a><b/></a>":                        {yes, yes},
		"<a></b>":                            {yes, no},
		"<a><!-- </a> ":                      {yes, no},
		"<a><!-- </a> --></a>":               {yes, yes},
		"<a><!-- - -- ---></a>":              {yes, yes},
		"<a><![CDATA[</a>":                   {yes, no},
		"<a><![CDATA[</a>]]]></a>":           {yes, yes},
		"<a><!-- > </a>":                     {yes, no},
		"<a><!-- > </a> --></a>":             {yes, yes},
		"<a><!-- don't --></a>":              {yes, yes},
		"<a></a><!-- > <b> -->":              {yes, yes},
		"<a><![CDATA[ > </a>":                {yes, no},
		"<a><![CDATA[ > <b> don't ]]></a>":   {yes, yes},
		"<a><?x > </a>":                      {yes, no},
		"<a><?x don't > <b> ?></a>":          {yes, yes},
		"<a><?x </a>":                        {yes, no},
		"<a><?x </a>??></a>":                 {yes, yes},
		"<!DOCTYPE a \">\"><a></a>":          {yes, yes},
		"<?xml version='1.0'?>":              {yes, no},
		"<?xml version='1.0'?><html></html>": {yes, yes},
		"\ufeff <a></a>":                     {yes, yes},
		"<a></a>trailing":                    {yes, yes},
		"<a></a><!-- open":                   {yes, no},
		"<a></a><b>":                         {yes, no},
		"<a></a><b></b>":                     {yes, yes},
		"<a></a></a>":                        {yes, no},
		"<htmlx></htmlx>":                    {yes, yes},
		"<" + strings.Repeat("n", 100) + "></" + strings.Repeat("n", 100) + ">": {yes, yes},
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(doc), "bytes": iotest.OneByteReader(strings.NewReader(doc)), "with EOF": iotest.DataErrReader(strings.NewReader(doc))} {
			isXML, closed, err := Complete(r)
			require.NoError(t, err)
			assert.Equal(t, want, [2]bool{isXML, closed}, "%q %s", doc, name)
		}
	}
}

func TestRootCheckUTF16(t *testing.T) {
	t.Parallel()
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, bom := range []bool{true, false} {
			for text, want := range map[string]bool{"<a>㰾ë</a>\r\n": true, "<a>㰾": false, "<a/>": true, "<a></a": false} {
				for _, wrap := range []func(io.Reader) io.Reader{iotest.OneByteReader, func(r io.Reader) io.Reader { return r }} {
					isXML, closed, err := Complete(wrap(bytes.NewReader(to16(text, order, bom))))
					require.NoError(t, err)
					assert.True(t, isXML, text)
					assert.Equal(t, want, closed, text)
				}
			}
		}
	}
	long := to16("<a>"+strings.Repeat("x", 5000)+"</a>", binary.LittleEndian, true)
	_, closed, err := Complete(bytes.NewReader(long))
	require.NoError(t, err)
	assert.True(t, closed)
}

func TestCompleteStopsEarlyAndReportsErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("gone")
	_, _, err := Complete(io.MultiReader(strings.NewReader("<a>"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	isXML, _, err := Complete(io.MultiReader(strings.NewReader("a,b"), iotest.ErrReader(broken)))
	require.NoError(t, err, "it is known by then that it is no XML")
	assert.False(t, isXML)
	_, _, err = Complete(stuckReader{})
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// RootCheck is an io.Writer that takes all it is given.
func TestRootCheckAsWriter(t *testing.T) {
	t.Parallel()
	var check RootCheck
	doc := fixtureInput().render(styleLatin1)
	n, err := io.Copy(&check, bytes.NewReader(doc))
	require.NoError(t, err)
	assert.Equal(t, int64(len(doc)), n)
	isXML, closed := check.Whole()
	assert.True(t, isXML)
	assert.True(t, closed)
	n2, err := check.Write(nil)
	assert.NoError(t, err)
	assert.Zero(t, n2)
}

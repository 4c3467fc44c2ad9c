package main

import (
	"embed"
	"io"
	"os"
	"path/filepath"

	"github.com/ccr-sdk/ccr"
)

// The samples are made up: nobody in them exists.
//
//go:embed samples
var samples embed.FS

// input is the user's file if there is one, else a sample.
func input(path, sample string) (io.ReadCloser, error) {
	if path != "" {
		return os.Open(path)
	}
	return samples.Open("samples/" + sample)
}

// inputFile is the same as a file to send.
func inputFile(path, sample string) ccr.File {
	if path != "" {
		return ccr.FileFromPath(path)
	}
	return ccr.FileFromFS(samples, "samples/"+sample)
}

// inputName names the input in the table.
func inputName(path, sample string) string {
	if path != "" {
		return filepath.Base(path)
	}
	return "sample " + sample
}

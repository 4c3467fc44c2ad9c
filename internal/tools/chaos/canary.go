package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// canary marks personal data in everything that the clients send: it stands
// in names and contents, and must stand in nothing that is printed or kept in
// the ledger.
const canary = "Quillfeather"

// leaks scans what the clients printed, logged and kept in the ledger.
func leaks(stateDir string, secrets []string) ([]string, error) {
	var out []string
	paths, err := filepath.Glob(filepath.Join(stateDir, "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		st, err := os.Stat(path)
		if err != nil || st.IsDir() {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for i, s := range append([]string{canary}, secrets...) {
			if s != "" && bytes.Contains(text, []byte(s)) {
				out = append(out, fmt.Sprintf("canary %d in %s", i, filepath.Base(path)))
			}
		}
	}
	return out, nil
}

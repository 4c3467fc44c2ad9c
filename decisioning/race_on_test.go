//go:build race

package decisioning_test

const raceEnabled = true

//go:build race

package bacs

// raceEnabled: the race detector makes loops over bytes many times slower, so
// that times mean nothing and the longest tests do less.
const raceEnabled = true

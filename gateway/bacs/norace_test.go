//go:build !race

package bacs

const raceEnabled = false

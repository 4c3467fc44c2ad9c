package main

import (
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
)

// watchPeak follows the peak of a process of others, which cannot print its
// own; the last look is at most a tick before its end.
func watchPeak(pid int) func() float64 {
	stop, peak := make(chan struct{}), make(chan float64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		most := 0.0
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-tick.C:
				most = max(work.PeakOf(fmt.Sprintf("/proc/%d/status", pid)), most)
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-peak
	}
}

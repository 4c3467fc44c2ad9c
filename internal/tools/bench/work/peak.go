package work

import (
	"os"
	"strconv"
	"strings"
)

// OwnPeak is the largest resident set of this process in MiB, 0 where the
// system does not say. The kernel's ru_maxrss would count the memory of the
// parent, from before exec, too.
func OwnPeak() float64 { return PeakOf("/proc/self/status") }

// PeakOf is the same of a process by its status file.
func PeakOf(status string) float64 {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}

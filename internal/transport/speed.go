package transport

import (
	"strconv"
	"time"
)

// leastSpeed is the fewest bytes a second, on average over the attempt timeout,
// at which a body must move. Only time in which a read or write waits for the
// network counts: a vendor that works on its response, or a consumer that takes
// its time, is not slow.
const leastSpeed = 1 << 10

// meter measures one direction of an attempt. It is not safe for concurrent use.
type meter struct {
	waited time.Duration
	bytes  int64
}

// tooSlow adds n bytes that came after a wait, and reports whether the window
// of waiting that ends here brought too few.
func (m *meter) tooSlow(waited time.Duration, n int, window time.Duration) bool {
	m.waited += waited
	m.bytes += int64(n)
	if m.waited < window {
		return false
	}
	slow := float64(m.bytes) < leastSpeed*m.waited.Seconds()
	*m = meter{}
	return slow
}

var errSlow = &timeoutError{"fewer than " + strconv.Itoa(leastSpeed) + " bytes a second moved over the attempt timeout"}

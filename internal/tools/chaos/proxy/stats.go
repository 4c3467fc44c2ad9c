package proxy

import (
	"maps"
	"sync"
)

// Stats is what a proxy has seen so far.
type Stats struct {
	// Connections is how many were accepted, refused ones included.
	Connections int64
	// Active is how many of them are open now.
	Active int64
	// DialFailures is how many of them the target could not be reached for;
	// they were reset.
	DialFailures int64
	// AcceptFailures is how often the listener failed for a moment.
	AcceptFailures int64
	// ToServer and ToClient are the bytes written in each direction.
	ToServer, ToClient int64
	// Faults is how often each kind struck, CutAll and ResetAll included. A
	// planned fault whose byte never came is not in it.
	Faults map[Kind]int64
}

// Injected is the number of faults of all kinds.
func (s Stats) Injected() int64 {
	var n int64
	for _, v := range s.Faults {
		n += v
	}
	return n
}

type counters struct {
	mu sync.Mutex
	s  Stats
}

func (c *counters) add(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.s)
}

func (c *counters) struck(k Kind) {
	c.add(func(s *Stats) {
		if s.Faults == nil {
			s.Faults = make(map[Kind]int64)
		}
		s.Faults[k]++
	})
}

func (c *counters) passed(d Dir, n int) {
	c.add(func(s *Stats) {
		if d == ToServer {
			s.ToServer += int64(n)
		} else {
			s.ToClient += int64(n)
		}
	})
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.s
	s.Faults = maps.Clone(s.Faults)
	return s
}

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// lines prints how far large files are, at most twice a second each.
type lines struct {
	w    io.Writer
	mu   sync.Mutex
	last map[string]time.Time
}

func (l *lines) show(p ccr.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[string]time.Time{}
	}
	const large = 1 << 20
	if p.TotalBytes < large || p.Bytes == 0 || !p.Done && time.Since(l.last[p.Name]) < time.Second/2 {
		return
	}
	l.last[p.Name] = time.Now()
	fmt.Fprintf(l.w, "%s %s: %d%%\n", p.Operation, p.Name, 100*p.Bytes/p.TotalBytes)
}

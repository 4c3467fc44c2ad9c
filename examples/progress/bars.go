package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/schollz/progressbar/v3"

	"github.com/ccr-sdk/ccr"
)

// display shows the SDK's progress reports: a bar for each transfer on a
// terminal, else a plain line at each tenth, which a log file can keep.
type display struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	bars  map[string]*progressbar.ProgressBar
	tenth map[string]int64
}

func newDisplay(out io.Writer, terminal bool) *display {
	return &display{out: out, terminal: terminal, bars: map[string]*progressbar.ProgressBar{}, tenth: map[string]int64{}}
}

// report is a ccr.ProgressFunc; transfers may report from several goroutines.
func (d *display) report(p ccr.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	done, total := p.Bytes, p.TotalBytes
	if total == 0 && p.TotalItems > 0 {
		done, total = p.Items, p.TotalItems
	}
	if d.terminal {
		d.bar(p, done, total)
		return
	}
	d.line(p, done, total)
}

func (d *display) bar(p ccr.Progress, done, total int64) {
	b, ok := d.bars[p.Name]
	if !ok {
		if total == 0 {
			total = -1 // a spinner
		}
		b = progressbar.NewOptions64(total,
			progressbar.OptionSetDescription(p.Operation+" "+p.Name),
			progressbar.OptionSetWriter(d.out), progressbar.OptionShowBytes(p.TotalBytes > 0),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionOnCompletion(func() { fmt.Fprintln(d.out) }))
		d.bars[p.Name] = b
	}
	if err := b.Set64(done); err != nil {
		return // the terminal went away; the transfer goes on
	}
	if p.Done {
		b.Finish() //nolint:errcheck // likewise
		delete(d.bars, p.Name)
	}
}

func (d *display) line(p ccr.Progress, done, total int64) {
	if p.Done {
		fmt.Fprintf(d.out, "%s %s: done, %s\n", p.Operation, p.Name, amount(p))
		delete(d.tenth, p.Name)
		return
	}
	if total <= 0 {
		return
	}
	if now := done * 10 / total; now > d.tenth[p.Name] {
		d.tenth[p.Name] = now
		fmt.Fprintf(d.out, "%s %s: %d%%\n", p.Operation, p.Name, done*100/total)
	}
}

func amount(p ccr.Progress) string {
	switch {
	case p.Bytes > 0 && p.Items > 0:
		return fmt.Sprintf("%d items, %d bytes", p.Items, p.Bytes)
	case p.Items > 0:
		return fmt.Sprintf("%d items", p.Items)
	}
	return fmt.Sprintf("%d bytes", p.Bytes)
}

package bacs

import (
	"bytes"
	"encoding/xml"
	"io"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readAll reads a report record by record.
func readAll(tb testing.TB, src io.Reader, each func(n int)) int {
	tb.Helper()
	r, err := NewReader(src)
	require.NoError(tb, err)
	n := 0
	for item, err := range Items[*ReturnedDebit](r) {
		require.NoError(tb, err)
		if !item.Amount.IsSet() || item.Reference == "" {
			tb.Fatal("an item lacks its values")
		}
		if n++; each != nil {
			each(n)
		}
	}
	require.NoError(tb, r.Err())
	return n
}

// tokensAlone is the baseline: encoding/xml reading tokens and nothing else.
func tokensAlone(tb testing.TB, doc []byte, raw bool) {
	tb.Helper()
	d := xml.NewDecoder(bytes.NewReader(doc))
	next := d.Token
	if raw {
		next = d.RawToken
	}
	for {
		if _, err := next(); err == io.EOF {
			return
		} else if err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkARUDD100k reads an ARUDD of 100,000 items, typed and checked, and
// in the same run has encoding/xml read the same document's tokens alone.
func BenchmarkARUDD100k(b *testing.B) {
	const items = 100_000
	doc, err := io.ReadAll(bigARUDD(items))
	require.NoError(b, err)
	var ours, theirs, theirsRaw, check time.Duration
	for b.Loop() {
		start := time.Now()
		if n := readAll(b, bytes.NewReader(doc), nil); n != items {
			b.Fatal(n)
		}
		ours += time.Since(start)
		start = time.Now()
		tokensAlone(b, doc, false)
		theirs += time.Since(start)
		start = time.Now()
		tokensAlone(b, doc, true)
		theirsRaw += time.Since(start)
		start = time.Now()
		if _, closed, err := Complete(bytes.NewReader(doc)); err != nil || !closed {
			b.Fatal(closed, err)
		}
		check += time.Since(start)
	}
	mbs := func(d time.Duration) float64 { return float64(len(doc)) * float64(b.N) / 1e6 / d.Seconds() }
	b.ReportMetric(mbs(ours), "MB/s")
	b.ReportMetric(mbs(theirs), "MB/s-xml.Token")
	b.ReportMetric(mbs(theirsRaw), "MB/s-xml.RawToken")
	b.ReportMetric(mbs(check), "MB/s-RootCheck")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-xml.Token")
	b.ReportMetric(theirsRaw.Seconds()/ours.Seconds(), "x-xml.RawToken")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkARUDDHeap reads a report that is written as it is read, and gives
// the peak of the heap while it is.
func BenchmarkARUDDHeap(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(float64(peakHeap(b, 1_000))/(1<<20), "MiB-peak-1k")
		b.ReportMetric(float64(peakHeap(b, 100_000))/(1<<20), "MiB-peak-100k")
	}
}

// peakHeap is how far the heap grows, garbage included, while a report is read.
func peakHeap(tb testing.TB, items int) uint64 {
	tb.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	src := bigARUDD(items)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, uint64(0)
	n := readAll(tb, src, func(n int) {
		if n%200 == 0 {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	})
	require.Equal(tb, items, n)
	if peak < before {
		return 0
	}
	return peak - before
}

// The memory of a Reader does not grow with the report.
func TestReaderMemoryIsConstant(t *testing.T) { //nolint:paralleltest // it measures the heap of the process
	few, many := 2_000, 40_000
	if raceEnabled {
		few, many = 1_000, 8_000
	}
	small, large := peakHeap(t, few), peakHeap(t, many)
	t.Logf("peak heap: %.1f MiB for %d items, %.1f MiB for %d", float64(small)/(1<<20), few, float64(large)/(1<<20), many)
	assert.Less(t, large, uint64(16<<20))
	assert.Less(t, large, small+8<<20)
}

// BenchmarkWorklist decides on 10,000 returned debits of as many payers.
func BenchmarkWorklist(b *testing.B) {
	report, err := Parse(bigARUDD(10_000))
	require.NoError(b, err)
	for b.Loop() {
		if list := (Calendar{}).Worklist(report); len(list) != 10_000 {
			b.Fatal(len(list))
		}
	}
}

package files_test

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

// benchFile is a file of n rows such as a utility has them.
func benchFile(tb testing.TB, n int) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "accounts.csv")
	file, err := os.Create(path)
	require.NoError(tb, err)
	w, err := files.NewAccountWriter(file, files.WriteOptions{Columns: []string{
		"ClientReference", "Brand", "Portfolio", "Product", "Segment", "Status", "InvoiceNumber", "BPayReference", "OutstandingAmount", "DueDate", "DaysPastDue",
		"FirstName", "LastName", "DateOfBirth", "Email", "MobileNumber", "PostalCode",
	}})
	require.NoError(tb, err)
	for i := range n {
		require.NoError(tb, w.Write(accounts.Account{
			Brand: "Blue Energy", Portfolio: "Residential", Product: "Electricity", Segment: "B2C",
			ClientReferenceID: fmt.Sprintf("ACC-%09d", i), InvoiceNumber: fmt.Sprintf("INV-%08d", i), BPayReference: strconv.Itoa(1e9 + i),
			OutstandingAmount: ccr.AmountFromMinor(int64(i%1_000_000)+1, 2), Status: accounts.StatusActive,
			Debtor: accounts.Party{
				FirstName: "Alexandra", LastName: "Surname-" + strconv.Itoa(i%5000), DateOfBirth: ccr.Date{Year: 1950 + i%50, Month: 5, Day: 1 + i%28},
				Email: fmt.Sprintf("debtor%d@example.com", i), MobileNumber: fmt.Sprintf("+614%08d", i%1e8), PostalCode: strconv.Itoa(1000 + i%9000),
			},
			DaysPastDue: int32(1 + i%365), DueDate: ccr.Date{Year: 2026, Month: time.Month(1 + i%12), Day: 1 + i%28},
		}))
	}
	require.NoError(tb, w.Close())
	require.NoError(tb, file.Close())
	return path
}

func openFile(tb testing.TB, path string) *os.File {
	tb.Helper()
	f, err := os.Open(path)
	require.NoError(tb, err)
	tb.Cleanup(func() { f.Close() }) //nolint:errcheck // read only
	return f
}

// BenchmarkReadMillion reads CCR_BENCH_ROWS rows (default a million) by the
// reader, with and without the check of duplicates, and by encoding/csv alone,
// with its record reused, in turns. x-rate is the reader's rate divided by
// that of encoding/csv in the same round; peak-MiB is the most heap, garbage
// included, while reading with the check of duplicates.
func BenchmarkReadMillion(b *testing.B) {
	rows := 1_000_000
	if v := os.Getenv("CCR_BENCH_ROWS"); v != "" {
		var err error
		rows, err = strconv.Atoi(v)
		require.NoError(b, err)
	}
	file := benchFile(b, rows)
	var ours, unique, alone time.Duration
	for b.Loop() {
		alone += timed(func() { require.Equal(b, rows, readAlone(b, file)) })
		ours += timed(func() { require.Equal(b, rows, readRows(b, file, files.ReadOptions{})) })
		unique += timed(func() { require.Equal(b, rows, readRows(b, file, files.ReadOptions{Unique: true})) })
	}
	b.ReportMetric(float64(alone)/float64(ours), "x-rate")
	b.ReportMetric(float64(alone)/float64(unique), "x-rate-unique")
	b.ReportMetric(float64(rows)*float64(b.N)/ours.Seconds(), "rows/s")
	runtime.GC()
	var now runtime.MemStats
	var peak uint64
	n := 0
	r, err := files.NewAccountReader(openFile(b, file), files.ReadOptions{Unique: true})
	require.NoError(b, err)
	for _, err := range r.All() {
		require.NoError(b, err)
		if n++; n%10_000 == 0 {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func readAlone(b *testing.B, file string) (n int) {
	b.Helper()
	r := csv.NewReader(bufio.NewReaderSize(openFile(b, file), 64<<10))
	r.ReuseRecord = true
	for n = -1; ; n++ { // the header is no row
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

func readRows(b *testing.B, file string, o files.ReadOptions) (n int) {
	b.Helper()
	r, err := files.NewAccountReader(openFile(b, file), o)
	require.NoError(b, err)
	for _, err := range r.All() {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	return n
}

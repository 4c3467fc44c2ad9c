package accounts_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
	"github.com/ccr-sdk/ccr/auth"
)

// BenchmarkSubmitMillion reads a CSV of a million accounts (CCR_BENCH_ROWS
// says how many) and sends them to a server in a process of its own, over
// TLS:
//
//   - as a job with its defaults, limiter off;
//   - as the same job with a result for each row;
//   - by a serial loop of json.Marshal of accounts.AccountBatch and
//     http.Client.Do, on batches of the same size;
//   - by the same loop with the same structs without their methods, which is
//     what encoding/json makes of a user's own types.
//
// Each runs in a process of its own, one after the other in every round; the
// figures are medians over the rounds (-benchtime 3x), ratios those within a
// round. Peak memory is that of the whole client process.
func BenchmarkSubmitMillion(b *testing.B) {
	rows := 1_000_000
	if v := os.Getenv("CCR_BENCH_ROWS"); v != "" {
		var err error
		rows, err = strconv.Atoi(v)
		require.NoError(b, err)
	}
	in := benchInput{CSV: filepath.Join(b.TempDir(), "accounts.csv")}
	writeBenchCSV(b, in.CSV, rows)
	server := startBenchServer(b, &in)
	defer server()

	modes := []string{"submit", "rows", "types", "plain"}
	results := map[string][]benchResult{}
	for b.Loop() {
		for _, mode := range modes {
			r := runBench(b, "bench-"+mode, in)
			require.Equal(b, int64(rows), r.Accepted, mode)
			results[mode] = append(results[mode], r)
		}
	}
	median := func(of func(round int) float64) float64 {
		all := make([]float64, len(results["submit"]))
		for i := range all {
			all[i] = of(i)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	rate := func(mode string, i int) float64 { return float64(results[mode][i].Accepted) / results[mode][i].Seconds }
	cpu := func(mode string, i int) float64 { return results[mode][i].CPU }
	peak := func(mode string, i int) float64 { return float64(results[mode][i].Peak) / (1 << 20) }
	for _, base := range modes[1:] {
		b.ReportMetric(median(func(i int) float64 { return rate("submit", i) / rate(base, i) }), "x-rate-of-"+base)
		b.ReportMetric(median(func(i int) float64 { return cpu("submit", i) / cpu(base, i) }), "x-cpu-of-"+base)
	}
	b.ReportMetric(median(func(i int) float64 { return rate("rows", i) / rate("submit", i) }), "x-rate-with-rows")
	b.ReportMetric(median(func(i int) float64 { return rate("submit", i) }), "rows/s")
	b.ReportMetric(median(func(i int) float64 { return peak("submit", i) }), "peak-MiB")
	b.ReportMetric(0, "ns/op")
	for _, mode := range modes {
		name := mode
		if mode == "submit" {
			name = "ccr"
		}
		b.ReportMetric(median(func(i int) float64 { return results[mode][i].Seconds }), "s/"+name)
		b.Logf("%-7s %8.0f rows/s  %5.2f s CPU  %4.0f MiB peak", mode,
			median(func(i int) float64 { return rate(mode, i) }), median(func(i int) float64 { return cpu(mode, i) }), median(func(i int) float64 { return peak(mode, i) }))
	}
}

type benchInput struct {
	CSV string `json:",omitempty"`
	URL string
	CA  string
}

type benchResult struct {
	Accepted int64
	Seconds  float64
	Peak     int64
	CPU      float64 // seconds, filled in by the parent
}

func runBench(b *testing.B, name string, in benchInput) benchResult {
	b.Helper()
	cmd := helper(b, name, in)
	out, err := cmd.Output()
	require.NoError(b, err)
	var r benchResult
	require.NoError(b, json.Unmarshal(out, &r))
	r.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return r
}

// writeBenchCSV writes rows such as a utility has them.
func writeBenchCSV(b *testing.B, path string, n int) {
	b.Helper()
	_, err := files.WriteAccounts(b.Context(), path, func(yield func(accounts.Row[accounts.Account], error) bool) {
		for i := range n {
			a := accounts.Account{
				Brand: "Blue Energy", Portfolio: "Residential", Product: "Electricity", Segment: "B2C",
				ClientReferenceID: fmt.Sprintf("ACC-%09d", i), InvoiceNumber: fmt.Sprintf("INV-%08d", i), BPayReference: strconv.Itoa(1e9 + i),
				OutstandingAmount: ccr.AmountFromMinor(int64(i%1_000_000)+1, 2), Status: accounts.StatusActive,
				Debtor: accounts.Party{
					FirstName: "Alexandra", LastName: "Surname-" + strconv.Itoa(i%5000), DateOfBirth: ccr.Date{Year: 1950 + i%50, Month: 5, Day: 1 + i%28},
					Email: fmt.Sprintf("debtor%d@example.com", i), MobileNumber: fmt.Sprintf("+614%08d", i%1e8), PostalCode: strconv.Itoa(1000 + i%9000),
				},
				DaysPastDue: int32(1 + i%365), DueDate: ccr.Date{Year: 2026, Month: time.Month(1 + i%12), Day: 1 + i%28},
			}
			if !yield(accounts.Row[accounts.Account]{Value: a}, nil) {
				return
			}
		}
	}, files.WriteOptions{Rows: int64(n), Columns: []string{
		"ClientReference", "Brand", "Portfolio", "Product", "Segment", "Status", "InvoiceNumber", "BPayReference", "OutstandingAmount", "DueDate", "DaysPastDue",
		"FirstName", "LastName", "DateOfBirth", "Email", "MobileNumber", "PostalCode",
	}})
	require.NoError(b, err)
}

// startBenchServer starts the server's process and fills in where it is.
func startBenchServer(b *testing.B, in *benchInput) (stop func()) {
	b.Helper()
	cmd := helper(b, "bench-server", nil)
	stdin, err := cmd.StdinPipe()
	require.NoError(b, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(b, err)
	require.NoError(b, json.Unmarshal(line, in))
	return func() {
		require.NoError(b, stdin.Close())
		require.NoError(b, cmd.Wait())
	}
}

// benchServer takes every batch: it reads the body, counts the rows, and
// answers 202. It does as little as it can, so that the client is measured.
func benchServer() {
	var where benchInput
	var count atomic.Int64
	buffers := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // nothing else is in there
		defer buffers.Put(b)
		b.Reset()
		b.Grow(int(r.ContentLength) + bytes.MinRead)
		if _, err := b.ReadFrom(r.Body); err != nil || int64(b.Len()) != r.ContentLength || r.Header.Get("Authorization") != "Bearer t" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		n := count.Add(int64(bytes.Count(b.Bytes(), []byte(`"debtor":{`))))
		w.Header().Set("Location", fmt.Sprintf("/v1/status/%d", n))
		w.Header().Set("X-Rows", strconv.FormatInt(count.Load(), 10))
		w.WriteHeader(http.StatusAccepted)
	}))
	where.URL = srv.URL
	where.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	raw, err := json.Marshal(where)
	check(err)
	fmt.Println(string(raw))
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // ends when the parent does
	srv.Close()
}

func benchClient(in benchInput) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(in.CA))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 8}}
}

func benchReport(r benchResult) {
	r.Peak = peakMemory()
	raw, err := json.Marshal(r)
	check(err)
	fmt.Println(string(raw))
}

func benchSubmit(rows bool) {
	var in benchInput
	helperInput(&in)
	token, err := auth.NewStaticBearer(ccr.NewSecret("t"))
	check(err)
	client, err := accounts.NewClient(token, ccr.WithBaseURL(in.URL), ccr.WithHTTPClient(benchClient(in)), ccr.WithLimiter(ccr.NoLimit()))
	check(err)
	start := time.Now()
	f, err := os.Open(in.CSV)
	check(err)
	r, err := files.NewAccountReader(f, files.ReadOptions{})
	check(err)
	job := client.SubmitAccounts(r.All(), accounts.SubmitOptions{Name: "bench"})
	n := int64(0)
	if rows {
		for row, err := range job.Results(contextForHelper()) {
			check(err)
			if row.Sent == accounts.SentAccepted && row.Reference != "" && row.Line > 0 {
				n++
			}
		}
	} else {
		sum, err := job.Run(contextForHelper())
		check(err)
		n = sum.Accepted
	}
	benchReport(benchResult{Accepted: n, Seconds: time.Since(start).Seconds()})
}

// benchSerial is what a user would write without the SDK's jobs.
func benchSerial(marshal func(reference string, rows []accounts.Account) ([]byte, error)) {
	var in benchInput
	helperInput(&in)
	client := benchClient(in)
	start := time.Now()
	f, err := os.Open(in.CSV)
	check(err)
	var accepted int64
	batch := make([]accounts.Account, 0, 10_000)
	send := func() {
		body, err := marshal(fmt.Sprintf("bench/%d", accepted), batch)
		check(err)
		req, err := http.NewRequestWithContext(contextForHelper(), http.MethodPut, in.URL+"/v1/account", bytes.NewReader(body))
		check(err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer t")
		resp, err := client.Do(req)
		check(err)
		io.Copy(io.Discard, resp.Body) //nolint:errcheck // empty
		check(resp.Body.Close())
		if resp.StatusCode != http.StatusAccepted {
			panic(resp.Status)
		}
		accepted += int64(len(batch))
		batch = batch[:0]
	}
	r, err := files.NewAccountReader(f, files.ReadOptions{})
	check(err)
	for row, err := range r.All() {
		check(err)
		if batch = append(batch, row.Value); len(batch) == cap(batch) {
			send()
		}
	}
	if len(batch) > 0 {
		send()
	}
	benchReport(benchResult{Accepted: accepted, Seconds: time.Since(start).Seconds()})
}

func marshalTypes(reference string, rows []accounts.Account) ([]byte, error) {
	return json.Marshal(accounts.AccountBatch{ReferenceID: reference, Accounts: rows})
}

// mirror is an account without the SDK's methods.
type mirror struct {
	plainAccount
	Debtor plainParty `json:"debtor"`
}

func marshalPlain(reference string, rows []accounts.Account) ([]byte, error) {
	plain := make([]mirror, len(rows))
	for i := range rows {
		plain[i] = mirror{plainAccount(rows[i]), plainParty(rows[i].Debtor)}
	}
	return json.Marshal(map[string]any{"batchReferenceId": reference, "accounts": plain})
}

// BenchmarkEncode compares the hand-written encoder with reflection over the
// same struct, in the same run.
func BenchmarkEncode(b *testing.B) {
	batch := make([]accounts.Account, 1000)
	for i := range batch {
		batch[i] = row(i)
		batch[i].Brand, batch[i].InvoiceNumber, batch[i].Debtor.Email = "Blue", "IN-1", "ann@example.com"
	}
	per := func(f func() error) float64 {
		var best time.Duration = 1 << 62
		for range 20 {
			start := time.Now()
			require.NoError(b, f())
			best = min(best, time.Since(start))
		}
		return best.Seconds()
	}
	for b.Loop() {
		ours := per(func() error {
			_, err := accounts.AccountBatch{ReferenceID: "r", Accounts: batch}.MarshalJSON()
			return err
		})
		theirs := per(func() error {
			_, err := marshalPlain("r", batch)
			return err
		})
		b.ReportMetric(theirs/ours, "x-faster-than-encoding/json")
		b.ReportMetric(ours/float64(len(batch))*1e9, "ns/row")
	}
}

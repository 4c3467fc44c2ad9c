package decisioning_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// The same known fields as decisioning.Transaction, for encoding/json alone.
type (
	bareAnalysis struct {
		ID         string         `json:"id"`
		CustomerID string         `json:"customerId"`
		Status     string         `json:"status"`
		Accounts   []bareAccount  `json:"accounts"`
		Extra      jsontext.Value `json:"-"`
	}
	bareAccount struct {
		ID           string            `json:"id"`
		Balance      ccr.Amount        `json:"balance"`
		BalanceDate  ccr.DateTime      `json:"balanceDate"`
		Currency     string            `json:"currency"`
		Type         string            `json:"type"`
		Transactions []bareTransaction `json:"transactions"`
	}
	bareTransaction struct {
		ID          string           `json:"id"`
		AccountID   string           `json:"accountId"`
		AccountType string           `json:"accountType"`
		Amount      ccr.Amount       `json:"amount"`
		Currency    string           `json:"currency"`
		Description string           `json:"description"`
		Dates       bareDates        `json:"dates"`
		IsComing    *bool            `json:"isComing"`
		Aggregator  *bareAggregator  `json:"aggregator"`
		Comment     string           `json:"comment"`
		Enrichments *bareEnrichments `json:"enrichments"`
		CreatedAt   ccr.DateTime     `json:"createdAt"`
		UpdatedAt   ccr.DateTime     `json:"updatedAt"`
	}
	bareDates struct {
		DebitedAt ccr.DateTime `json:"debitedAt"`
		BookedAt  ccr.DateTime `json:"bookedAt"`
	}
	bareAggregator struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Category string `json:"category"`
	}
	bareEnrichments struct {
		Category                string         `json:"category"`
		Type                    string         `json:"type"`
		IsRejected              *bool          `json:"isRejected"`
		RelatedTransactions     jsontext.Value `json:"relatedTransactions"`
		CounterPartID           string         `json:"counterPartId"`
		GroupID                 string         `json:"groupId"`
		DescriptionGroupID      string         `json:"descriptionGroupId"`
		IsInternationalTransfer *bool          `json:"isInternationalTransfer"`
		Periodicity             string         `json:"periodicity"`
	}
)

// answerOf is an analysis with n transactions as Algoan's samples show them,
// each with a member that no field is made for.
func answerOf(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":"620f00000000000000000001","customerId":"620f00000000000000000002","status":"COMPLETED","accounts":[{"id":"620f00000000000000000003","balance":1457.16,"balanceDate":"2026-08-21T12:00:00.000Z","currency":"EUR","type":"CHECKING","transactions":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%024x","accountId":"620f00000000000000000003","accountType":"CHECKING","amount":-%d.%02d,"currency":"EUR","description":"PRLV SEPA ÉNERGIE %d REF 0000%d","dates":{"debitedAt":"2026-08-%02dT12:00:00.000Z","bookedAt":"2026-08-%02dT12:00:00.000Z"},"isComing":false,"enrichments":{"category":"POWER","type":"DIRECT_DEBIT","isRejected":false,"relatedTransactions":{},"groupId":"%024x","isInternationalTransfer":false},"merchant":{"name":"Énergie","score":0.10},"createdAt":"2026-08-21T13:32:10.891Z","updatedAt":"2026-08-21T13:32:10.891Z"}`,
			i, i%900, i%100, i%37, i, 1+i%28, 1+i%28, i/3)
	}
	b.WriteString(`]}]}`)
	return b.Bytes()
}

// benchTransactions is how many the benchmarks read: CCR_BENCH_TRANSACTIONS,
// or what the benchmark says.
func benchTransactions(b *testing.B, n int) int {
	b.Helper()
	if v := os.Getenv("CCR_BENCH_TRANSACTIONS"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(b, err, "CCR_BENCH_TRANSACTIONS")
	}
	return n
}

// BenchmarkDecode reads 10,000 transactions, unknown members included, and
// prints its time as a multiple of what encoding/json takes to read the same
// known fields, the unknown ones dropped.
func BenchmarkDecode(b *testing.B) {
	n := benchTransactions(b, 10_000)
	data := answerOf(n)
	bare := func() {
		var v bareAnalysis
		if err := json.Unmarshal(data, &v); err != nil || len(v.Accounts[0].Transactions) != n {
			b.Fatal(err)
		}
	}
	ours := func() {
		var v decisioning.Analysis
		if _, err := decisioning.Decode(data, &v); err != nil || len(v.Accounts[0].Transactions[n-1].Extra) != 1 {
			b.Fatal(err)
		}
	}
	public := func() {
		var v decisioning.Analysis
		if err := json.Unmarshal(data, &v); err != nil {
			b.Fatal(err)
		}
	}
	for _, f := range []func(){bare, ours, public} { // warm up
		f()
	}
	var tBare, tOurs, tPublic time.Duration
	took := func(f func()) time.Duration {
		start := time.Now()
		f()
		return time.Since(start)
	}
	for b.Loop() { // in turns, so that both see the same machine
		tOurs += took(ours)
		tBare += took(bare)
		tPublic += took(public)
	}
	b.ReportMetric(0, "ns/op") // of a turn of all, which says nothing
	b.ReportMetric(float64(len(data))*float64(b.N)/tOurs.Seconds()/1e6, "MB/s")
	b.ReportMetric(float64(tOurs)/float64(tBare), "x-encoding/json")
	b.ReportMetric(float64(tPublic)/float64(tBare), "x-through-json.Unmarshal")
	b.ReportMetric(tOurs.Seconds()/float64(b.N), "s/ccr")
	b.ReportMetric(tBare.Seconds()/float64(b.N), "s/encoding-json")
}

// BenchmarkEncode writes the same answer again.
func BenchmarkEncode(b *testing.B) {
	data := answerOf(10_000)
	var ours decisioning.Analysis
	_, err := decisioning.Decode(data, &ours)
	require.NoError(b, err)
	var bare bareAnalysis
	require.NoError(b, json.Unmarshal(data, &bare))
	var tBare, tOurs time.Duration
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		start := time.Now()
		if _, err := decisioning.Encode(&ours); err != nil {
			b.Fatal(err)
		}
		mid := time.Now()
		if _, err := json.Marshal(&bare); err != nil {
			b.Fatal(err)
		}
		tOurs += mid.Sub(start)
		tBare += time.Since(mid)
	}
	b.ReportMetric(float64(tOurs)/float64(tBare), "x-encoding/json")
}

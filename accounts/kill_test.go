package accounts_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/auth"
)

// killInput is what the process that gets killed needs.
type killInput struct {
	URL, TokenURL, ClientID, ClientSecret, Audience, CA string
	Ledger, Name                                        string
	Rows                                                int
}

// TestKilledJobAppliesEachRowOnce kills the process of a 50,000-row job at 50
// random moments, reruns it each time with its ledger, and counts at the
// server how often each row took effect. Without CCR_LONG, and under the race
// detector, it is 5 kills of 5,000 rows.
//
//nolint:paralleltest // it measures moments; other tests would shift them
func TestKilledJobAppliesEachRowOnce(t *testing.T) {
	kills, n := 50, 50_000
	if os.Getenv("CCR_LONG") == "" || raceDetector {
		kills, n = 5, 5_000
	}
	seed := rand.Uint64()
	t.Logf("%d kills of a job of %d rows, seed %d", kills, n, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	srv := serve(t, accountstest.Config{})
	in := killInput{
		URL: srv.URL(), TokenURL: srv.TokenURL(), ClientID: srv.ClientID(), ClientSecret: srv.ClientSecret(), Audience: srv.Audience(), CA: string(srv.CAPEM()),
		Ledger: filepath.Join(t.TempDir(), "ledger"), Rows: n,
	}
	// A batch takes the server a moment, so that kills land before, within
	// and after it.
	srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Delay, Delay: 2 * time.Millisecond, Times: -1})
	var moments []int64 // rows applied when the kill came
	jobs := 0
	for killed := 0; killed < kills; {
		in.Name = fmt.Sprintf("job-%d", jobs)
		if sum, done := runUntil(t, in, time.Duration(rng.Int64N(int64(300*time.Millisecond)))); done {
			assert.True(t, sum.Complete)
			assert.Equal(t, int64(n), sum.Accepted)
			jobs++
			continue
		}
		killed++
		moments = append(moments, int64(len(srv.Applied("UpsertAccounts"))))
	}
	in.Name = fmt.Sprintf("job-%d", jobs)
	sum, done := runUntil(t, in, time.Hour)
	require.True(t, done)
	assert.True(t, sum.Complete)
	assert.Equal(t, int64(n), sum.Accepted)
	jobs++

	eachOnce(t, srv, jobs*n)
	repeated := 0
	for _, b := range srv.Batches() {
		repeated += b.Repeated
	}
	t.Logf("%d jobs; rows applied at the kills: %v; batches that were sent again and had arrived: %d", jobs, moments, repeated)
}

// runUntil runs the job in a process of its own and kills that after a while
// of sending, unless it is done by then.
func runUntil(t *testing.T, in killInput, after time.Duration) (sum accounts.Summary, done bool) {
	t.Helper()
	cmd := helper(t, "kill-submit", in)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan(), "the process said that it begins")
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() }) //nolint:errcheck // it may be done
	defer timer.Stop()
	if lines.Scan() {
		require.NoError(t, json.Unmarshal(lines.Bytes(), &sum))
		cmd.Wait() //nolint:errcheck // a kill after the last word changes nothing
		return sum, true
	}
	require.Error(t, cmd.Wait(), "killed")
	return sum, false
}

func killSubmit() {
	var in killInput
	helperInput(&in)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(in.CA))
	cred, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: in.TokenURL, ClientID: in.ClientID, ClientSecret: ccr.NewSecret(in.ClientSecret), Audience: in.Audience, Encoding: auth.EncodingJSON,
	})
	check(err)
	client, err := accounts.NewClient(cred, ccr.WithBaseURL(in.URL), ccr.WithLimiter(ccr.NoLimit()),
		ccr.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}))
	check(err)
	fmt.Println("begin")
	ledger, err := ccr.OpenLedger(in.Ledger)
	check(err)
	sum, err := client.SubmitAccounts(func(yield func(accounts.Row[accounts.Account], error) bool) {
		for i := range in.Rows {
			r := row(i)
			r.ClientReferenceID = fmt.Sprintf("%s/%d", in.Name, i)
			if !yield(accounts.Row[accounts.Account]{Value: r}, nil) {
				return
			}
		}
	}, accounts.SubmitOptions{Name: in.Name, Ledger: ledger, MaxRows: 500}).Run(contextForHelper())
	check(err)
	check(ledger.Close())
	raw, err := json.Marshal(sum)
	check(err)
	fmt.Fprintln(os.Stdout, string(raw))
}

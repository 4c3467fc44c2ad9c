package decisioning_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
)

// ensured is a customer at a server in a bubble.
type ensured struct {
	srv      *decisioningtest.Server
	c        *decisioning.Client
	customer string
	ledger   ccr.Ledger
}

func ensuring(t *testing.T, f func(t *testing.T, x *ensured)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := decisioningtest.NewServer(decisioningtest.Config{InMemory: true})
		require.NoError(t, err)
		defer srv.Close()
		c, err := srv.Client(ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}))
		require.NoError(t, err)
		customer, err := c.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "applicant-1"})
		require.NoError(t, err)
		f(t, &ensured{srv, c, customer.ID, ccr.NewMemoryLedger()})
	})
}

// ensure asks for the analysis of a key, made of nothing yet.
func (x *ensured) ensure(t *testing.T, l ccr.Ledger, key string) (*decisioning.Analysis, error) {
	t.Helper()
	return x.c.EnsureAnalysis(t.Context(), x.customer, key, decisioning.AnalysisInput{}, decisioning.EnsureOptions{Ledger: l})
}

func (x *ensured) settle(t *testing.T, key, id string) error {
	t.Helper()
	return x.c.SettleAnalysis(t.Context(), decisioning.SettleOptions{Ledger: x.ledger, CustomerID: x.customer, Key: key, AnalysisID: id})
}

func (x *ensured) created() int { return x.srv.AnalysesByCustomer()["applicant-1"] }

func (x *ensured) requireUnknown(t *testing.T, key string) {
	t.Helper()
	made, err := x.ensure(t, x.ledger, key)
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	assert.Contains(t, err.Error(), "SettleAnalysis")
	assert.Equal(t, ccr.ActionSettle, ccr.DispositionOf(err).Action)
	require.Nil(t, made)
}

func TestEnsureAnalysis(t *testing.T) {
	t.Parallel()
	ensuring(t, func(t *testing.T, x *ensured) {
		first, err := x.ensure(t, x.ledger, "application-1")
		require.NoError(t, err)
		for range 3 {
			again, err := x.ensure(t, x.ledger, "application-1")
			require.NoError(t, err)
			assert.Equal(t, first.ID, again.ID)
		}
		other, err := x.ensure(t, x.ledger, "application-\xe9 2")
		require.NoError(t, err)
		assert.NotEqual(t, first.ID, other.ID)
		assert.Equal(t, 2, x.created())
		require.NoError(t, x.settle(t, "application-1", first.ID))
		require.Error(t, x.settle(t, "application-1", ""))
		require.Error(t, x.settle(t, "application-1", other.ID))
		require.ErrorIs(t, x.settle(t, "application-3", ""), ccr.ErrNoEntry)
	})
}

func TestEnsureAnalysisRefusesBadInput(t *testing.T) {
	t.Parallel()
	ensuring(t, func(t *testing.T, x *ensured) {
		_, err := x.c.EnsureAnalysis(t.Context(), "", "", decisioning.AnalysisInput{}, decisioning.EnsureOptions{})
		require.ErrorIs(t, err, ccr.ErrInvalid)
		e, _ := errors.AsType[*ccr.Error](err)
		assert.Len(t, e.Fields, 3)
		require.ErrorIs(t, x.c.SettleAnalysis(t.Context(), decisioning.SettleOptions{}), ccr.ErrInvalid)
		assert.Zero(t, x.created())
	})
}

// The request is sent, and its response lost. The next call finds out by
// looking whether it arrived.
func TestEnsureAnalysisResolves(t *testing.T) {
	t.Parallel()
	for kind, arrived := range map[decisioningtest.FaultKind]bool{decisioningtest.LoseAnswer: true, decisioningtest.CutBefore: false} {
		for _, next := range []string{"application-2", "application-3"} { // the same key, or another one of the customer
			ensuring(t, func(t *testing.T, x *ensured) {
				_, err := x.ensure(t, x.ledger, "application-1")
				require.NoError(t, err)
				x.srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: kind})
				x.requireUnknown(t, "application-2")
				began := time.Now()
				_, err = x.ensure(t, x.ledger, next)
				require.NoError(t, err)
				if !arrived {
					assert.GreaterOrEqual(t, time.Since(began), time.Minute, "the request could still have been under way")
				}
				_, err = x.ensure(t, x.ledger, "application-2")
				require.NoError(t, err)
				want := 2
				if next == "application-3" {
					want = 3
				}
				assert.Equal(t, want, x.created())
			})
		}
	}
}

// A list that lags behind a create does not make a second one as long as it
// lags by less than the grace. Without the wait in look, two are created.
func TestEnsureAnalysisWithAListThatLags(t *testing.T) {
	t.Parallel()
	ensuring(t, func(t *testing.T, x *ensured) {
		x.srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.LoseAnswer})
		x.requireUnknown(t, "application-1")
		empty := `{"resources":[],"pagination":{"totalResources":0,"totalPages":0,"next":null}}`
		x.srv.Inject(decisioningtest.Fault{Operation: "Analyses", Kind: decisioningtest.Garble, Body: empty})
		_, err := x.ensure(t, x.ledger, "application-1")
		require.NoError(t, err)
		assert.Equal(t, 1, x.created())
	})
}

// What the list shows does not tell which analysis is the one: a person does.
func TestEnsureAnalysisSettled(t *testing.T) {
	t.Parallel()
	for _, created := range []bool{true, false} {
		ensuring(t, func(t *testing.T, x *ensured) {
			x.srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.LoseAnswer})
			x.requireUnknown(t, "application-1")
			other, err := x.c.CreateAnalysis(t.Context(), x.customer, decisioning.AnalysisInput{})
			require.NoError(t, err)
			x.requireUnknown(t, "application-1")
			x.requireUnknown(t, "application-2") // one at a time
			require.ErrorIs(t, x.settle(t, "application-2", ""), ccr.ErrNoEntry)
			require.ErrorIs(t, x.settle(t, "application-1", "000000000000000000000000"), ccr.ErrNotFound)
			id := ""
			if created {
				for a, err := range x.c.Analyses(x.customer, decisioning.ListOptions{}).All(t.Context()) {
					require.NoError(t, err)
					if a.ID != other.ID {
						id = a.ID
					}
				}
			}
			require.NoError(t, x.settle(t, "application-1", id))
			require.NoError(t, x.settle(t, "application-1", id), "the same word again")
			a, err := x.ensure(t, x.ledger, "application-1")
			require.NoError(t, err)
			if created {
				assert.Equal(t, id, a.ID)
				assert.Equal(t, 2, x.created())
			} else {
				assert.Equal(t, 3, x.created())
			}
		})
	}
}

// A list that is not complete proves nothing. Without the comparison with the
// vendor's count, a second analysis is created.
func TestEnsureAnalysisWithAnIncompleteList(t *testing.T) {
	t.Parallel()
	ensuring(t, func(t *testing.T, x *ensured) {
		x.srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.LoseAnswer})
		x.requireUnknown(t, "application-1")
		short := `{"resources":[],"pagination":{"totalResources":1,"totalPages":1,"next":null}}`
		x.srv.Inject(decisioningtest.Fault{Operation: "Analyses", Kind: decisioningtest.Garble, Body: short})
		x.requireUnknown(t, "application-1")
		assert.Equal(t, 1, x.created())
		_, err := x.ensure(t, x.ledger, "application-1")
		require.NoError(t, err)
		assert.Equal(t, 1, x.created())
	})
}

// A refusal, and a request that was never sent, leave nothing open.
func TestEnsureAnalysisThatDidNotArrive(t *testing.T) {
	t.Parallel()
	ensuring(t, func(t *testing.T, x *ensured) {
		x.srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.Answer, Status: http.StatusBadRequest})
		_, err := x.ensure(t, x.ledger, "application-1")
		require.Error(t, err)
		assert.Equal(t, ccr.ActionStop, ccr.DispositionOf(err).Action)
		x.srv.Inject(decisioningtest.Fault{Operation: "Analyses", Kind: decisioningtest.Answer, Status: http.StatusServiceUnavailable})
		_, err = x.ensure(t, x.ledger, "application-1")
		require.ErrorIs(t, err, ccr.ErrNotSent)
		assert.Equal(t, ccr.ActionRetry, ccr.DispositionOf(err).Action)
		_, err = x.ensure(t, x.ledger, "application-1")
		require.NoError(t, err)
		assert.Equal(t, 1, x.created())
	})
}

// mortalLedger stores n times; then its worker is taken for dead.
type mortalLedger struct {
	ccr.Ledger
	mu   sync.Mutex
	left int
}

var errDead = errors.New("the worker is dead")

func (l *mortalLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left--; l.left < 0 {
		return errDead
	}
	return l.Ledger.Store(ctx, e)
}

// A worker dies at every point at which it stores. The next one ends with one
// analysis, whatever it finds.
func TestEnsureAnalysisAfterDeathAtEveryStore(t *testing.T) {
	t.Parallel()
	for n, died := 0, true; died; n++ {
		ensuring(t, func(t *testing.T, x *ensured) {
			_, err := x.ensure(t, &mortalLedger{Ledger: x.ledger, left: n}, "application-1")
			died = errors.Is(err, errDead)
			if !died {
				require.NoError(t, err)
				assert.Equal(t, 4, n, "claim, intent, result, end")
			}
			if n > 0 && n < 3 && died {
				_, err = x.ensure(t, x.ledger, "application-2")
				require.ErrorIs(t, err, ccr.ErrClaimed)
			}
			time.Sleep(10 * time.Minute)
			for i := range 2 {
				a, err := x.ensure(t, x.ledger, "application-1")
				require.NoError(t, err, "died after %d stores", n)
				require.NotEmpty(t, a.ID)
				assert.Equal(t, 1, x.created(), "died after %d stores, %d", n, i)
			}
		})
	}
}

// Many analyses of before a request are told from a new one.
func TestEnsureAnalysisOfACustomerWithMany(t *testing.T) {
	t.Parallel()
	for _, had := range []int{200, 251} {
		if testing.Short() && had == 200 {
			continue
		}
		ensuring(t, func(t *testing.T, x *ensured) {
			for i := range had {
				_, err := x.c.CreateAnalysis(t.Context(), x.customer, decisioning.AnalysisInput{})
				require.NoError(t, err, strconv.Itoa(i))
			}
			x.srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.LoseAnswer})
			x.requireUnknown(t, "application-1")
			_, err := x.ensure(t, x.ledger, "application-1")
			if had == 200 {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			}
			assert.Equal(t, had+1, x.created())
		})
	}
}

// The entries are a format on disk: the golden is never rewritten.
func TestEnsureAnalysisLedgerGolden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const list = `{"resources":[{"id":"5f590f42b10afde077e204c3"}],"pagination":{"totalResources":1,"totalPages":1}}`
		responses := []string{
			"200 " + list, `202 {"id":"5f590f42b10afde077e204c4"}`, // created
			"200 " + list, "500 {}", // unknown
		}
		cred, err := auth.NewStaticBearer(ccr.NewSecret("token"))
		require.NoError(t, err)
		c, err := decisioning.NewClient(cred, ccr.WithEnvironment("production"), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}),
			ccr.WithHTTPClient(&http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				status, body, _ := strings.Cut(responses[0], " ")
				responses = responses[1:]
				code, err := strconv.Atoi(status)
				return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{"Content-Type": {"application/json"}}, Request: req}, err
			})}))
		require.NoError(t, err)
		r := ledgerd.Record(ccr.NewMemoryLedger())
		o := decisioning.EnsureOptions{Ledger: r}
		_, err = c.EnsureAnalysis(t.Context(), "5f590f42b10afde077e204c2", "application 1", decisioning.AnalysisInput{}, o)
		require.NoError(t, err)
		_, err = c.EnsureAnalysis(t.Context(), "5f590f42b10afde077e204c2", "application 2", decisioning.AnalysisInput{}, o)
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		golden, err := os.ReadFile("testdata/ensure.ledger")
		require.NoError(t, err)
		assert.Equal(t, string(golden), r.Text())
	})
}

// TestLostCreatesNameWhatToDo: the error of a create whose answer was lost says
// where to look and which call does it.
func TestLostCreatesNameWhatToDo(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	defer srv.Close()
	c, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "jane"})
	require.NoError(t, err)
	for _, operation := range []string{"CreateAnalysis", "CreateCustomer"} {
		srv.Inject(decisioningtest.Fault{Operation: operation, Kind: decisioningtest.LoseAnswer})
	}
	_, err = client.CreateAnalysis(t.Context(), c.ID, decisioning.AnalysisInput{})
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	require.ErrorContains(t, err, "Look for it by Analyses")
	require.ErrorContains(t, err, "EnsureAnalysis")
	_, err = client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "joe"})
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	require.ErrorContains(t, err, "Call EnsureCustomer")
}

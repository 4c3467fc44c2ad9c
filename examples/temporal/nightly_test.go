package nightly_test

import (
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	nightly "github.com/ccr-sdk/ccr/examples/temporal"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// The vendors cut answers: the load is retried, the upload's outcome is
// unknown and stops the workflow, and nothing is sent twice.
func TestNightly(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"all goes well": "", "the answer of the upload is lost": "settle first"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor, err := accountstest.NewServer(accountstest.Config{})
			require.NoError(t, err)
			t.Cleanup(vendor.Close)
			bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
			require.NoError(t, err)
			t.Cleanup(bureau.Close)
			if want != "" {
				bureau.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.LoseAnswer})
			}
			a := &nightly.Activities{Ledger: ccr.NewMemoryLedger(), File: func(name string) ccr.File { return ccr.FileFromBytes(name, []byte("a,b\r\n")) }}
			a.Accounts, err = vendor.Client()
			require.NoError(t, err)
			a.Bureau, err = bureau.Client()
			require.NoError(t, err)
			a.Rows = func(string) iter.Seq2[accounts.Row[accounts.Account], error] {
				return accounts.RowsOf(accounts.Account{
					ClientReferenceID: "A-1", OutstandingAmount: ccr.AmountFromMinor(1000, 2), Status: accounts.StatusActive,
					Debtor: accounts.Party{LastName: "Debtor"},
				})
			}
			env := (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
			env.RegisterActivity(a)
			env.ExecuteWorkflow(nightly.Nightly, "2026-11-21")
			require.True(t, env.IsWorkflowCompleted())
			if err := env.GetWorkflowError(); want == "" {
				require.NoError(t, err)
			} else {
				var failed *temporal.ApplicationError
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, want, failed.Type())
			}
			assert.Len(t, vendor.Batches(), 1)
			assert.Len(t, bureau.Uploads(), 1)
			assert.Len(t, bureau.Requests("Upload"), 1)
		})
	}
}

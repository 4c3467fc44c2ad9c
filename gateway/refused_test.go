package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// TestRefusalWithRows: a status without success is read for what its rows say
// of each file; without rows, several files are of unknown outcome unless the
// status speaks of the request.
func TestRefusalWithRows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		files  int
		want   []gateway.UploadState
		rows   int
	}{
		"one of two exists": {409, `{"message":[{"file":"a","status":"OK","message":""},{"file":"b","status":"ERROR","message":"exists"}]}`, 2,
			[]gateway.UploadState{gateway.Accepted, gateway.Refused}, 2},
		"a row for one of two": {409, `{"message":[{"file":"b","status":"ERROR","message":"exists"}]}`, 2,
			[]gateway.UploadState{gateway.UploadUnknown, gateway.Refused}, 1},
		"a server error with rows": {500, `{"message":[{"file":"a","status":"OK","message":""},{"file":"b","status":"OK","message":""}]}`, 2,
			[]gateway.UploadState{gateway.Accepted, gateway.Accepted}, 2},
		"no rows, two files":     {409, `{"message":"exists"}`, 2, []gateway.UploadState{gateway.UploadUnknown, gateway.UploadUnknown}, 0},
		"not JSON, two files":    {404, "<html>", 2, []gateway.UploadState{gateway.UploadUnknown, gateway.UploadUnknown}, 0},
		"no rows, one file":      {409, `{"message":"exists"}`, 1, []gateway.UploadState{gateway.Refused}, 0},
		"the request is refused": {403, `no`, 2, []gateway.UploadState{gateway.Refused, gateway.Refused}, 0},
		"too large":              {413, ``, 2, []gateway.UploadState{gateway.Refused, gateway.Refused}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, c := bureau(t)
			ledger, err := ccr.OpenLedger(filepath.Join(t.TempDir(), "ledger"))
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, ledger.Close()) })
			srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Answer, Status: tt.status, Body: tt.body})
			req := upload(small("a"), small("b"))
			req.Files = req.Files[:tt.files]
			req.Ledger = ledger
			result, err := c.Upload(t.Context(), req)
			require.NotNil(t, result)
			var got []gateway.UploadState
			unknown := false
			for _, f := range result.Files {
				got = append(got, f.State)
				unknown = unknown || f.State == gateway.UploadUnknown
			}
			assert.Equal(t, tt.want, got)
			assert.Len(t, result.Rows, tt.rows)
			if unknown {
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				assert.ErrorContains(t, err, "SettleUpload")
			}
			// What was taken is not sent again, under another name either.
			again := upload(small("a"))
			again.Ledger = ledger
			second, err := c.Upload(t.Context(), again)
			switch tt.want[0] {
			case gateway.Accepted:
				require.NoError(t, err)
				assert.Equal(t, gateway.AcceptedBefore, second.Files[0].State)
			case gateway.Refused:
				require.NoError(t, err)
				assert.Equal(t, gateway.Accepted, second.Files[0].State)
			default:
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			}
		})
	}
}

// TestRowsReadWhatIsNoJSON: a reader of the caller's settles a response that
// the SDK cannot read.
func TestRowsReadWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Answer, Status: http.StatusOK, Body: "a=taken"})
	req := upload(small("a"))
	req.Rows = func(answer []byte) ([]gateway.Row, error) {
		assert.Equal(t, "a=taken", string(answer))
		return []gateway.Row{{File: "a", Status: "OK"}}, nil
	}
	result, err := c.Upload(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, gateway.Accepted, result.Files[0].State)
}

// TestNotSentIsNotRecorded: what never left is sent by the next call.
func TestNotSentIsNotRecorded(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	ledger, err := ccr.OpenLedger(filepath.Join(t.TempDir(), "ledger"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, ledger.Close()) })
	req := upload(small("a"))
	req.Ledger = ledger
	down, err := srv.Client(ccr.WithLimiter(sealed{}))
	require.NoError(t, err)
	result, err := down.Upload(t.Context(), req)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	assert.Equal(t, gateway.NotSent, result.Files[0].State)
	assert.Empty(t, srv.Uploads())
	result, err = c.Upload(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, gateway.Accepted, result.Files[0].State)
	assert.Equal(t, []string{"a"}, srv.Uploads())
}

// sealed is a limiter that lets nothing go.
type sealed struct{}

func (sealed) Wait(context.Context) error { return errors.New("no") }

package backend_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/consumer/backend"
	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// The second way: the Mock of the …test package, a function a method.

func TestNightlyStopsWhenTheUploadIsUnknown(t *testing.T) {
	t.Parallel()
	unknown := &ccr.Error{Service: "gateway", Operation: "Upload", Outcome: ccr.OutcomeUnknown, Classes: []error{ccr.ErrUnavailable}}
	b := &backend.Backend{
		Bureau: &gatewaytest.Mock{T: t, UploadFunc: func(context.Context, gateway.UploadRequest, ...ccr.CallOption) (*gateway.UploadResult, error) {
			return nil, unknown
		}},
		Drop: &sftptest.Mock{T: t}, // any call of it would fail the test
	}
	_, err := b.Nightly(t.Context(), ccr.FileFromBytes("C.csv", []byte("x")), ccr.NewMemoryLedger(), nil, nil)
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
}

func TestNightlyCounts(t *testing.T) {
	t.Parallel()
	b := &backend.Backend{
		Bureau: &gatewaytest.Mock{
			T: t,
			UploadFunc: func(_ context.Context, req gateway.UploadRequest, _ ...ccr.CallOption) (*gateway.UploadResult, error) {
				assert.Equal(t, "C.csv", req.Files[0].Name())
				return &gateway.UploadResult{}, nil
			},
			ReceiveFunc: func(context.Context, ccr.Sink, ...gateway.ReceiveOptions) ([]ccr.Received, error) {
				return []ccr.Received{{Name: "r.xml", State: ccr.Delivered}}, nil
			},
		},
		Drop: &sftptest.Mock{T: t, ReceiveFunc: func(context.Context, ccr.Sink, sftp.ReceiveOptions, ...ccr.CallOption) ([]ccr.Received, error) {
			return []ccr.Received{{Name: "p.csv", State: ccr.Delivered}}, nil
		}},
	}
	n, err := b.Nightly(t.Context(), ccr.FileFromBytes("C.csv", []byte("x")), nil, nil, nil)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
}

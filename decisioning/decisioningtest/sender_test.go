package decisioningtest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

func TestSender(t *testing.T) {
	t.Parallel()
	var got []decisioning.Event
	hook, err := decisioning.NewWebhookHandler(decisioning.WebhookConfig{
		Secrets: []ccr.Secret{ccr.NewSecret("hush")}, Workers: 1,
		Handle: func(_ context.Context, e decisioning.Event) error {
			got = append(got, e)
			return nil
		},
	})
	require.NoError(t, err)
	srv := httptest.NewTLSServer(hook)
	defer srv.Close()
	send := func(s decisioningtest.Sender, name decisioning.EventName) int {
		s.URL, s.Client = srv.URL, srv.Client()
		status, err := s.Send(t.Context(), decisioningtest.SampleEvent(name))
		require.NoError(t, err)
		return status
	}
	assert.Equal(t, http.StatusNoContent, send(decisioningtest.Sender{Secret: "hush"}, decisioning.EventAnalysisCompleted))
	assert.Equal(t, http.StatusNoContent, send(decisioningtest.Sender{Secret: "hush"}, decisioning.EventAnalysisCompleted), "once more")
	assert.Equal(t, http.StatusNoContent, send(decisioningtest.Sender{Secret: "hush", Escaped: true}, "a/new<event>"))
	assert.Equal(t, http.StatusUnauthorized, send(decisioningtest.Sender{Secret: "other"}, "x"))
	assert.Equal(t, http.StatusUnauthorized, send(decisioningtest.Sender{}, "x"))
	_, err = (&decisioningtest.Sender{URL: srv.URL, Secret: "hush", Client: srv.Client()}).Send(t.Context(), []byte(`{}`))
	require.Error(t, err)
	require.NoError(t, hook.Close(t.Context()))
	require.Len(t, got, 2)
	assert.Equal(t, decisioning.EventAnalysisCompleted, got[0].Name)
	assert.Len(t, got[0].CustomerID, 24)
	assert.Equal(t, decisioning.EventName("a/new<event>"), got[1].Name)
}

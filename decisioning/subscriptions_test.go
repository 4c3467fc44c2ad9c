package decisioning_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

func wanted(events ...decisioning.EventName) []decisioning.NewSubscription {
	var out []decisioning.NewSubscription
	for _, e := range events {
		out = append(out, decisioning.NewSubscription{EventName: e, Target: "https://me.example/hook", Secret: ccr.NewSecret("hush")})
	}
	return out
}

func TestEnsureSubscriptionsAddsWhatIsMissing(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	ctx := t.Context()
	first, err := client.EnsureSubscriptions(ctx, wanted(decisioning.EventAnalysisCompleted))
	require.NoError(t, err)
	require.Len(t, first, 1)
	assert.JSONEq(t, `{"eventName":"analysis_completed","target":"https://me.example/hook","secret":"hush"}`, string(srv.Requests("CreateSubscription")[0].Body))

	// One that exists does not keep another from being added, nor is it made again.
	all := wanted(decisioning.EventAnalysisCompleted, decisioning.EventAnalysisFailed, decisioning.EventAnalysisCompleted)
	second, err := client.EnsureSubscriptions(ctx, all)
	require.NoError(t, err)
	require.Len(t, second, 3)
	assert.Equal(t, first[0].ID, second[0].ID)
	assert.Equal(t, first[0].ID, second[2].ID)
	assert.Len(t, srv.Requests("CreateSubscription"), 2)

	// One that was switched off stays off.
	require.NoError(t, client.UpdateSubscription(ctx, first[0].ID, decisioning.SubscriptionInactive))
	third, err := client.EnsureSubscriptions(ctx, all)
	require.NoError(t, err)
	assert.Equal(t, decisioning.SubscriptionInactive, third[0].Status)
	assert.Len(t, srv.Requests("CreateSubscription"), 2)

	// Another target is another subscription.
	other := wanted(decisioning.EventAnalysisFailed)
	other[0].Target = "https://me.example/other"
	_, err = client.EnsureSubscriptions(ctx, other)
	require.NoError(t, err)
	assert.Len(t, srv.Requests("CreateSubscription"), 3)

	some, err := client.Subscriptions(ctx, []decisioning.EventName{decisioning.EventAnalysisFailed})
	require.NoError(t, err)
	assert.Len(t, some, 2)
	reqs := srv.Requests("Subscriptions")
	q, err := url.ParseQuery(reqs[len(reqs)-1].Query)
	require.NoError(t, err)
	assert.JSONEq(t, `{"eventName":{"$in":["analysis_failed"]}}`, q.Get("filter"))
}

// TestEnsureAfterALostAnswer: the rerun finds what the first run made.
func TestEnsureAfterALostAnswer(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	srv.Inject(decisioningtest.Fault{Operation: "CreateSubscription", Kind: decisioningtest.LoseAnswer})
	_, err := client.EnsureSubscriptions(t.Context(), wanted(decisioning.EventAnalysisCompleted))
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	_, err = client.EnsureSubscriptions(t.Context(), wanted(decisioning.EventAnalysisCompleted))
	require.NoError(t, err)
	assert.Len(t, srv.Requests("CreateSubscription"), 1)
}

func TestSubscriptionsAreChecked(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	bad := []decisioning.NewSubscription{{Target: "http://me.example"}, {EventName: "x", Target: "https://u:p@me.example", Secret: ccr.NewSecret("s")}}
	_, err := client.EnsureSubscriptions(t.Context(), bad)
	assert.Equal(t, []string{"wanted[0].eventName", "wanted[0].target", "wanted[0].secret", "wanted[1].target"}, paths(t, err))
	_, err = client.CreateSubscription(t.Context(), bad[0])
	assert.Equal(t, []string{"eventName", "target", "secret"}, paths(t, err))
	assert.Equal(t, []string{"status"}, paths(t, client.UpdateSubscription(t.Context(), "x", "")))
	assert.Equal(t, []string{"status"}, paths(t, client.UpdateEvent(t.Context(), "x", "y", "")))
	assert.Empty(t, srv.Requests(""))
}

func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	subs, err := client.EnsureSubscriptions(t.Context(), wanted("x"))
	require.NoError(t, err)
	srv.Emit("x", map[string]string{"customerId": "c"})
	n := 0
	for e, err := range client.Events(subs[0].ID, decisioning.ListOptions{}).All(t.Context()) {
		require.NoError(t, err)
		assert.JSONEq(t, `{"customerId":"c"}`, string(e.Payload))
		require.NoError(t, client.UpdateEvent(t.Context(), subs[0].ID, e.ID, decisioning.EventAck))
		n++
	}
	assert.Equal(t, 1, n)
	assert.Equal(t, []decisioning.EventStatus{decisioning.EventAck}, srv.EventStatuses(subs[0].ID))
	assert.ErrorIs(t, client.UpdateEvent(t.Context(), subs[0].ID, "none", decisioning.EventAck), ccr.ErrNotFound)
}

func TestSecretsOfSubscriptionsAreNotPrinted(t *testing.T) {
	t.Parallel()
	n := wanted("x")[0]
	b, err := json.Marshal(n)
	require.NoError(t, err)
	for _, s := range []string{string(b), fmt.Sprintf("%v %+v %#v", n, n, n)} {
		assert.NotContains(t, s, "hush")
	}
}

package decisioning_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

func TestCustomerFromBirthToDeath(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	ctx := t.Context()
	made, err := client.CreateCustomer(ctx, decisioning.NewCustomer{
		CustomIdentifier:   "C-1",
		AggregationDetails: &decisioning.AggregationDetails{CallbackURL: "https://me.example/back", Token: ccr.NewSecret("tok")},
		PersonalDetails: &decisioning.PersonalDetails{
			Identity:  &decisioning.Identity{FirstName: "Ada", Nationality: "FR"},
			Contact:   &decisioning.Contact{ZipCode: "75002"},
			Household: &decisioning.Household{MaritalStatus: decisioning.Single, NumberOfDependentChildren: new(0)},
		},
	})
	require.NoError(t, err)
	assert.Len(t, made.ID, 24)
	assert.JSONEq(t, `{"customIdentifier":"C-1","aggregationDetails":{"callbackUrl":"https://me.example/back","token":"tok"},"personalDetails":{"identity":{"nationality":"FR","firstName":"Ada"},"contact":{"zipCode":"75002"},"household":{"maritalStatus":"SINGLE","numberOfDependentChildren":0}}}`,
		string(srv.Requests("CreateCustomer")[0].Body))

	got, err := client.Customer(ctx, made.ID)
	require.NoError(t, err)
	assert.Equal(t, 0, *got.PersonalDetails.Household.NumberOfDependentChildren)

	got, err = client.UpdateCustomer(ctx, made.ID, decisioning.CustomerUpdate{AggregationDetails: &decisioning.AggregationDetails{Mode: decisioning.ModeRedirect}})
	require.NoError(t, err)
	assert.Equal(t, decisioning.ModeRedirect, got.AggregationDetails.Mode)
	assert.JSONEq(t, `{"aggregationDetails":{"mode":"REDIRECT"}}`, string(srv.Requests("UpdateCustomer")[0].Body))

	found, err := client.FindCustomer(ctx, "C-1")
	require.NoError(t, err)
	assert.Equal(t, made.ID, found.ID)
	_, err = client.FindCustomer(ctx, "C-2")
	assert.ErrorIs(t, err, ccr.ErrNotFound)
	_, err = client.FindCustomer(ctx, "")
	assert.Equal(t, []string{"customIdentifier"}, paths(t, err))

	require.NoError(t, client.DeleteCustomer(ctx, made.ID))
	_, err = client.Customer(ctx, made.ID)
	assert.ErrorIs(t, err, ccr.ErrNotFound)
	assert.ErrorIs(t, client.DeleteCustomer(ctx, made.ID), ccr.ErrNotFound)
}

func TestDeleteWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	made, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
	require.NoError(t, err)
	srv.Inject(decisioningtest.Fault{Operation: "DeleteCustomer", Kind: decisioningtest.LoseAnswer})
	err = client.DeleteCustomer(t.Context(), made.ID)
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	assert.ErrorContains(t, err, "not found means deleted")
	assert.Len(t, srv.Requests("DeleteCustomer"), 1)
	_, err = client.Customer(t.Context(), made.ID)
	require.ErrorIs(t, err, ccr.ErrNotFound)
}

func TestDuplicateCustomer(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	n := decisioning.NewCustomer{CustomIdentifier: "C"}
	_, err := client.CreateCustomer(t.Context(), n)
	require.NoError(t, err)
	_, err = client.CreateCustomer(t.Context(), n)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Equal(t, http.StatusUnprocessableEntity, e.StatusCode)
	assert.ErrorIs(t, err, ccr.ErrDuplicate)
	assert.ErrorIs(t, err, ccr.ErrInvalid)
	assert.Equal(t, ccr.OutcomeRejected, e.Outcome)
	assert.Len(t, srv.Requests("CreateCustomer"), 2, "no retry")
	srv.Inject(decisioningtest.Fault{Operation: "CreateCustomer", Kind: decisioningtest.Answer, Status: 422, Body: `{"code":"SOMETHING","status":422}`, Times: 2})
	_, err = client.CreateCustomer(t.Context(), n)
	require.ErrorIs(t, err, ccr.ErrDuplicate, "by looking it up: the code is not documented")
	_, err = client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "D"})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.NotErrorIs(t, err, ccr.ErrDuplicate, "nobody has it")
	_, err = client.CreateCustomer(t.Context(), decisioning.NewCustomer{})
	assert.Equal(t, []string{"customIdentifier"}, paths(t, err))
}

// TestEnsureCustomerByMany: twenty at once, over several connections, get one
// customer.
func TestEnsureCustomerByMany(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	other, err := srv.Client()
	require.NoError(t, err)
	var mu sync.Mutex
	ids := map[string]int{}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c := client
			if i%2 == 1 {
				c = other
			}
			got, err := c.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
			if assert.NoError(t, err) {
				mu.Lock()
				ids[got.ID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	assert.Len(t, ids, 1)
}

func TestEnsureCustomerWhenThingsGoWrong(t *testing.T) {
	t.Parallel()
	fault := func(op string, kind decisioningtest.FaultKind) decisioningtest.Fault {
		return decisioningtest.Fault{Operation: op, Kind: kind}
	}
	unknownCode := fault("CreateCustomer", decisioningtest.Answer)
	unknownCode.Status, unknownCode.Body = 422, `{"code":"UNPROCESSABLE_ENTITY","message":"customIdentifier of jane exists","status":422}`
	unavailable := fault("CreateCustomer", decisioningtest.Answer)
	unavailable.Status = 503
	duplicateButHidden := fault("Customers", decisioningtest.Garble)
	duplicateButHidden.Body = `{"resources":[],"pagination":{"totalPages":0}}`
	unfiltered := fault("Customers", decisioningtest.Garble)
	unfiltered.Body = `{"resources":[{"id":"x","customIdentifier":"somebody else"}],"pagination":{"totalPages":900}}`
	unfiltered.Times = -1
	cases := []struct {
		name    string
		exists  bool
		faults  []decisioningtest.Fault
		creates int
		err     error
	}{
		{"new", false, nil, 1, nil},
		{"there already", true, nil, 1, nil},
		{"answer lost, created", false, []decisioningtest.Fault{fault("CreateCustomer", decisioningtest.LoseAnswer)}, 1, nil},
		{"answer unreadable, created", false, []decisioningtest.Fault{{Operation: "CreateCustomer", Kind: decisioningtest.Garble, Body: "<html>"}}, 1, nil},
		{"connection cut, not created", false, []decisioningtest.Fault{fault("CreateCustomer", decisioningtest.CutRequest)}, 2, nil},
		{"503, not created", false, []decisioningtest.Fault{unavailable}, 2, nil},
		{"503 for good", false, []decisioningtest.Fault{{Operation: "CreateCustomer", Kind: decisioningtest.Answer, Status: 503, Times: -1}}, 3, ccr.ErrOutcomeUnknown},
		{"a lookup that lags", true, []decisioningtest.Fault{duplicateButHidden}, 2, nil},
		{"422 with a code nobody knows, there", true, []decisioningtest.Fault{unknownCode}, 1, nil},
		{"422 for another reason", false, []decisioningtest.Fault{unknownCode}, 1, ccr.ErrInvalid},
		{"403", false, []decisioningtest.Fault{{Operation: "CreateCustomer", Kind: decisioningtest.Answer, Status: 403}}, 1, ccr.ErrForbidden},
		{"a filter that is ignored", true, []decisioningtest.Fault{unfiltered}, 1, ccr.ErrContract},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv, client := serve(t, decisioningtest.Config{InMemory: true})
				defer srv.Close()
				n := decisioning.NewCustomer{CustomIdentifier: "jane"}
				before := 0
				if c.exists {
					_, err := client.CreateCustomer(t.Context(), n)
					require.NoError(t, err)
					before = 1
				}
				for _, f := range c.faults {
					srv.Inject(f)
				}
				got, err := client.EnsureCustomer(t.Context(), n)
				assert.Len(t, srv.Requests("CreateCustomer"), before+c.creates)
				if c.err != nil {
					require.ErrorIs(t, err, c.err)
					assert.NotContains(t, err.Error(), "jane")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, "jane", got.CustomIdentifier)
				srv.ClearFaults()
				count := 0
				for range client.Customers(decisioning.ListOptions{}).All(t.Context()) {
					count++
				}
				assert.Equal(t, 1, count)
			})
		})
	}
}

func TestCustomerDecodesWhatTheContractNames(t *testing.T) {
	t.Parallel()
	const doc = `{"id":"620f","customIdentifier":"C","organizationId":"o","projectId":"p","userId":"u","userJourneyState":"BANK_SELECTED",
		"isArchived":false,"owner":{"organizationId":"o2","projectId":"p2"},"shares":[{"organizationId":"o3","projectId":"p3","sharedAt":"2022-04-04T13:32:10.891Z"}],
		"storage":{"type":"PARTIAL_DELETION","expiresAt":"2022-04-04T13:32:10.891Z"},"dashboard":{"currentState":"NEW","historyState":[]},
		"createdAt":"2020-09-10T08:42:41.783+0000","updatedAt":"2022-04-04T13:32:10.891Z",
		"aggregationDetails":{"userId":"u","aggregatorName":"LINXO_CONNECT","callbackUrl":"c","mode":"IFRAME","redirectUrl":"r","apiUrl":"a","iframeUrl":"i","clientId":"ci","token":"hush"},
		"personalDetails":{"identity":{"nationality":"FR","firstName":"f","birthDate":"1990-01-01T00:00:00.000Z","birthName":"n","birthCity":"c","birthZipCode":"z","birthCountry":"FR","lastName":"l"},
		"contact":{"email":"e","phoneNumber":"+33","street":"s","additionalInformation":"a","city":"c","zipCode":"75002","country":"FR"},"household":{"maritalStatus":"CIVIL_PARTNERSHIP","numberOfDependentChildren":0,"numberOfOtherDependents":2}}}`
	var c decisioning.Customer
	require.NoError(t, json.Unmarshal([]byte(doc), &c))
	assert.Equal(t, []string{"LEFT Customer.dashboard"}, dump(c), "only the dashboard, which is Algoan's own, has no field")
	assert.Equal(t, "z", c.PersonalDetails.Identity.BirthZipCode)
	assert.False(t, *c.IsArchived)
	assert.True(t, c.CreatedAt.Known())
	assert.Equal(t, decisioning.StoragePartialDeletion, c.Storage.Type)
	assert.Equal(t, decisioning.AggregatorLinxoConnect, c.AggregationDetails.AggregatorName)
	again, err := json.Marshal(c)
	require.NoError(t, err)
	assert.JSONEq(t, strings.Replace(doc, "hush", "[redacted]", 1), string(again))
}

// TestUpdateWritesWhatTheContractNames holds the names of the body of a PATCH
// of an analysis, which no answer shows.
func TestUpdateWritesWhatTheContractNames(t *testing.T) {
	t.Parallel()
	const doc = `{"format":"BUDGET_INSIGHT_V2_0","connections":[{"id":1}],"accountOwnerships":[{"account":1.0}],"status":"ERROR","error":{"code":"c","message":"m"}}`
	var u decisioning.AnalysisUpdate
	require.NoError(t, json.Unmarshal([]byte(doc), &u))
	assert.Empty(t, dump(u))
	again, err := json.Marshal(u)
	require.NoError(t, err)
	assert.Equal(t, doc, string(again))
	b, err := json.Marshal(decisioning.AnalysisUpdate{AccountOwnerships: []jsontext.Value{jsontext.Value(`{}`)}})
	require.NoError(t, err)
	assert.Equal(t, `{"accountOwnerships":[{}]}`, string(b))
}

// TestUpdateCustomerOfAVendorThatReplaces: whether an update replaces what it
// does not name is not documented. The answer shows it, and an update that
// names everything does the same with both.
func TestUpdateCustomerOfAVendorThatReplaces(t *testing.T) {
	t.Parallel()
	for _, replaces := range []bool{false, true} {
		srv, client := serve(t, decisioningtest.Config{ReplacingPatch: replaces})
		personal := &decisioning.PersonalDetails{Contact: &decisioning.Contact{City: "Paris"}}
		aggregation := &decisioning.AggregationDetails{UserID: "u"}
		c, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "jane", PersonalDetails: personal})
		require.NoError(t, err)
		whole, err := client.UpdateCustomer(t.Context(), c.ID, decisioning.CustomerUpdate{AggregationDetails: aggregation, PersonalDetails: personal})
		require.NoError(t, err)
		assert.Equal(t, "Paris", whole.PersonalDetails.Contact.City)
		part, err := client.UpdateCustomer(t.Context(), c.ID, decisioning.CustomerUpdate{AggregationDetails: aggregation})
		require.NoError(t, err)
		assert.Equal(t, replaces, part.PersonalDetails == nil)
		srv.Close()
	}
}

// A customer that exists and cannot be looked up right now: try again later.
// Before: the refusal of the create came first, and a queue stopped.
func TestEnsureCustomerWhileTheLookupIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, client := serve(t, decisioningtest.Config{InMemory: true})
		defer srv.Close()
		n := decisioning.NewCustomer{CustomIdentifier: "jane"}
		_, err := client.CreateCustomer(t.Context(), n)
		require.NoError(t, err)
		srv.Inject(decisioningtest.Fault{Operation: "Customers", Kind: decisioningtest.Answer, Status: 503, Times: -1})
		_, err = client.EnsureCustomer(t.Context(), n)
		require.ErrorIs(t, err, ccr.ErrUnavailable)
		assert.Equal(t, ccr.ActionRetry, ccr.DispositionOf(err).Action)
	})
}

package decisioning

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// FuzzPage: whatever a list answers is a page that makes sense, or an error.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`{"resources":[],"pagination":{"first":null,"last":null,"next":null,"previous":null,"totalPages":0,"totalResources":0}}`,
		`{"resources":[{"id":"a"}],"pagination":{"next":"/v2/x?page=2","totalPages":2,"totalResources":201}}`,
		`[{"id":"a","amount":1.10}]`, `[]`, ` [ ]`, `[null]`, `{}`, `null`, ``, `[`, `{"resources":null}`, `{"resources":{}}`, `{"resources":[1]}`,
		`{"resources":[{"id":"a"}],"pagination":null}`, `{"resources":[],"pagination":{"totalPages":-4}}`, `{"resources":[],"resources":[{"id":"b"}]}`,
		`{"resources":[{"amount":"x"}]}`, `{"resources":[],"pagination":{"totalPages":99999999999999999999}}`,
	} {
		f.Add([]byte(s), 1)
	}
	cred, err := auth.NewStaticBearer(ccr.NewSecret("t"))
	require.NoError(f, err)
	c, err := NewClient(cred)
	require.NoError(f, err)
	req := &transport.Request{Route: routeTransactions}
	f.Fuzz(func(t *testing.T, body []byte, number int) {
		page, _, err := readPage[Transaction](t.Context(), c, req, &transport.Response{StatusCode: 200, Body: body}, number)
		if !json.Valid(body) {
			require.Error(t, err)
		}
		if err != nil {
			require.ErrorIs(t, err, ccr.ErrContract)
			return
		}
		require.Equal(t, number, page.Number)
		require.GreaterOrEqual(t, page.TotalPages, -1)
		require.GreaterOrEqual(t, page.TotalItems, -1)
		require.NotNil(t, page.Items)
	})
}

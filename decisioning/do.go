package decisioning

import (
	"context"

	"github.com/ccr-sdk/ccr"
)

// Do makes a call of the API that this package has no method for, with the
// client's credential, limits, errors and redaction. path is below the base URL
// and may have a query ("/v2/customers?x=1"). in is encoded as JSON unless it is
// []byte or json.RawMessage; nil sends no body. The response is decoded into
// out; a *[]byte takes it as it is, nil drops it.
//
// GET and HEAD are retried after any transient failure, DELETE never, and all
// else only if nothing was sent: what the call does is not known here.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...ccr.CallOption) error {
	return c.t.Raw(ctx, method, path, in, out, opts)
}

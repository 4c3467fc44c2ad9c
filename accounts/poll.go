package accounts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

// WaitBatch polls the status of a batch until it is final: a BatchPoller with
// its defaults.
func (c *Client) WaitBatch(ctx context.Context, r *Receipt, opts ...ccr.CallOption) (*BatchStatus, error) {
	return c.BatchPoller(r, opts...).Wait(ctx)
}

// BatchPoller returns a poller for a batch; its Wait returns the final status,
// and with an error the last one seen. For many batches at once, give their
// pollers to [ccr.WaitAll]. Polls count against the client's rate limit: with
// many batches, raise the interval.
//
// A state that the SDK does not understand is not final, and no public
// document lists the vendor's words: bound the context, or decide by
// [ccr.Poller.WithDone].
func (c *Client) BatchPoller(r *Receipt, opts ...ccr.CallOption) *ccr.Poller[*BatchStatus] {
	name := ""
	if r != nil {
		name = r.Reference
	}
	return ccr.NewPoller(resumeToken(r), func(ctx context.Context) (ccr.PollState[*BatchStatus], error) {
		s, err := c.BatchStatus(ctx, r, opts...)
		if err != nil {
			return ccr.PollState[*BatchStatus]{}, err
		}
		return ccr.PollState[*BatchStatus]{Value: s, Done: s.Done(), State: safetext.Token(s.Word), RetryAfter: s.RetryAfter}, nil
	}).WithProgress(name, nil)
}

// ResumeBatch makes the poller again whose resume token this is, in any
// process. Where the token points is checked when the batch is polled.
func (c *Client) ResumeBatch(token string, opts ...ccr.CallOption) (*ccr.Poller[*BatchStatus], error) {
	r, err := parseResumeToken(token)
	if err != nil {
		return nil, c.refused(routeStatus, err)
	}
	return c.BatchPoller(r, opts...), nil
}

// resumePrefix names the form of a resume token. The form is stored by users.
const resumePrefix = "ccr-accounts-1."

// resumed is what a resume token holds: no secret, no personal data.
type resumed struct {
	Reference string `json:"reference"`
	StatusURL string `json:"statusUrl,omitempty"`
	Rows      int    `json:"rows,omitempty"`
}

func resumeToken(r *Receipt) string {
	if r == nil {
		return ""
	}
	raw, err := json.Marshal(resumed{r.Reference, r.StatusURL, r.Rows})
	if err != nil {
		return "" // strings and a number can be written
	}
	return resumePrefix + base64.RawURLEncoding.EncodeToString(raw)
}

func parseResumeToken(token string) (*Receipt, error) {
	text, ok := strings.CutPrefix(token, resumePrefix)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var r *resumed
	if !ok || err != nil || json.Unmarshal(raw, &r) != nil || r == nil {
		return nil, errors.New("not a resume token of this package")
	}
	return &Receipt{Reference: r.Reference, StatusURL: r.StatusURL, Rows: r.Rows}, nil
}

package accounts

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const service = "accounts"

// DefaultBaseURL is the published production URL of the sync API. No URL of a
// test environment is published: Credit Clear gives it at onboarding.
const DefaultBaseURL = "https://api.creditclear.com.au/sync"

// Client calls the Credit Clear sync API. It is safe for concurrent use.
type Client struct {
	t        *transport.Client
	inferred inferredLog
}

// NewClient makes a client; it does no I/O. The credential is usually
// [auth.NewClientCredentials] with [auth.EncodingJSON] and the audience that
// Credit Clear gave, or [auth.NewStaticBearer].
//
// Without [ccr.WithLimiter] a client starts at most 20 requests in any 63
// seconds (60 and a margin for requests that arrive late), looks at statuses included and token calls not: the lower of the
// two figures that Credit Clear publishes. Raise it once support has told you
// yours.
func NewClient(cred auth.Credential, opts ...ccr.Option) (*Client, error) {
	if cred == nil {
		return nil, errors.New("accounts: a client needs a credential; see the auth package")
	}
	t, err := transport.New(transport.Config{
		Service: service, DefaultBaseURL: DefaultBaseURL, Credential: cred,
		DefaultLimiter: newLimiter(), ForbiddenMayBeLimit: true, Members: members,
	}, opts...)
	if err != nil {
		return nil, err
	}
	return &Client{t: t}, nil
}

// UpsertAccounts creates or updates accounts (PUT /v1/account). Without an
// error the batch was accepted, not yet processed: see [Receipt].
//
// The call is idempotent by its reference, so every transient failure is
// retried with the same one. That Credit Clear tells repetitions by it is
// documented on the claims page. Inferred.
//
// A batch that may message people (SendInstantMessages) is retried only if
// nothing of it was sent; a lost response is [ccr.ErrOutcomeUnknown].
func (c *Client) UpsertAccounts(ctx context.Context, b AccountBatch, opts ...ccr.CallOption) (*Receipt, error) {
	return c.upsert(ctx, routeAccounts, &b, len(b.Accounts), b.ReferenceID, b.Validate, opts)
}

// ReportPayments tells Credit Clear of payments that were made outside its
// platform (PUT /v1/payment). What a payment looks like on the wire is
// inferred as a whole: see [Payment].
//
// It is retried only if nothing was sent: that a payment reported twice under
// one reference counts once is not documented. A lost response is
// [ccr.ErrOutcomeUnknown].
func (c *Client) ReportPayments(ctx context.Context, b PaymentBatch, opts ...ccr.CallOption) (*Receipt, error) {
	return c.upsert(ctx, routePayments, &b, len(b.Payments), b.ReferenceID, b.Validate, opts)
}

// UpsertClaims creates or updates third-party claims
// (PUT /v1/third-party-insurance). It is idempotent by its reference.
func (c *Client) UpsertClaims(ctx context.Context, b ClaimBatch, opts ...ccr.CallOption) (*Receipt, error) {
	return c.upsert(ctx, routeClaims, &b, len(b.Claims), b.ReferenceID, b.Validate, opts)
}

func (c *Client) upsert(ctx context.Context, route *transport.Route, b interface{ encode(*encoder) }, rows int, reference string, validate func() error, opts []ccr.CallOption) (*Receipt, error) {
	call, err := option.NewCall(opts...)
	if err != nil {
		return nil, c.refused(route, err)
	}
	if err := validate(); err != nil {
		return nil, err
	}
	e := encoder{b: make([]byte, 0, 512*min(rows+1, MaxBatchBytes/512)), limit: MaxBatchBytes}
	b.encode(&e)
	if e.err != nil && !errors.Is(e.err, errTooLong) {
		return nil, c.refused(route, e.err)
	}
	if len(e.b) > MaxBatchBytes {
		var f ccr.Faults
		f.Addf("batch", "encodes to more than %d bytes, which Credit Clear refuses; split it, or use the Submit method", MaxBatchBytes)
		return nil, f.Err(service, route.Operation)
	}
	c.inferred.note(ctx, c.t.Logger(), &e.used)
	r, err := c.send(ctx, route, transport.BytesBody(transport.JSON, e.b), call, Receipt{Reference: reference, Operation: route.Operation, Rows: rows}, sending{messages: mayMessage(b)})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// mayMessage reports whether a batch may message people.
func mayMessage(b any) bool {
	batch, ok := b.(*AccountBatch)
	return ok && (batch.Extra[kindAccountBatch.object().Members[mBatchItems].Name] != nil ||
		slices.ContainsFunc(batch.Accounts, func(a Account) bool { return a.messages() }))
}

// refused is the error of a call that was not made.
func (c *Client) refused(route *transport.Route, err error) error {
	return &ccr.Error{
		Service: service, Operation: route.Operation, Outcome: ccr.OutcomeNotSent,
		Classes: []error{ccr.ErrInvalid}, Err: err,
	}
}

// sending says how a batch is sent.
type sending struct {
	ours     bool // the reference is made of the content: if it was used already, it was for the same content
	messages bool // people may be messaged
}

// send puts a batch and makes its receipt.
func (c *Client) send(ctx context.Context, route *transport.Route, body transport.Body, call transport.Call, r Receipt, how sending) (Receipt, error) {
	var answer ccr.Response
	theirs := call.Response
	call.Response = &answer
	resp, err := c.t.Do(ctx, &transport.Request{Route: route, Body: body, Call: call, Once: how.messages})
	if theirs != nil && answer.StatusCode != 0 {
		*theirs = answer
	}
	if err != nil {
		e, ok := errors.AsType[*ccr.Error](err)
		if !ok || !how.ours || !errors.Is(e, ccr.ErrDuplicate) {
			return r, err
		}
		// The reference is made of the content, and an earlier attempt, whose
		// response was lost (perhaps with the process), has used it: it arrived.
		r.PresumedAccepted = true
	}
	r.AcceptedAt, r.RequestID = time.Now(), answer.RequestID
	h, at := answer.Header, c.routeURL(route)
	if resp != nil {
		h, at = resp.Header, resp.URL
	}
	r.StatusURL = c.location(ctx, h, at)
	return r, nil
}

// routeURL is what a relative Location of a route's answer is relative to.
func (c *Client) routeURL(route *transport.Route) *url.URL {
	return c.t.BaseURL().JoinPath(route.Path)
}

// location returns the absolute status URI of an answer, or nothing.
func (c *Client) location(ctx context.Context, h http.Header, at *url.URL) string {
	v := h.Get("Location")
	if v == "" {
		return ""
	}
	u, err := at.Parse(v)
	if err != nil || u.Host == "" {
		c.t.Logger().LogAttrs(ctx, slog.LevelWarn, "the answer's Location is not a URL; the batch has no status URI", slog.String("service", service))
		return ""
	}
	return u.String()
}

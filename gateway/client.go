package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const service = "gateway"

// DefaultURL is the one URL of the gateway, from its API page. Another one is
// set with [ccr.WithBaseURL], which replaces all of it, path included.
const DefaultURL = "https://api.cleardirectdebit.co.uk/gateway.php"

// Client speaks to the gateway. It is safe for concurrent use and holds
// nothing that must be closed.
type Client struct {
	t      *transport.Client
	secret *credential
}

// credential hides the key and what the secret is made of behind a closure,
// where no printer of a client finds them.
type credential struct {
	reveal  func() (key, secret string, err error)
	account func() string // in the keys of ledger entries
	warning func() string
	warned  atomic.Bool
}

// NewClient makes a client. It does no I/O: the key, if it comes from a file,
// is read at each call.
func NewClient(key auth.APIKey, opts ...ccr.Option) (*Client, error) {
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	secret, err := key.Secret()
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	t, err := transport.New(transport.Config{Service: service, DefaultBaseURL: DefaultURL}, opts...)
	if err != nil {
		return nil, err
	}
	return &Client{t, &credential{
		reveal: func() (string, string, error) {
			k, err := key.Key.Reveal()
			if err != nil {
				return "", "", err
			}
			s, err := secret.Reveal()
			return k, s, err
		},
		account: func() string { return key.Username },
		warning: key.Warning,
	}}, nil
}

// Format hides the client's inside under every verb.
func (c Client) Format(f fmt.State, _ rune) { io.WriteString(f, "gateway.Client") } //nolint:errcheck // fmt.State keeps no errors

// LogValue hides the client's inside from log/slog.
func (c Client) LogValue() slog.Value { return slog.StringValue("gateway.Client") }

// login returns the key and the secret for one call.
func (c *Client) login(ctx context.Context, r *transport.Route) (key, secret string, err error) {
	key, secret, err = c.secret.reveal()
	if err != nil {
		return "", "", &ccr.Error{
			Service: service, Operation: r.Operation, Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrUnauthorized},
			Err: err, Advice: "The API key could not be read",
		}
	}
	if c.secret.warned.CompareAndSwap(false, true) {
		if w := c.secret.warning(); w != "" {
			c.t.Logger().LogAttrs(ctx, slog.LevelWarn, w, slog.String("service", service))
		}
	}
	return key, secret, nil
}

// request is one action on its way.
type request struct {
	route  *transport.Route
	names  []string // of the by-name actions
	plain  bool     // without resultsformat: countReports and listReports, as on the API page
	call   []ccr.CallOption
	body   transport.Body // instead of the one made from the fields above
	events func() fileEvents
	// salvage: the answer holds what exists nowhere else.
	salvage bool
}

// send makes the call and reads the answer: into memory where the answer is
// small by nature, else as it arrives.
func (c *Client) send(ctx context.Context, r request) (*answer, *transport.Response, error) {
	opts, err := option.NewCall(r.call...)
	if err != nil {
		return nil, nil, &ccr.Error{Service: service, Operation: r.route.Operation, Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid}, Err: err}
	}
	if r.body.Open == nil {
		if r.body, err = c.smallBody(ctx, r); err != nil {
			return nil, nil, err
		}
	}
	req := &transport.Request{Route: r.route, Body: r.body, Call: opts, MaxBody: maxMessage}
	var a *answer
	if r.events == nil {
		resp, err := c.t.Do(ctx, req)
		if err != nil {
			return nil, nil, advise(err, r.route)
		}
		if a, err = readAnswer(bytes.NewReader(resp.Body), false, fileEvents{}); err != nil {
			return a, resp, c.unreadable(req, resp, resp.Body, err)
		}
		return a, resp, nil
	}
	var kept *keeper
	var status *transport.Response
	req.Stream = func(resp *transport.Response, body io.Reader) error {
		kept, status = &keeper{r: body}, resp
		var err error
		a, err = readAnswer(kept, r.salvage, r.events())
		return err
	}
	resp, err := c.t.Do(ctx, req)
	if err == nil {
		resp.Body = kept.kept // for an error that is found in the answer
		return a, resp, nil
	}
	if e, ok := errors.AsType[*ccr.Error](err); ok && status != nil && errors.Is(e, ccr.ErrContract) {
		e.StatusCode, e.RequestID = status.StatusCode, status.RequestID
		e.SetAnswer(nil, kept.kept)
		if errors.Is(e.Err, ccr.ErrIncomplete) {
			e.Classes = []error{ccr.ErrIncomplete}
		}
	}
	return a, nil, advise(err, r.route)
}

// unreadable is the error of an answer that is not the JSON it should be.
func (c *Client) unreadable(req *transport.Request, resp *transport.Response, raw []byte, err error) error {
	e := &ccr.Error{
		Service: service, Operation: req.Route.Operation, Route: req.Route.String(), Outcome: ccr.OutcomeUnknown,
		StatusCode: resp.StatusCode, RequestID: resp.RequestID, CorrelationID: req.Call.CorrelationID, Attempts: resp.Attempts,
		Classes: []error{ccr.ErrContract}, Err: err, Advice: "The answer is kept in Body",
	}
	if errors.Is(err, ccr.ErrIncomplete) {
		e.Classes = []error{ccr.ErrIncomplete}
	}
	e.SetAnswer(nil, raw[:min(len(raw), transport.MaxErrorBody)])
	return advise(e, req.Route)
}

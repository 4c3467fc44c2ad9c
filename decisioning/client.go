package decisioning

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const (
	// DefaultBaseURL is the API. Sandbox and production are told apart by the
	// credential, not by the host.
	DefaultBaseURL = "https://api.algoan.com"
	// DefaultTokenURL is where [auth.NewClientCredentials] gets tokens.
	DefaultTokenURL = DefaultBaseURL + tokenPath

	tokenPath = "/v1/oauth/token"
)

const service = "decisioning"

// Client speaks to the Algoan API. It is safe for concurrent use.
type Client struct {
	t         *transport.Client
	ensureSub sync.Mutex // EnsureSubscriptions lists, then creates
}

// NewClient makes a client of the API at [DefaultBaseURL], unless [ccr.WithBaseURL]
// says otherwise. It does no I/O. The credential is one of
// [auth.NewClientCredentials] with the client id and secret of Algoan's
// console; its token endpoint is [DefaultTokenURL].
func NewClient(cred auth.Credential, opts ...ccr.Option) (*Client, error) {
	if cred == nil {
		return nil, errors.New("decisioning: NewClient needs a credential")
	}
	t, err := transport.New(transport.Config{Service: service, DefaultBaseURL: DefaultBaseURL, Credential: cred, Members: members}, opts...)
	if err != nil {
		return nil, err
	}
	return &Client{t: t}, nil
}

// members are those of the requests, by which paths in refusals are shown.
func members() map[string]string {
	return transport.MembersOf(reflect.TypeFor[NewCustomer](), reflect.TypeFor[CustomerUpdate](), reflect.TypeFor[AnalysisInput](),
		reflect.TypeFor[AnalysisUpdate](), reflect.TypeFor[NewSubscription]())
}

// do makes one call. in is what is sent, or nil.
func (c *Client) do(ctx context.Context, r *transport.Route, args []string, query string, in any, opts []ccr.CallOption) (*transport.Request, *transport.Response, error) {
	call, err := option.NewCall(opts...)
	if err != nil {
		return nil, nil, err
	}
	req := &transport.Request{Route: r, PathArgs: args, Query: query, Call: call}
	if in != nil {
		b, err := encodeRequest(in)
		if err != nil {
			return nil, nil, refused(r, err)
		}
		req.Body = transport.BytesBody(transport.JSON, b)
	}
	resp, err := c.t.Do(ctx, req)
	return req, resp, err
}

// call makes one call and reads its response.
func call[T any](ctx context.Context, c *Client, r *transport.Route, in any, opts []ccr.CallOption, args ...string) (*T, error) {
	req, resp, err := c.do(ctx, r, args, "", in, opts)
	if err != nil {
		return nil, err
	}
	return parse[T](ctx, c, req, resp)
}

// parse reads a response. An object that has an id must be given one.
func parse[T any](ctx context.Context, c *Client, req *transport.Request, resp *transport.Response) (*T, error) {
	v := new(T)
	if err := c.read(ctx, req, resp, resp.Body, v); err != nil {
		return nil, err
	}
	if o, ok := any(v).(interface{ checkResponse() error }); ok {
		if err := o.checkResponse(); err != nil {
			return nil, c.bad(req, resp, err)
		}
	}
	return v, nil
}

var errNoID = errors.New("the response has no id")

func requireID(id string) error {
	if id == "" {
		return errNoID
	}
	return nil
}

func (v *Customer) checkResponse() error     { return requireID(v.ID) }
func (v *Analysis) checkResponse() error     { return requireID(v.ID) }
func (v *Subscription) checkResponse() error { return requireID(v.ID) }

// bounded applies a timeout among the options to a method that makes several
// calls: it is meant for the whole.
func bounded(ctx context.Context, opts []ccr.CallOption) (context.Context, context.CancelFunc, error) {
	call, err := option.NewCall(opts...)
	if err != nil || call.Timeout == 0 {
		return ctx, func() {}, err
	}
	ctx, cancel := context.WithTimeout(ctx, call.Timeout)
	return ctx, cancel, nil
}

// read decodes an answer, or a part of one. Members of an unexpected type are
// in Extra; their paths are logged, since nobody looks for them there.
func (c *Client) read(ctx context.Context, req *transport.Request, resp *transport.Response, b []byte, into any) error {
	odd, err := decodeLenient(b, into)
	if err != nil {
		return c.bad(req, resp, err)
	}
	if len(odd) > 0 {
		c.t.Logger().LogAttrs(ctx, slog.LevelWarn, "members of an unexpected type",
			slog.String("service", service), slog.String("operation", req.Route.Operation),
			slog.Any("paths", odd[:min(len(odd), 10)]), slog.Int("count", len(odd)))
	}
	return nil
}

// bad is the error of a success that breaks the contract; err quotes nothing.
func (c *Client) bad(req *transport.Request, resp *transport.Response, err error) error {
	e := c.t.BadAnswer(req, resp, err)
	e.Err = err
	return e
}

var errNoStatus = errors.New("the response has no status")

// refused is the error of a request that cannot be written.
func refused(r *transport.Route, err error) error {
	e := &ccr.Error{
		Service: service, Operation: r.Operation, Route: r.String(),
		Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid}, Err: err,
	}
	if w, ok := errors.AsType[*codecError](err); ok {
		e.Err, e.Fields = nil, []ccr.FieldError{{Path: w.path, Message: w.what}}
	}
	return e
}

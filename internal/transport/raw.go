package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

// RawBody makes a request body of what a raw call is given: nothing, bytes that
// are JSON already (json.RawMessage, []byte), or a value to encode.
func RawBody(in any) (Body, error) {
	switch in := in.(type) {
	case nil:
		return Body{}, nil
	case []byte:
		return BytesBody(JSON, in), nil
	case json.RawMessage:
		return BytesBody(JSON, in), nil
	}
	return JSONBody(in)
}

// ReadRaw reads a success of a raw call into out: nil drops it, a *[]byte takes
// it as it is, anything else is decoded. An empty body changes nothing.
func (c *Client) ReadRaw(req *Request, resp *Response, out any) error {
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = bytes.Clone(resp.Body)
		return nil
	}
	if len(bytes.TrimSpace(resp.Body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		return c.BadAnswer(req, resp, err)
	}
	return nil
}

// Raw makes a call that no route describes: GET and HEAD are idempotent, DELETE
// is destructive, all else is sent again only if nothing was sent. path is
// below the base URL and may have a query; neither is shown.
func (c *Client) Raw(ctx context.Context, method, path string, in, out any, opts []ccr.CallOption) error {
	const operation = "Do"
	var f ccr.Faults
	route := &Route{Operation: operation, Method: method, Path: "/{path}", Class: UnsentOnly}
	switch method {
	case http.MethodGet, http.MethodHead:
		route.Class = Idempotent
	case http.MethodDelete:
		route.Class = Destructive
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		f.Add("method", "is not one of GET, HEAD, POST, PUT, PATCH and DELETE")
	}
	u, err := url.Parse(path)
	if err != nil || !strings.HasPrefix(path, "/") || u.Host != "" || u.Fragment != "" ||
		slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }) {
		f.Add("path", "must begin with / and lead to a place below the base URL")
	}
	call, optErr := option.NewCall(opts...)
	body, bodyErr := RawBody(in)
	if bodyErr != nil {
		f.Add("in", "cannot be written as JSON")
	}
	if err := f.Err(c.cfg.Service, operation); err != nil {
		return err
	}
	if optErr != nil {
		return &ccr.Error{Service: c.cfg.Service, Operation: operation, Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid}, Err: optErr}
	}
	at := *c.base
	at.Path, at.RawPath, at.RawQuery = c.base.Path+u.Path, "", u.RawQuery
	if u.RawPath != "" {
		at.RawPath = c.base.EscapedPath() + u.RawPath
	}
	req := &Request{Route: route, URL: &at, Body: body, Call: call}
	resp, err := c.Do(ctx, req)
	if err != nil {
		return err
	}
	return c.ReadRaw(req, resp, out)
}

package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/ccr-sdk/ccr"
)

// JSON media type, exactly as Credit Clear (415) and ClearDebit want it.
const JSON = "application/json"

// JSONBody encodes v once; it is sent with its length on every attempt.
func JSONBody(v any) (Body, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return Body{}, err
	}
	return BytesBody(JSON, bytes.TrimRight(b.Bytes(), "\n")), nil
}

// Get sends a request and decodes the JSON of its answer into a T.
func Get[T any](ctx context.Context, c *Client, req *Request) (T, *Response, error) {
	var v T
	resp, err := c.Do(ctx, req)
	if err != nil {
		return v, nil, err
	}
	if err := json.Unmarshal(resp.Body, &v); err != nil {
		return v, resp, c.BadAnswer(req, resp, err)
	}
	return v, resp, nil
}

// BadAnswer is the error of a success that could not be understood. The
// vendor has acted on the request, but what it said of it is lost.
func (c *Client) BadAnswer(req *Request, resp *Response, err error) *ccr.Error {
	e := &ccr.Error{
		Service: c.cfg.Service, Operation: req.Route.Operation, Route: req.Route.String(),
		Outcome: ccr.OutcomeUnknown, StatusCode: resp.StatusCode, RequestID: resp.RequestID,
		CorrelationID: req.Call.CorrelationID, Attempts: resp.Attempts,
		EarlierUnknown: resp.EarlierUnknown, Classes: []error{ccr.ErrContract}, Err: SafeJSONError(err),
		Advice: "The vendor took the request; its answer is kept in Body",
	}
	e.SetAnswer(nil, bytes.Clone(resp.Body[:min(len(resp.Body), MaxErrorBody)]))
	return e
}

// SafeJSONError describes an error of encoding/json without the value that
// caused it.
func SafeJSONError(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		what := "the JSON"
		if path := safePath(e.Field); path != "" {
			what = fmt.Sprintf("JSON member %q", path)
		}
		return hideCause(fmt.Sprintf("%s has an unexpected type at byte %d (want %s)", what, e.Offset, jsonType(e.Type)), err)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return hideCause(fmt.Sprintf("not valid JSON at byte %d", e.Offset), err)
	}
	return hideCause("not the expected JSON", err)
}

// jsonType names a Go type as its JSON would be, where its own name is long.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return t.String()
}

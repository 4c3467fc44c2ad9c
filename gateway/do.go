package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// Do makes a call of an action that this package has no method for, or in
// another way, with the client's credential, errors and redaction. in is a JSON
// object, or a value that encodes to one: its members go beside apikey, secret
// and action, which cannot be replaced. The response is decoded into out; a
// *[]byte takes it as it is, nil drops it. An answer that says no is an error
// with a [RefusedError], and is in out all the same.
//
// It is retried only if nothing was sent; an action that the API page names as
// download or downloadByName archives what it returns, and is never.
func (c *Client) Do(ctx context.Context, action string, in, out any, opts ...ccr.CallOption) error {
	r := request{route: &transport.Route{Operation: "Do", Method: http.MethodPost, Class: transport.UnsentOnly, Success: ok}, call: opts}
	if action == "download" || action == "downloadByName" {
		r.route.Class = transport.Destructive
	}
	members, err := checkDo(action, in)
	if err != nil {
		return err
	}
	call, err := option.NewCall(opts...)
	if err != nil {
		return &ccr.Error{Service: service, Operation: r.route.Operation, Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid}, Err: err}
	}
	key, secret, err := c.login(ctx, r.route)
	if err != nil {
		return err
	}
	m := []member{{"apikey", key}, {"secret", secret}, {"action", action}}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		m = append(m, member{name, members[name]})
	}
	b, err := head(m)
	if err != nil {
		return err
	}
	req := &transport.Request{Route: r.route, Body: transport.BytesBody(transport.JSON, append(b, '}')), Call: call}
	resp, err := c.t.Do(ctx, req)
	if err != nil {
		return err
	}
	err = c.t.ReadRaw(req, resp, out)
	if a, unreadable := readAnswer(bytes.NewReader(resp.Body), false, fileEvents{}); unreadable == nil {
		if no := a.refused(); no != nil {
			return r.refusal(ccr.OutcomeRejected, resp, no)
		}
	}
	return err
}

// checkDo returns the members of the request.
func checkDo(action string, in any) (map[string]json.RawMessage, error) {
	var f ccr.Faults
	if action == "" || safetext.Token(action) == "" {
		f.Add("action", "must be a word")
	}
	members, err := membersOf(in)
	if err != nil {
		f.Add("in", "must be a JSON object")
	}
	for _, name := range []string{"apikey", "secret", "action"} {
		if _, ok := members[name]; ok {
			f.Add("in."+name, "cannot be replaced")
		}
	}
	return members, f.Err(service, "Do")
}

// membersOf are the members of an object.
func membersOf(in any) (map[string]json.RawMessage, error) {
	body, err := transport.RawBody(in)
	if err != nil || body.Open == nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body.Content, &m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errors.New("not an object")
	}
	return m, nil
}

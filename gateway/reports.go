package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ccr-sdk/ccr"
)

// CountReports returns how many reports wait to be fetched.
func (c *Client) CountReports(ctx context.Context, opts ...ccr.CallOption) (int, error) {
	r := request{route: routeCountReports, plain: true, call: opts}
	a, resp, err := c.send(ctx, r)
	if err != nil {
		return 0, err
	}
	if no := a.refused(); no != nil {
		return 0, r.refusal(ccr.OutcomeRejected, resp, no)
	}
	n, ok := a.count()
	if !ok {
		e := r.contract(ccr.OutcomeRejected, resp, errors.New("no numReports in the answer"))
		e.Classes = append(e.Classes, classesOf(a.text)...)
		return 0, e
	}
	return n, nil
}

// ListReports returns the names of the reports that wait to be fetched.
//
// How the gateway separates several names is not documented. Quoted names,
// separators and arrays are understood; the number of names is checked against
// the gateway's own count, and a difference is an error with a [ListError].
func (c *Client) ListReports(ctx context.Context, opts ...ccr.CallOption) ([]string, error) {
	r := request{route: routeListReports, plain: true, call: opts}
	a, resp, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	if no := a.refused(); no != nil {
		return nil, r.refusal(ccr.OutcomeRejected, resp, no)
	}
	names, listErr := a.names()
	if listErr == nil {
		return names, nil
	}
	e := r.contract(ccr.OutcomeRejected, resp, listErr)
	if listErr.Count < 0 {
		e.Classes = append(e.Classes, classesOf(a.text)...)
	}
	return nil, e
}

// Archived is what the gateway said to [Client.ArchiveByName]. Its answer is
// not documented: Rows are what could be read of it.
type Archived struct {
	Rows []Row     // one for each name, as far as they could be read
	Raw  RawAnswer // the whole answer
}

// ArchiveByName archives reports: the gateway does not hand them out again,
// and no way to get them back is documented. Archive only what is safely
// stored; [Client.Receive] does that by itself.
//
// The call is repeated after transient failures, since archiving a report
// twice is taken to be harmless (inferred).
func (c *Client) ArchiveByName(ctx context.Context, names []string, opts ...ccr.CallOption) (*Archived, error) {
	r := request{route: routeArchiveByName, names: names, call: opts}
	if err := r.checkNames(); err != nil {
		return nil, err
	}
	a, resp, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &Archived{Rows: a.rows, Raw: resp.Body}
	no := a.refused()
	if no == nil {
		return out, nil
	}
	outcome := ccr.OutcomeRejected
	if slices.ContainsFunc(a.rows, Row.OK) {
		outcome = ccr.OutcomeUnknown // some were archived
	}
	e := r.refusal(outcome, resp, no)
	for i, name := range names {
		if row, ok := a.row(name); ok && !row.OK() {
			e.Fields = append(e.Fields, ccr.FieldError{Path: fmt.Sprintf("names[%d]", i), Message: "refused by the gateway"})
		}
	}
	return out, advise(e, r.route)
}

// checkNames refuses what no by-name action can mean.
func (r request) checkNames() error {
	var f ccr.Faults
	if len(r.names) == 0 {
		f.Add("names", "must not be empty")
	}
	seen := make(map[string]bool, len(r.names))
	for i, name := range r.names {
		path := fmt.Sprintf("names[%d]", i)
		switch {
		case name == "":
			f.Add(path, "must not be empty")
		case len(name) > maxFileName:
			f.Addf(path, "must not be longer than %d bytes", maxFileName)
		case seen[name]:
			f.Add(path, "appears twice")
		}
		seen[name] = true
	}
	return f.Err(service, r.route.Operation)
}

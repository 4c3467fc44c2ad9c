package decisioning

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-querystring/query"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// ListOptions adjusts a list; its zero value is all of it, in Algoan's order.
// The page to start with and reading ahead are set on the [ccr.Pages] that a
// list returns.
type ListOptions struct {
	// PageSize is the number of items of a page. 0: Algoan's default, 200. At
	// least 1,000 is accepted where a connector was seen to ask for it.
	PageSize int
	// Filter keeps what a query in MongoDB's style selects, such as
	// map[string]any{"status": "COMPLETED"}; sent as JSON. Algoan documents
	// only customIdentifier of customers.
	Filter any
	// Sort orders the list, such as map[string]int{"createdAt": -1}, and
	// Project chooses members, such as map[string]int{"id": 1}; sent as JSON.
	// Known from Algoan's published server components. Inferred.
	Sort, Project any
	// Query adds parameters that this package does not know, such as lowIndex
	// and highIndex of [Client.Events] in Algoan's SDK.
	Query map[string]string
}

// listQuery is the query of a list; page counts from 1.
type listQuery struct {
	Limit   int    `url:"limit,omitempty"`
	Page    int    `url:"page,omitempty"`
	Filter  string `url:"filter,omitempty"`
	Sort    string `url:"sort,omitempty"`
	Project string `url:"project,omitempty"`
}

// values is the query without its page, all faults of the options at once.
func (o ListOptions) values(operation string) (url.Values, error) {
	var f ccr.Faults
	if o.PageSize < 0 {
		f.Add("pageSize", "must not be negative")
	}
	text := func(path string, v any) string {
		if v == nil {
			return ""
		}
		b, err := compactJSON(v)
		if err != nil {
			f.Add(path, "cannot be written as JSON")
		}
		return string(b)
	}
	values, err := query.Values(listQuery{
		Limit: o.PageSize, Filter: text("filter", o.Filter), Sort: text("sort", o.Sort), Project: text("project", o.Project),
	})
	if err != nil {
		f.Add("query", "cannot be written")
	}
	for name, value := range o.Query {
		switch name {
		case "", "limit", "page", "filter", "sort", "project":
			f.Add("query", "names a parameter that has a field of its own")
		}
		values.Set(name, value)
	}
	return values, f.Err(service, operation)
}

// envelope is how Algoan wraps a page.
type envelope[T any] struct {
	Resources  []T            `json:"resources"`
	Pagination jsontext.Value `json:"pagination"`
}

// pagination of a page. Its links are not followed: they are built without
// escaping filter, sort and project, so the next page is asked for by number.
type pagination struct {
	Next           jsontext.Value `json:"next"`
	TotalPages     *int           `json:"totalPages"`
	TotalResources *int           `json:"totalResources"`
}

var errNotAPage = errors.New("the answer is neither a page with resources nor an array")

// list makes a list of a route. Faulty options are reported when it is read.
func list[T any](c *Client, r *transport.Route, args []string, o ListOptions, opts []ccr.CallOption) *ccr.Pages[T] {
	values, bad := o.values(r.Operation)
	seed := maphash.MakeSeed()
	return ccr.NewPages(func(ctx context.Context, number int) (ccr.Page[T], error) {
		if bad != nil {
			return ccr.Page[T]{}, bad
		}
		q := maps.Clone(values)
		if number > 1 {
			q.Set("page", strconv.Itoa(number))
		}
		req, resp, err := c.do(ctx, r, args, q.Encode(), nil, opts)
		if err != nil {
			return ccr.Page[T]{}, err
		}
		page, pagination, err := readPage[T](ctx, c, req, resp, number)
		if err != nil {
			return ccr.Page[T]{}, err
		}
		if len(page.Items) > 0 { // what must differ from page to page, whatever the pagination says
			page.Fingerprint = strconv.FormatUint(maphash.Bytes(seed, bytes.Replace(resp.Body, pagination, nil, 1)), 36)
		}
		return page, nil
	})
}

func readPage[T any](ctx context.Context, c *Client, req *transport.Request, resp *transport.Response, number int) (ccr.Page[T], jsontext.Value, error) {
	page := ccr.Page[T]{Number: number, TotalPages: -1, TotalItems: -1}
	if body := bytes.TrimLeft(resp.Body, " \t\r\n"); len(body) > 0 && body[0] == '[' {
		err := c.read(ctx, req, resp, body, &page.Items)
		page.TotalPages, page.TotalItems = 1, len(page.Items)
		return page, nil, err
	}
	var e envelope[T]
	if err := c.read(ctx, req, resp, resp.Body, &e); err != nil {
		return page, nil, err
	}
	if e.Resources == nil {
		return page, nil, c.bad(req, resp, errNotAPage)
	}
	page.Items = e.Resources
	var p pagination
	if len(e.Pagination) > 0 {
		if err := c.read(ctx, req, resp, e.Pagination, &p); err != nil {
			return page, nil, err
		}
	}
	if p.TotalResources != nil {
		page.TotalItems = max(*p.TotalResources, -1)
	}
	switch {
	case p.TotalPages != nil:
		page.TotalPages = max(*p.TotalPages, -1)
	case p.Next.Kind() == jsontext.KindNull: // the last page, by its missing link
		page.TotalPages = number
	}
	if len(page.Items) > 0 && page.TotalPages < number {
		page.TotalPages = -1 // a count that this very page belies is none
	}
	return page, e.Pagination, nil
}

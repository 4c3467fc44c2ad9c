package decisioning

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"strconv"

	"github.com/google/go-querystring/query"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning/internal/wire"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// ListOption adjusts a list. The page to start with and reading ahead are set
// on the [ccr.Pages] that a list returns.
type ListOption func(*listConfig) error

type listConfig struct {
	query listQuery
	more  map[string]string
	calls []ccr.CallOption
}

// listQuery is the query of a list; page counts from 1.
type listQuery struct {
	Limit   int    `url:"limit,omitempty"`
	Page    int    `url:"page,omitempty"`
	Filter  string `url:"filter,omitempty"`
	Sort    string `url:"sort,omitempty"`
	Project string `url:"project,omitempty"`
}

// PageSize sets the number of items of a page. Algoan's default is 200, and at
// least 1,000 is taken where a connector was seen to ask for it.
func PageSize(n int) ListOption {
	return func(c *listConfig) error {
		if n < 1 {
			return errors.New("decisioning: a page has at least one item")
		}
		c.query.Limit = n
		return nil
	}
}

// ByCustomIdentifier keeps the customer with your own identifier.
func ByCustomIdentifier(id string) ListOption {
	return Filter(map[string]string{"customIdentifier": id})
}

// Filter keeps what a query in MongoDB's style selects, such as
// map[string]any{"status": "COMPLETED"}; it is sent as JSON. Algoan documents
// only customIdentifier.
func Filter(v any) ListOption { return jsonOption(v, func(q *listQuery) *string { return &q.Filter }) }

// Sort orders a list, such as map[string]int{"createdAt": -1}; sent as JSON.
// Known from Algoan's published server components, not from its documentation.
func Sort(v any) ListOption { return jsonOption(v, func(q *listQuery) *string { return &q.Sort }) }

// Project chooses members, such as map[string]int{"id": 1}; sent as JSON.
// Known from Algoan's published server components, not from its documentation.
func Project(v any) ListOption {
	return jsonOption(v, func(q *listQuery) *string { return &q.Project })
}

// Parameter adds a parameter that this package does not know to the query, such
// as lowIndex and highIndex of [Client.Events] in Algoan's SDK.
func Parameter(name, value string) ListOption {
	return func(c *listConfig) error {
		switch name {
		case "", "limit", "page", "filter", "sort", "project":
			return errors.New("decisioning: that query parameter has an option of its own")
		}
		if c.more == nil {
			c.more = map[string]string{}
		}
		c.more[name] = value
		return nil
	}
}

func jsonOption(v any, field func(*listQuery) *string) ListOption {
	return func(c *listConfig) error {
		b, err := compactJSON(v)
		if err != nil {
			return errors.New("decisioning: a filter, sort or project cannot be written as JSON")
		}
		*field(&c.query) = string(b)
		return nil
	}
}

func compactJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// CallsWith applies call options to the request of every page.
func CallsWith(opts ...ccr.CallOption) ListOption {
	return func(c *listConfig) error {
		c.calls = append(c.calls, opts...)
		return nil
	}
}

// envelope is how Algoan wraps a page.
type envelope[T any] struct {
	Resources  []T            `json:"resources,omitzero"`
	Pagination *pagination    `json:"pagination,omitzero"`
	Extra      map[string]any `json:"-"`
}

// pagination of a page. Its links are not followed: they are built without
// escaping filter, sort and project, so the next page is asked for by number.
type pagination struct {
	Next           *string        `json:"next,omitzero"`
	TotalPages     *int           `json:"totalPages,omitzero"`
	TotalResources *int           `json:"totalResources,omitzero"`
	Extra          map[string]any `json:"-"`
}

var errNotAPage = errors.New("the answer is neither a page with resources nor an array")

// list makes a list of a route. Faulty options are reported when it is read.
func list[T any](c *Client, r *transport.Route, args []string, opts []ListOption) *ccr.Pages[T] {
	var cfg listConfig
	var errs []error
	for _, o := range opts {
		if o == nil {
			errs = append(errs, errors.New("decisioning: a nil list option"))
			continue
		}
		if err := o(&cfg); err != nil {
			errs = append(errs, err)
		}
	}
	bad := errors.Join(errs...)
	seed := maphash.MakeSeed()
	return ccr.NewPages(func(ctx context.Context, number int) (ccr.Page[T], error) {
		if bad != nil {
			return ccr.Page[T]{}, refused(r, bad)
		}
		q := cfg.query
		if number > 1 {
			q.Page = number
		}
		values, err := query.Values(q)
		if err != nil {
			return ccr.Page[T]{}, refused(r, errors.New("the query cannot be written"))
		}
		for name, value := range cfg.more {
			values.Set(name, value)
		}
		req, resp, err := c.do(ctx, r, args, values.Encode(), nil, cfg.calls)
		if err != nil {
			return ccr.Page[T]{}, err
		}
		page, err := readPage[T](ctx, c, req, resp, number)
		if err != nil {
			return ccr.Page[T]{}, err
		}
		if len(page.Items) > 0 {
			page.Mark = strconv.FormatUint(maphash.Bytes(seed, resources(resp.Body)), 36)
		}
		return page, nil
	})
}

// resources returns the part of a page that must differ from page to page.
func resources(body []byte) []byte {
	raw, n, err := wire.Member(body, "resources")
	if err != nil || n != 1 {
		return body
	}
	return raw
}

func readPage[T any](ctx context.Context, c *Client, req *transport.Request, resp *transport.Response, number int) (ccr.Page[T], error) {
	page := ccr.Page[T]{Number: number, TotalPages: -1, TotalItems: -1}
	body := bytes.TrimLeft(resp.Body, " \t\r\n")
	if len(body) > 0 && body[0] == '[' {
		err := c.read(ctx, req, resp, body, &page.Items)
		page.TotalPages, page.TotalItems = 1, len(page.Items)
		return page, err
	}
	var e envelope[T]
	if err := c.read(ctx, req, resp, body, &e); err != nil {
		return page, err
	}
	if e.Resources == nil {
		return page, c.bad(req, resp, errNotAPage)
	}
	page.Items = e.Resources
	if p := e.Pagination; p != nil {
		if p.TotalResources != nil {
			page.TotalItems = max(*p.TotalResources, -1)
		}
		switch _, nullNext := p.Extra["next"]; {
		case p.TotalPages != nil:
			page.TotalPages = max(*p.TotalPages, -1)
		case nullNext: // the last page, by its missing link
			page.TotalPages = number
		}
		if len(page.Items) > 0 && page.TotalPages < number {
			page.TotalPages = -1 // a count that this very page belies is none
		}
	}
	return page, nil
}

package decisioning

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// Validate reports every fault of a request, without sending it.
func (n NewCustomer) Validate() error { return n.faults().Err(service, "CreateCustomer") }

func (n NewCustomer) faults() *ccr.Faults {
	var f ccr.Faults
	if _, given := n.Extra["customIdentifier"]; n.CustomIdentifier == "" && !given {
		f.Add("customIdentifier", "is required")
	}
	return &f
}

// CreateCustomer creates a customer. A customIdentifier that is taken is
// refused by Algoan with 422: an error of class [ccr.ErrInvalid], and of
// [ccr.ErrDuplicate] if Algoan's code says so. See [Client.EnsureCustomer].
func (c *Client) CreateCustomer(ctx context.Context, n NewCustomer, opts ...ccr.CallOption) (*Customer, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	r := post("CreateCustomer", customersPath, http.StatusCreated)
	req, resp, err := c.do(ctx, r, nil, "", &n, opts)
	if e, ok := errors.AsType[*ccr.Error](err); ok && e.StatusCode == http.StatusUnprocessableEntity && e.Code == "ALREADY_EXISTS" {
		e.Classes = append(slices.Clip(e.Classes), ccr.ErrDuplicate)
	}
	if err != nil {
		return nil, err
	}
	return c.customer(ctx, req, resp)
}

// customer reads an answer that is a customer.
func (c *Client) customer(ctx context.Context, req *transport.Request, resp *transport.Response) (*Customer, error) {
	v := new(Customer)
	if err := c.read(ctx, req, resp, resp.Body, v); err != nil {
		return nil, err
	}
	if v.ID == "" {
		return nil, c.bad(req, resp, errNoID)
	}
	return v, nil
}

// Customer returns a customer by Algoan's id.
func (c *Client) Customer(ctx context.Context, customerID string, opts ...ccr.CallOption) (*Customer, error) {
	req, resp, err := c.do(ctx, get("Customer", customerPath), []string{customerID}, "", nil, opts)
	if err != nil {
		return nil, err
	}
	return c.customer(ctx, req, resp)
}

// Customers lists customers.
func (c *Client) Customers(o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Customer] {
	return list[Customer](c, get("Customers", customersPath), nil, o, opts)
}

// UpdateCustomer changes the members that are set and returns the customer.
func (c *Client) UpdateCustomer(ctx context.Context, customerID string, u CustomerUpdate, opts ...ccr.CallOption) (*Customer, error) {
	req, resp, err := c.do(ctx, patch("UpdateCustomer", customerPath), []string{customerID}, "", &u, opts)
	if err != nil {
		return nil, err
	}
	return c.customer(ctx, req, resp)
}

// DeleteCustomer deletes a customer. If an attempt got no answer and the next
// one finds nobody to delete, the customer is taken to be deleted.
func (c *Client) DeleteCustomer(ctx context.Context, customerID string, opts ...ccr.CallOption) error {
	r := route("DeleteCustomer", http.MethodDelete, customerPath, transport.Idempotent, http.StatusOK, http.StatusNoContent)
	_, _, err := c.do(ctx, r, []string{customerID}, "", nil, opts)
	if e, ok := errors.AsType[*ccr.Error](err); ok && e.EarlierUnknown && errors.Is(e, ccr.ErrNotFound) {
		return nil
	}
	return err
}

var errNoSuchCustomer = errors.New("no customer has this customIdentifier")

// FindCustomer returns the customer with your own identifier, or an error of
// class [ccr.ErrNotFound].
func (c *Client) FindCustomer(ctx context.Context, customIdentifier string, opts ...ccr.CallOption) (*Customer, error) {
	const operation = "FindCustomer"
	if customIdentifier == "" {
		var f ccr.Faults
		f.Add("customIdentifier", "is required")
		return nil, f.Err(service, operation)
	}
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	for page, err := range list[Customer](c, get(operation, customersPath), nil, ListOptions{Filter: map[string]string{"customIdentifier": customIdentifier}}, opts).ByPage(ctx) {
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			if page.Items[i].CustomIdentifier == customIdentifier {
				return &page.Items[i], nil
			}
		}
		if len(page.Items) > 0 {
			// Reading on could mean reading every customer there is.
			return nil, &ccr.Error{
				Service: service, Operation: operation, Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrContract},
				Err:    errors.New("the list was not filtered by customIdentifier"),
				Advice: "Range over Customers and compare, or keep Algoan's customer ids",
			}
		}
	}
	return nil, &ccr.Error{
		Service: service, Operation: operation, Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrNotFound}, Err: errNoSuchCustomer,
	}
}

const (
	ensureTries = 3
	ensurePause = 250 * time.Millisecond
)

// EnsureCustomer creates a customer, or returns the existing one of the same
// CustomIdentifier as it is: its details are not changed. Any number of callers
// may do so at once; all get the same customer. If a create is sent and no
// answer comes, the customer is looked up, and created again only if it is not
// there, which Algoan refuses should the first one have arrived after all.
func (c *Client) EnsureCustomer(ctx context.Context, n NewCustomer, opts ...ccr.CallOption) (*Customer, error) {
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var last error
	for try := range ensureTries {
		if try > 0 { // a lookup may lag behind a create
			select {
			case <-ctx.Done():
				return nil, last
			case <-time.After(ensurePause << try):
			}
		}
		made, err := c.CreateCustomer(ctx, n, opts...)
		if err == nil {
			return made, nil
		}
		e, ok := errors.AsType[*ccr.Error](err)
		if !ok || n.CustomIdentifier == "" || !mayExist(e) {
			return nil, err
		}
		last = err
		found, findErr := c.FindCustomer(ctx, n.CustomIdentifier, opts...)
		switch {
		case findErr == nil:
			return found, nil
		case !errors.Is(findErr, ccr.ErrNotFound):
			return nil, fmt.Errorf("%w; looking the customer up: %w", err, findErr)
		case e.Outcome != ccr.OutcomeUnknown && !errors.Is(e, ccr.ErrDuplicate):
			return nil, err // 422 for another reason
		}
	}
	return nil, last
}

// mayExist reports whether the customer may be there after a failed create.
func mayExist(e *ccr.Error) bool {
	return e.Outcome == ccr.OutcomeUnknown || e.StatusCode == http.StatusUnprocessableEntity ||
		errors.Is(e, ccr.ErrDuplicate) || strings.Contains(e.Code, "EXIST")
}

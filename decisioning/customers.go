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
// refused by Algoan with 422, whose code is not documented: after any 422 the
// customer is looked up, and the error is of class [ccr.ErrDuplicate] if it
// exists. See [Client.EnsureCustomer].
func (c *Client) CreateCustomer(ctx context.Context, n NewCustomer, opts ...ccr.CallOption) (*Customer, error) {
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	made, err := c.createCustomer(ctx, n, opts)
	e, ok := errors.AsType[*ccr.Error](err)
	if ok && e.StatusCode == http.StatusUnprocessableEntity && n.CustomIdentifier != "" {
		if _, findErr := c.FindCustomer(ctx, n.CustomIdentifier, opts...); findErr == nil {
			return nil, duplicate(e)
		}
	}
	return made, err
}

func (c *Client) createCustomer(ctx context.Context, n NewCustomer, opts []ccr.CallOption) (*Customer, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	return call[Customer](ctx, c, routeCreateCustomer, &n, opts)
}

func duplicate(e *ccr.Error) *ccr.Error {
	e.Classes = append(slices.Clip(e.Classes), ccr.ErrDuplicate)
	return e
}

// Customer returns a customer by Algoan's id.
func (c *Client) Customer(ctx context.Context, customerID string, opts ...ccr.CallOption) (*Customer, error) {
	return call[Customer](ctx, c, routeCustomer, nil, opts, customerID)
}

// Customers lists customers.
func (c *Client) Customers(o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Customer] {
	return list[Customer](c, routeCustomers, nil, o, opts)
}

// UpdateCustomer changes the members that are set and returns the customer.
func (c *Client) UpdateCustomer(ctx context.Context, customerID string, u CustomerUpdate, opts ...ccr.CallOption) (*Customer, error) {
	return call[Customer](ctx, c, routeUpdateCustomer, &u, opts, customerID)
}

// DeleteCustomer deletes a customer. As a destructive call it is never retried:
// after a lost response, [Client.Customer] tells whether the customer is gone.
func (c *Client) DeleteCustomer(ctx context.Context, customerID string, opts ...ccr.CallOption) error {
	_, _, err := c.do(ctx, routeDeleteCustomer, []string{customerID}, "", nil, opts)
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
	for page, err := range list[Customer](c, routeFindCustomer, nil, ListOptions{Filter: map[string]string{"customIdentifier": customIdentifier}}, opts).ByPage(ctx) {
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
		made, err := c.createCustomer(ctx, n, opts)
		e, ok := errors.AsType[*ccr.Error](err)
		if !ok || n.CustomIdentifier == "" || !mayExist(e) {
			return made, err
		}
		last = err
		found, findErr := c.FindCustomer(ctx, n.CustomIdentifier, opts...)
		switch {
		case findErr == nil:
			return found, nil
		case !errors.Is(findErr, ccr.ErrNotFound) && e.Outcome != ccr.OutcomeUnknown:
			return nil, findErr // what the create was refused for is not known before that
		case !errors.Is(findErr, ccr.ErrNotFound):
			return nil, fmt.Errorf("%w; looking the customer up: %w", err, findErr)
		case e.Outcome != ccr.OutcomeUnknown && !strings.Contains(e.Code, "EXIST"):
			return nil, err // 422 for another reason
		}
	}
	return nil, last
}

// mayExist reports whether the customer may exist after a failed create.
func mayExist(e *ccr.Error) bool {
	return e.Outcome == ccr.OutcomeUnknown || e.StatusCode == http.StatusUnprocessableEntity || strings.Contains(e.Code, "EXIST")
}

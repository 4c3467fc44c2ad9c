package decisioning

import (
	"context"
	"strconv"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// Subscriptions returns the subscriptions of the project, of the given events
// or of all. Algoan answers a bare array; pages are read, too.
func (c *Client) Subscriptions(ctx context.Context, events []EventName, opts ...ccr.CallOption) ([]Subscription, error) {
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var o ListOptions
	if len(events) > 0 {
		o.Filter = map[string]any{"eventName": map[string]any{"$in": events}}
	}
	var all []Subscription
	for s, err := range list[Subscription](c, routeSubscriptions, nil, o, opts).All(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// CreateSubscription subscribes to one event. Algoan is not known to refuse a
// second subscription of the same event and target, which would deliver
// everything twice: see [Client.EnsureSubscriptions].
func (c *Client) CreateSubscription(ctx context.Context, n NewSubscription, opts ...ccr.CallOption) (*Subscription, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	return call[Subscription](ctx, c, routeCreateSubscription, &n, opts)
}

// statusUpdate is the body that changes a status.
type statusUpdate struct {
	Status string `json:"status"`
}

func (c *Client) setStatus(ctx context.Context, r *transport.Route, args []string, status string, opts []ccr.CallOption) error {
	var f ccr.Faults
	required(&f, "status", status != "")
	if err := f.Err(service, r.Operation); err != nil {
		return err
	}
	_, _, err := c.do(ctx, r, args, "", &statusUpdate{Status: status}, opts)
	return err
}

// UpdateSubscription sets the status of a subscription.
func (c *Client) UpdateSubscription(ctx context.Context, subscriptionID string, status SubscriptionStatus, opts ...ccr.CallOption) error {
	return c.setStatus(ctx, routeUpdateSubscription, []string{subscriptionID}, string(status), opts)
}

// EnsureSubscriptions creates those of the wanted subscriptions that are
// missing, and returns all wanted ones in their order. One of the same event
// and target is not made again, whatever its status: to switch one on that
// somebody has switched off is left to you. A client does this one call at a
// time; two programs that start at once may both find one missing.
func (c *Client) EnsureSubscriptions(ctx context.Context, wanted []NewSubscription, opts ...ccr.CallOption) ([]Subscription, error) {
	var f ccr.Faults
	for i, n := range wanted {
		n.check(&f, "wanted["+strconv.Itoa(i)+"].")
	}
	if err := f.Err(service, "EnsureSubscriptions"); err != nil {
		return nil, err
	}
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	c.ensureSub.Lock()
	defer c.ensureSub.Unlock()
	// All are listed, not by filter: a filter that is not understood as meant
	// would make duplicates.
	have, err := c.Subscriptions(ctx, nil, opts...)
	if err != nil {
		return nil, err
	}
	type key struct {
		event  EventName
		target string
	}
	known := make(map[key]Subscription, len(have))
	for _, s := range have {
		k := key{s.EventName, s.Target}
		if old, ok := known[k]; !ok || old.Status != SubscriptionActive && s.Status == SubscriptionActive {
			known[k] = s
		}
	}
	out := make([]Subscription, 0, len(wanted))
	for _, n := range wanted {
		k := key{n.EventName, n.Target}
		s, ok := known[k]
		if !ok {
			made, err := c.CreateSubscription(ctx, n, opts...)
			if err != nil {
				return out, err
			}
			s = *made
			known[k] = s
		}
		out = append(out, s)
	}
	return out, nil
}

// Events lists the events of a subscription. Known from Algoan's own SDK only,
// where it belongs to an older version of the API.
func (c *Client) Events(subscriptionID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[SubscriptionEvent] {
	return list[SubscriptionEvent](c, routeEvents, []string{subscriptionID}, o, opts)
}

// UpdateEvent tells Algoan what became of an event. [WebhookHandler] does so
// by itself.
func (c *Client) UpdateEvent(ctx context.Context, subscriptionID, eventID string, status EventStatus, opts ...ccr.CallOption) error {
	return c.setStatus(ctx, routeUpdateEvent, []string{subscriptionID, eventID}, string(status), opts)
}

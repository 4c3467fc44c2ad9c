package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/outbox"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// claim claims the files and stores the intents; files that the ledger knows
// as sent drop out. The order is that of the names, so that of two calls with
// the same files one gets all.
func (u *upload) claim(ctx context.Context) error {
	u.claims = make([]*outbox.Claim, len(u.req.Files))
	order := make([]int, len(u.req.Files))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(u.result.Files[a].Name, u.result.Files[b].Name) })
	for _, i := range order {
		p := u.c.params(u.req.Ledger, u.result.Files[i])
		p.AllowSameContent = u.req.AllowSameContent
		claim, err := outbox.Begin(ctx, p)
		if err != nil {
			return joined(err, u.release(ctx))
		}
		u.claims[i] = claim
	}
	for i, claim := range u.claims {
		out := &u.result.Files[i]
		if e, ok := claim.Recorded(); ok {
			out.State, out.Row = AcceptedBefore, Row{File: e.FileName(), Status: e.Attributes["status"]}
			u.notify(i, out.Size, true)
			continue
		}
		before, err := intro(len(u.sending) == 0, out.Name)
		if err != nil {
			return joined(unsent(err), u.release(ctx))
		}
		u.sending = append(u.sending, &outgoing{file: u.req.Files[i], size: out.Size, sha256: out.SHA256, intro: before})
		u.index = append(u.index, i)
	}
	return nil
}

// params are those of a file in the ledger.
func (c *Client) params(l ccr.Ledger, f UploadedFile) outbox.Params {
	return outbox.Params{
		Ledger: l, Lease: c.t.Lease(), Operation: routeUpload.Operation, Service: service, Environment: c.t.Environment(),
		Account: c.secret.account(), Name: f.Name, SHA256: f.SHA256, Size: f.Size, Advice: adviceUpload,
	}
}

// release gives the claims back: nothing was sent.
func (u *upload) release(ctx context.Context) (errs []error) {
	for _, c := range u.claims {
		if c == nil {
			continue
		}
		if err := c.Refused(ctx, nil); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// held returns a context that ends before any of the claims does, and whose
// requests ask right before their first byte whether all of them still hold.
func (u *upload) held(ctx context.Context) (context.Context, context.CancelFunc) {
	check := func() error {
		for _, i := range u.index {
			if err := u.claims[i].Check(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	sending, stops := transport.WithBefore(ctx, check), make([]context.CancelFunc, len(u.index))
	for n, i := range u.index {
		sending, stops[n] = u.claims[i].Context(sending)
	}
	return sending, func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// joined adds further errors to one, which stays itself if there are none.
func joined(err error, more []error) error {
	if len(more) == 0 {
		return err
	}
	return errors.Join(append([]error{err}, more...)...)
}

// record ends the claims and the progress.
func (u *upload) record(ctx context.Context) (errs []error) {
	if u.recorded {
		return nil
	}
	u.recorded = true
	for _, i := range u.index {
		f, claim := u.result.Files[i], u.claims[i]
		var err error
		switch f.State {
		case Accepted:
			err = claim.Sent(ctx, map[string]string{"status": f.Row.Status})
		case Refused, NotSent:
			err = claim.Refused(ctx, nil)
		default:
			err = claim.Unknown(ctx)
		}
		if err != nil {
			errs = append(errs, err)
		}
		u.notify(i, f.Size, true)
	}
	return errs
}

// SettleOptions say which upload is settled, and how.
type SettleOptions struct {
	Ledger  ccr.Ledger // the one that the upload used
	File    ccr.File   // of the same name and content as uploaded
	Arrived bool       // whether the bureau has the file
}

// SettleUpload tells the ledger what became of an upload of unknown outcome,
// once you know. A file that did not arrive may then be sent again. The same
// answer twice is fine; one that contradicts a recorded result is refused, one
// for an upload that a live worker is at is [ccr.ErrClaimed].
func (c *Client) SettleUpload(ctx context.Context, o SettleOptions, opts ...ccr.CallOption) error {
	const op = "SettleUpload"
	call, err := option.NewCall(opts...)
	if err != nil {
		return &ccr.Error{Service: service, Operation: op, Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid}, Err: err}
	}
	if call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, call.Timeout)
		defer cancel()
	}
	sum, size, err := o.File.SHA256(ctx)
	if err != nil {
		err = &ccr.Error{Service: service, Operation: op, Err: err}
	} else {
		p := c.params(o.Ledger, UploadedFile{Name: o.File.Name(), Size: size, SHA256: hex.EncodeToString(sum[:])})
		p.Operation = op
		err = outbox.Settle(ctx, p, o.Arrived)
	}
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		e.CorrelationID = call.CorrelationID
	}
	return err
}

package sftp

import (
	"context"
	"fmt"
	"reflect"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

// call applies the options of one call: a timeout and a correlation id. What
// speaks of HTTP is refused by name.
func call(ctx context.Context, op string, opts []ccr.CallOption) (_ context.Context, cancel context.CancelFunc, id string, err error) {
	if len(opts) == 0 {
		return ctx, func() {}, "", nil
	}
	o, err := option.NewCall(opts...)
	if err == nil {
		v := reflect.ValueOf(o)
		for i := range v.NumField() {
			switch name := v.Type().Field(i).Name; {
			case name == "CorrelationID", name == "Timeout", v.Field(i).IsZero():
			case name == "Response":
				err = fmt.Errorf("the option CaptureResponse is for HTTP: SFTP has no response")
			case name == "Retry":
				err = fmt.Errorf("the option WithCallRetry is for HTTP: Config.Retry holds for SFTP")
			default:
				err = fmt.Errorf("the option With%s is for HTTP", name)
			}
		}
	}
	if err != nil {
		return nil, nil, "", &ccr.Error{
			Service: serviceName, Operation: op, Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid},
			CorrelationID: o.CorrelationID, Err: err, Advice: "Leave it out: on sftp there are WithTimeout and WithCorrelationID",
		}
	}
	if o.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, o.Timeout)
		return ctx, cancel, o.CorrelationID, nil
	}
	return ctx, func() {}, o.CorrelationID, nil
}

package decisioning

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// ErrAnalysisFailed is what every [*AnalysisError] is, for errors.Is.
var ErrAnalysisFailed = errors.New("the analysis ended without a result")

// AnalysisError is an analysis that ended in ERROR. It is an [*ccr.Error], too
// (errors.As), with the same code and outcome rejected.
type AnalysisError struct {
	CustomerID string // as the wait was asked for
	AnalysisID string // of the one that failed
	// Code is Algoan's; "" if it gave none. The set is open: see [Failure].
	Code string

	analysis *Analysis
	err      *ccr.Error
}

// NewAnalysisError makes the error of an analysis that ended in ERROR. Programs
// need it only for test doubles.
func NewAnalysisError(customerID string, a *Analysis) *AnalysisError {
	e := &AnalysisError{CustomerID: customerID, AnalysisID: a.ID, analysis: a}
	if a.Error != nil {
		e.Code = a.Error.Code
	}
	e.err = &ccr.Error{
		Service: service, Operation: "WaitAnalysis", Route: routeWaitAnalysis.String(), Outcome: ccr.OutcomeRejected,
		Code: e.Code, Err: ErrAnalysisFailed,
		Advice: "Message says what Algoan objects to; a new analysis with other data is needed",
	}
	return e
}

// Message is Algoan's own text. It may hold personal data, so that it is not
// part of Error.
func (e *AnalysisError) Message() string {
	if e.analysis == nil || e.analysis.Error == nil {
		return ""
	}
	return e.analysis.Error.Message
}

// Analysis returns the analysis as it ended.
func (e *AnalysisError) Analysis() *Analysis { return e.analysis }

// Error is one line with Algoan's code, safe to log.
func (e *AnalysisError) Error() string { return e.line() }

func (e AnalysisError) line() string {
	if e.err == nil {
		e.err = &ccr.Error{Service: service, Operation: "WaitAnalysis", Code: e.Code, Err: ErrAnalysisFailed}
	}
	return e.err.Error()
}

// Unwrap returns the [*ccr.Error] and, through it, [ErrAnalysisFailed].
func (e *AnalysisError) Unwrap() error {
	if e.err == nil {
		return ErrAnalysisFailed
	}
	return e.err
}

// Format prints the safe line under every verb.
func (e AnalysisError) Format(f fmt.State, _ rune) { io.WriteString(f, e.line()) } //nolint:errcheck // fmt.State keeps no errors

// LogValue gives log/slog the safe line.
func (e AnalysisError) LogValue() slog.Value { return slog.StringValue(e.line()) }

// WaitAnalysis polls until the analysis is COMPLETED and returns it with its
// scores and insights. If it ends in ERROR, it is returned together with an
// [*AnalysisError]. It polls at once, after 2 s, then ever more slowly, up to
// every 30 s; an analysis that never ends is waited for until ctx does. For another
// rhythm, progress or a resume token see [Client.AnalysisPoller]; to be
// notified instead of polling, see [WebhookHandler].
func (c *Client) WaitAnalysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Analysis, error) {
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	a, err := c.AnalysisPoller(customerID, analysisID, opts...).Wait(ctx)
	return a, waited(err)
}

// waited says what the end of a context while waiting means.
func waited(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*ccr.Error](err); ok {
		return err
	}
	return &ccr.Error{
		Service: service, Operation: "WaitAnalysis", Err: err,
		Advice: "The analysis goes on; wait for it again, here or elsewhere (ResumeAnalysis)",
	}
}

// AnalysisPoller waits for an analysis as [Client.WaitAnalysis] does, with a
// rhythm and progress of your own. The options are those of each poll. Its resume token holds the two ids; another
// process resumes with [Client.ResumeAnalysis].
func (c *Client) AnalysisPoller(customerID, analysisID string, opts ...ccr.CallOption) *ccr.Poller[*Analysis] {
	token := url.PathEscape(customerID) + "/" + url.PathEscape(analysisID)
	return ccr.NewPoller(token, func(ctx context.Context) (ccr.PollState[*Analysis], error) {
		var s ccr.PollState[*Analysis]
		req, resp, err := c.do(ctx, routeWaitAnalysis, []string{customerID, analysisID}, "", nil, opts)
		if err != nil {
			return s, err
		}
		a, err := parse[Analysis](ctx, c, req, resp)
		if err != nil {
			return s, err
		}
		s.Value, s.State, s.RetryAfter = a, string(a.Status), resp.RetryAfter
		switch a.Status {
		case "":
			return s, c.bad(req, resp, errNoStatus)
		case StatusCompleted:
			s.Done = true
		case StatusError, "FAILED": // no FAILED is documented, but a webhook is named analysis_failed
			s.Done, s.Err = true, NewAnalysisError(customerID, a)
		}
		return s, nil
	})
}

// ResumeAnalysis makes a poller from the resume token of another one.
func (c *Client) ResumeAnalysis(token string, opts ...ccr.CallOption) (*ccr.Poller[*Analysis], error) {
	customer, analysis, ok := strings.Cut(token, "/")
	customerID, err1 := url.PathUnescape(customer)
	analysisID, err2 := url.PathUnescape(analysis)
	if !ok || err1 != nil || err2 != nil || customerID == "" || analysisID == "" || strings.Contains(analysis, "/") {
		var f ccr.Faults
		f.Add("token", "is not the resume token of an analysis")
		return nil, f.Err(service, "ResumeAnalysis")
	}
	return c.AnalysisPoller(customerID, analysisID, opts...), nil
}

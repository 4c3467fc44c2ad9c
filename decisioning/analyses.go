package decisioning

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning/internal/wire"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// AnalysisInput is what an analysis is made of. With neither Accounts nor raw
// data it is created empty and waits for [Client.UpdateAnalysis].
type AnalysisInput struct {
	// Accounts in Algoan's own format, with their transactions.
	Accounts []Account `json:"accounts,omitzero"`
	// RawAccounts in an aggregator's format, instead of Accounts: with
	// FormatTinkV2.
	RawAccounts []json.RawMessage `json:"-"`
	// Format of RawAccounts or Connections; unset with Accounts.
	Format Format `json:"format,omitzero"`
	// Connections in an aggregator's format: the Powens and Linxo ones.
	Connections []json.RawMessage   `json:"connections,omitzero"`
	DataOrigin  DataOrigin          `json:"dataOrigin,omitzero"` // where the data is from; "": not sent
	Parameters  *AnalysisParameters `json:"parameters,omitzero"` // nil: all results
	// Skip names preconditions that are not checked before sending. They
	// concern Accounts; raw data is not looked into.
	Skip  []Precondition `json:"-"`
	Extra map[string]any `json:"-"` // added to the request; wins over a field of the same name
}

// MarshalJSON writes the body of "create an analysis".
func (in AnalysisInput) MarshalJSON() ([]byte, error) {
	b := in.body()
	return wire.Marshal(&b)
}

// UnmarshalJSON reads the body of "create an analysis", such as a profile
// file: see [ReadProfile].
func (in *AnalysisInput) UnmarshalJSON(b []byte) error {
	_, err := in.read(b)
	return err
}

// analysisBody is the body of a create, without the methods of AnalysisInput.
type analysisBody AnalysisInput

func (in AnalysisInput) body() analysisBody {
	if in.RawAccounts != nil {
		in.Extra = with(in.Extra, "accounts", in.RawAccounts)
	}
	return analysisBody(in)
}

// with adds a member to Extra, unless the caller gave it.
func with(extra map[string]any, name string, v any) map[string]any {
	if _, given := extra[name]; given {
		return extra
	}
	out := maps.Clone(extra)
	if out == nil {
		out = map[string]any{}
	}
	out[name] = v
	return out
}

// read decodes a body; accounts are raw if a format is named.
func (in *AnalysisInput) read(b []byte) (odd []string, err error) {
	format, _, err := wire.Member(b, "format")
	if err != nil {
		return nil, err
	}
	var body analysisBody
	if len(format) == 0 || string(format) == "null" || string(format) == `""` {
		odd, err = wire.Unmarshal(b, &body)
		*in = AnalysisInput(body)
		return odd, err
	}
	var raw struct {
		Accounts    []json.RawMessage   `json:"accounts,omitzero"`
		Format      Format              `json:"format,omitzero"`
		Connections []json.RawMessage   `json:"connections,omitzero"`
		DataOrigin  DataOrigin          `json:"dataOrigin,omitzero"`
		Parameters  *AnalysisParameters `json:"parameters,omitzero"`
		Extra       map[string]any      `json:"-"`
	}
	odd, err = wire.Unmarshal(b, &raw)
	*in = AnalysisInput{
		RawAccounts: raw.Accounts, Format: raw.Format, Connections: raw.Connections,
		DataOrigin: raw.DataOrigin, Parameters: raw.Parameters, Extra: raw.Extra,
	}
	return odd, err
}

// CreateAnalysis starts an analysis; Algoan answers 202 with it, and computes.
// The preconditions that Algoan documents are checked first, all faults at
// once: see [AnalysisInput.Validate].
func (c *Client) CreateAnalysis(ctx context.Context, customerID string, in AnalysisInput, opts ...ccr.CallOption) (*Analysis, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	body := in.body()
	req, resp, err := c.do(ctx, post("CreateAnalysis", analysesPath, http.StatusAccepted), []string{customerID}, "", &body, opts)
	if err != nil {
		return nil, err
	}
	return c.analysis(ctx, req, resp)
}

// analysis reads an answer that is an analysis.
func (c *Client) analysis(ctx context.Context, req *transport.Request, resp *transport.Response) (*Analysis, error) {
	v := new(Analysis)
	if err := c.read(ctx, req, resp, resp.Body, v); err != nil {
		return nil, err
	}
	if v.ID == "" {
		return nil, c.bad(req, resp, errNoID)
	}
	return v, nil
}

// Analysis returns an analysis as it is now.
func (c *Client) Analysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Analysis, error) {
	req, resp, err := c.do(ctx, get("Analysis", analysisPath), []string{customerID, analysisID}, "", nil, opts)
	if err != nil {
		return nil, err
	}
	return c.analysis(ctx, req, resp)
}

// Analyses lists a customer's analyses. Their order is not documented.
func (c *Client) Analyses(customerID string, opts ...ListOption) *ccr.Pages[Analysis] {
	return list[Analysis](c, get("Analyses", analysesPath), []string{customerID}, opts)
}

// UpdateAnalysis uploads data into an analysis that was created empty, or
// reports that there will be none (StatusError with a Failure). Repeating the
// same update is safe, so it is retried like a read; should Algoan refuse the
// repetition of an update whose first answer was lost, the error's
// EarlierUnknown is set.
func (c *Client) UpdateAnalysis(ctx context.Context, customerID, analysisID string, u AnalysisUpdate, opts ...ccr.CallOption) (*Analysis, error) {
	if err := u.Validate(); err != nil {
		return nil, err
	}
	body := u.body()
	req, resp, err := c.do(ctx, patch("UpdateAnalysis", analysisPath), []string{customerID, analysisID}, "", &body, opts)
	if err != nil {
		return nil, err
	}
	return c.analysis(ctx, req, resp)
}

package decisioning

import (
	"context"
	"maps"

	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// AnalysisInput is what an analysis is made of. With neither Accounts nor raw
// data it is created empty and waits for [Client.UpdateAnalysis].
type AnalysisInput struct {
	// Accounts in Algoan's own format, with their transactions.
	Accounts []Account `json:"accounts,omitzero"`
	// RawAccounts in an aggregator's format, instead of Accounts: with
	// FormatTinkV2.
	RawAccounts []jsontext.Value `json:"-"`
	// Format of RawAccounts or Connections; unset with Accounts.
	Format Format `json:"format,omitzero"`
	// Connections in an aggregator's format: the Powens and Linxo ones.
	Connections []jsontext.Value    `json:"connections,omitzero"`
	DataOrigin  DataOrigin          `json:"dataOrigin,omitzero"` // where the data is from; "": not sent
	Parameters  *AnalysisParameters `json:"parameters,omitzero"` // nil: all results
	// Skip names preconditions that are not checked before sending. They
	// concern Accounts; raw data is not looked into.
	Skip  []Precondition            `json:"-"`
	Extra map[string]jsontext.Value `json:",embed"` // added to the request; wins over a field of the same name
}

// UnmarshalJSON reads the body of "create an analysis", such as a profile
// file: see [ReadProfile].
func (in *AnalysisInput) UnmarshalJSON(b []byte) error {
	_, err := in.read(b)
	return err
}

// MarshalJSONTo writes the fields that are set and Extra; RawAccounts are the
// member accounts.
func (in *AnalysisInput) MarshalJSONTo(e *jsontext.Encoder) error {
	type bare AnalysisInput
	b := bare(*in)
	if b.RawAccounts != nil {
		b.Extra = withAccounts(b.Extra, b.RawAccounts)
	}
	return encodeObject(e, &b, b.Extra)
}

// withAccounts adds raw accounts to Extra, unless the caller gave others there.
func withAccounts(extra map[string]jsontext.Value, raw []jsontext.Value) map[string]jsontext.Value {
	array := jsontext.Value("[")
	for i, r := range raw {
		if i > 0 {
			array = append(array, ',')
		}
		array = append(array, r...)
	}
	out := map[string]jsontext.Value{"accounts": append(array, ']')}
	maps.Copy(out, extra)
	return out
}

// read decodes a body; accounts are raw if a format is named.
func (in *AnalysisInput) read(b []byte) (odd []string, err error) {
	var head struct {
		Format jsontext.Value `json:"format"`
	}
	if err := decode(b, &head); err != nil {
		return nil, err
	}
	if f := string(head.Format); f == "" || f == "null" || f == `""` {
		return decodeLenient(b, in)
	}
	var raw struct {
		Accounts    []jsontext.Value          `json:"accounts,omitzero"`
		Format      Format                    `json:"format,omitzero"`
		Connections []jsontext.Value          `json:"connections,omitzero"`
		DataOrigin  DataOrigin                `json:"dataOrigin,omitzero"`
		Parameters  *AnalysisParameters       `json:"parameters,omitzero"`
		Extra       map[string]jsontext.Value `json:",embed"`
	}
	odd, err = decodeLenient(b, &raw)
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
	return call[Analysis](ctx, c, routeCreateAnalysis, &in, opts, customerID)
}

// Analysis returns an analysis as it is now.
func (c *Client) Analysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Analysis, error) {
	return call[Analysis](ctx, c, routeAnalysis, nil, opts, customerID, analysisID)
}

// Analyses lists a customer's analyses. Their order is not documented.
func (c *Client) Analyses(customerID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Analysis] {
	return list[Analysis](c, routeAnalyses, []string{customerID}, o, opts)
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
	return call[Analysis](ctx, c, routeUpdateAnalysis, &u, opts, customerID, analysisID)
}

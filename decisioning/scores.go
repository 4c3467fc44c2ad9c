package decisioning

import "github.com/go-json-experiment/json/jsontext"

// Scores rates a customer. Which members exist depends on the products of the
// project. Business projects have other pillars, whose names Algoan does not
// publish: they are found in Extra.
type Scores struct {
	CreditScore  *CreditScore              `json:"creditScore,omitzero"`  // consumer credit
	PaymentScore *PaymentScore             `json:"paymentScore,omitzero"` // payment in instalments
	Extra        map[string]jsontext.Value `json:",embed"`                // every other member: see "Unknown members"
}

// CreditScore looks at 90 days.
type CreditScore struct {
	Version    string                    `json:"version,omitzero"`    // of the model. Inferred.
	Value      float64                   `json:"value,omitzero"`      // 0 (risky) to 1000 (safe)
	Indicators *ScoreIndicators          `json:"indicators,omitzero"` // nil if the project has none
	Extra      map[string]jsontext.Value `json:",embed"`              // every other member: see "Unknown members"
}

// ScoreIndicators are the pillars of a credit score, each from -5 to +5; 0 is
// average.
type ScoreIndicators struct {
	// nil if the project does not have the pillar.
	LivingStandard     *float64                  `json:"livingStandard,omitzero"`
	BudgetManagement   *float64                  `json:"budgetManagement,omitzero"`
	FinancialEvolution *float64                  `json:"financialEvolution,omitzero"`
	Extra              map[string]jsontext.Value `json:",embed"` // every other member: see "Unknown members"
}

// PaymentScore looks at 90 days.
type PaymentScore struct {
	Version string                    `json:"version,omitzero"` // of the model; "1.0.0" in Algoan's sample
	Value   float64                   `json:"value,omitzero"`   // 1 (risky) to 10 (safe)
	Extra   map[string]jsontext.Value `json:",embed"`           // every other member: see "Unknown members"
}

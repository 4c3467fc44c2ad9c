package decisioningtest

import (
	_ "embed" // the figures
	"encoding/json"
	"slices"
	"strings"
)

// The codes of an analysis that cannot be made. Those of Algoan's engine are
// not published; these name the situations that its sample profiles stand for.
const (
	CodeAccountTypeNotSupported = "ACCOUNT_TYPE_NOT_SUPPORTED" // no account is of a known type
	CodeNoCheckingAccount       = "NO_CHECKING_ACCOUNT"        // none is CHECKING
	CodeCurrencyNotSupported    = "CURRENCY_NOT_SUPPORTED"     // not EUR throughout, nor GBP throughout
	CodeOwnershipNotSupported   = "OWNERSHIP_NOT_SUPPORTED"    // every CHECKING account is an attorney's
	CodeUsageNotSupported       = "USAGE_NOT_SUPPORTED"        // every CHECKING account is professional
	CodeNotEnoughTransactions   = "NOT_ENOUGH_TRANSACTIONS"    // no usable CHECKING account has 20
	CodeBadRequest              = "BAD_REQUEST"                // data that cannot be read
)

// Outcome is what an analysis ends in.
type Outcome struct {
	// Code and Message are the failure of an analysis that ends in ERROR; with
	// an empty Code it is COMPLETED.
	Code, Message string
	// Scores and CreditInsights are the documents of a completed one.
	Scores, CreditInsights json.RawMessage
}

// figures are made up: those of a steady and of a risky profile, and scores
// for each of the three markets.
//
//go:embed figures.json
var figures []byte

// input is what the sandbox reads of the body that brings the data.
type input struct {
	Format      string            `json:"format"`
	Accounts    []json.RawMessage `json:"accounts"`
	Connections []json.RawMessage `json:"connections"`
}

// inputAccount is what it reads of an account in Algoan's own format.
type inputAccount struct {
	Type, Usage, Ownership, Currency, IBAN, Country string
	Bank                                            struct{ Country string }
	Transactions                                    []struct{ Currency, Description string }
}

// Sandbox ends an analysis as the sandbox does: in ERROR with the first code
// that applies, else COMPLETED with fixed figures. They differ by market (ES
// or GB where an account's country, bank or IBAN says so, GB for pounds, else
// FR), and are those of a risky profile if a description tells of gambling, a
// rejected payment or a seizure. body is that of the create or the PATCH; with
// business, professional accounts are analysed, too. Raw data of a known format
// is not looked into.
func Sandbox(body []byte, business bool) Outcome {
	var in input
	if err := json.Unmarshal(body, &in); err != nil {
		return Outcome{Code: CodeBadRequest, Message: "The data cannot be read"}
	}
	if in.Format != "" {
		if !slices.Contains([]string{"BUDGET_INSIGHT_V2_0", "LINXO_CONNECT_DIRECT_ACCOUNT_API_V3", "LINXO_CONNECT_ACCOUNT_API_V2", "TINK_V2"}, in.Format) {
			return Outcome{Code: CodeBadRequest, Message: "The format is not known"}
		}
		return completed("FR", "good")
	}
	accounts := make([]inputAccount, len(in.Accounts))
	for i, raw := range in.Accounts {
		if err := json.Unmarshal(raw, &accounts[i]); err != nil {
			return Outcome{Code: CodeBadRequest, Message: "An account cannot be read"}
		}
	}
	if code, message := refusal(accounts, business); code != "" {
		return Outcome{Code: code, Message: message}
	}
	return completed(market(accounts), risk(accounts))
}

// refusal is why no analysis can be made of accounts, if none can.
func refusal(accounts []inputAccount, business bool) (code, message string) {
	left := accounts
	for _, step := range []struct {
		code, message string
		keep          func(a *inputAccount) bool
	}{
		{CodeAccountTypeNotSupported, "No account has a supported type", func(a *inputAccount) bool {
			return slices.Contains([]string{"CHECKING", "SAVINGS", "LOAN", "CREDIT_CARD"}, a.Type)
		}},
		{CodeNoCheckingAccount, "There is no checking account", func(a *inputAccount) bool { return a.Type == "CHECKING" }},
		{CodeCurrencyNotSupported, "The currency is not supported", func(*inputAccount) bool { return oneCurrency(accounts) }},
		{CodeOwnershipNotSupported, "The customer owns none of the accounts", func(a *inputAccount) bool {
			return a.Ownership != "ATTORNEY" && a.Ownership != "OTHER"
		}},
		{CodeUsageNotSupported, "The accounts are professional", func(a *inputAccount) bool { return business || a.Usage != "PROFESSIONAL" }},
		{CodeNotEnoughTransactions, "There are not enough transactions", func(a *inputAccount) bool { return len(a.Transactions) >= 20 }},
	} {
		left = slices.DeleteFunc(slices.Clone(left), func(a inputAccount) bool { return !step.keep(&a) })
		if len(left) == 0 {
			return step.code, step.message
		}
	}
	return "", ""
}

func oneCurrency(accounts []inputAccount) bool {
	currency := accounts[0].Currency
	for _, a := range accounts {
		if a.Currency != currency {
			return false
		}
		for _, t := range a.Transactions {
			if t.Currency != currency {
				return false
			}
		}
	}
	return currency == "EUR" || currency == "GBP"
}

func market(accounts []inputAccount) string {
	for _, a := range accounts {
		for _, at := range []string{a.Country, a.Bank.Country, a.IBAN} {
			if strings.HasPrefix(at, "ES") || strings.HasPrefix(at, "GB") {
				return at[:2]
			}
		}
	}
	if accounts[0].Currency == "GBP" {
		return "GB"
	}
	return "FR"
}

func risk(accounts []inputAccount) string {
	words := []string{"REJET", "IMPAYE", "SAISIE", "UNPAID", "POKER", "BETTING", "SKY BET", "CASINO", "LOTTERY", "WINAMAX", "DEVOLUCION", "EMBARGO", "APUESTA"}
	for _, a := range accounts {
		for _, t := range a.Transactions {
			description := strings.ToUpper(t.Description)
			if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(description, w) }) {
				return "risky"
			}
		}
	}
	return "good"
}

// completed reads the figures of a market.
func completed(market, risk string) Outcome {
	var all map[string]json.RawMessage
	var scores map[string]map[string][2]json.Number
	var of struct {
		Indicators json.RawMessage `json:"indicators"`
		Insights   json.RawMessage `json:"insights"`
	}
	for _, err := range []error{json.Unmarshal(figures, &all), json.Unmarshal(all["scores"], &scores), json.Unmarshal(all[risk], &of)} {
		if err != nil {
			return Outcome{Code: "INTERNAL_ERROR", Message: err.Error()}
		}
	}
	s := scores[market][risk]
	return Outcome{CreditInsights: of.Insights, Scores: json.RawMessage(`{"creditScore":{"version":"figures-1","value":` + s[0].String() +
		`,"indicators":` + string(of.Indicators) + `},"paymentScore":{"version":"figures-1","value":` + s[1].String() + `}}`)}
}

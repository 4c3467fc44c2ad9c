package decisioningtest

import (
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// fromRaw reads what the rules need out of aggregators' formats; ok is false
// for one that they do not know or cannot read.
func fromRaw(in decisioning.AnalysisInput) (accounts []decisioning.Account, ok bool) {
	read := map[decisioning.Format]func(jsontext.Value) (decisioning.Account, error){
		decisioning.FormatBudgetInsightV2: fromPowens,
		decisioning.FormatLinxoDirectV3:   fromLinxo,
	}[in.Format]
	if read == nil {
		return nil, false
	}
	for _, raw := range in.Connections {
		var c struct {
			Accounts []jsontext.Value `json:"accounts"`
		}
		if json.Unmarshal(raw, &c) != nil {
			return nil, false
		}
		for _, raw := range c.Accounts {
			a, err := read(raw)
			if err != nil {
				return nil, false
			}
			accounts = append(accounts, a)
		}
	}
	return accounts, true
}

func accountType(s string) decisioning.AccountType {
	switch strings.ToLower(s) {
	case "checking", "cash_account":
		return decisioning.AccountChecking
	case "savings", "livret_a", "saving_account":
		return decisioning.AccountSavings
	case "loan":
		return decisioning.AccountLoan
	case "card":
		return decisioning.AccountCreditCard
	}
	return decisioning.AccountUnknown
}

func usage(s string) decisioning.Usage {
	if s == "PRIV" || s == "PRIVATE" {
		return decisioning.UsagePersonal
	}
	return decisioning.UsageProfessional
}

func fromPowens(raw jsontext.Value) (decisioning.Account, error) {
	var p struct {
		Balance    ccr.Amount   `json:"balance"`
		LastUpdate ccr.DateTime `json:"last_update"`
		IBAN       string       `json:"iban"`
		Currency   struct {
			ID string `json:"id"`
		} `json:"currency"`
		Type         string `json:"type"`
		Usage        string `json:"usage"`
		Transactions []struct {
			Date     ccr.DateTime `json:"date"`
			Currency string       `json:"currency"`
			Value    ccr.Amount   `json:"value"`
			Wording  string       `json:"original_wording"`
		} `json:"transactions"`
	}
	err := json.Unmarshal(raw, &p)
	a := decisioning.Account{
		Balance: p.Balance, BalanceDate: p.LastUpdate, IBAN: p.IBAN, Currency: p.Currency.ID,
		Type: accountType(p.Type), Usage: usage(p.Usage),
	}
	for _, t := range p.Transactions {
		a.Transactions = append(a.Transactions, decisioning.Transaction{
			Amount: t.Value, Currency: t.Currency, Description: t.Wording, Dates: decisioning.TransactionDates{DebitedAt: t.Date},
		})
	}
	return a, err
}

func fromLinxo(raw jsontext.Value) (decisioning.Account, error) {
	type money struct {
		Currency string     `json:"currency"`
		Amount   ccr.Amount `json:"amount"`
	}
	var l struct {
		IBAN     string `json:"iban"`
		Currency string `json:"currency"`
		Type     string `json:"type"`
		Usage    string `json:"usage"`
		Balances []struct {
			Amount money        `json:"balance_amount"`
			Date   ccr.DateTime `json:"reference_date"`
		} `json:"balances"`
		Transactions []struct {
			Amount money        `json:"transaction_amount"`
			Date   ccr.DateTime `json:"booking_date"`
			Labels []string     `json:"remittance_information"`
		} `json:"transactions"`
	}
	err := json.Unmarshal(raw, &l)
	a := decisioning.Account{IBAN: l.IBAN, Currency: l.Currency, Type: accountType(l.Type), Usage: usage(l.Usage)}
	if len(l.Balances) > 0 {
		a.Balance, a.BalanceDate = l.Balances[0].Amount.Amount, l.Balances[0].Date
	}
	for _, t := range l.Transactions {
		a.Transactions = append(a.Transactions, decisioning.Transaction{
			Amount: t.Amount.Amount, Currency: t.Amount.Currency, Description: strings.Join(t.Labels, " "),
			Dates: decisioning.TransactionDates{BookedAt: t.Date},
		})
	}
	return a, err
}

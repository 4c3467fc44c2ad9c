package bacs

// Account is a bank account as a report names it. It is personal data: it
// prints and logs as "an account". Fields that a report does not have are
// empty; all are trimmed of padding.
type Account struct {
	SortCode   string `json:"sortCode,omitempty"`   // six digits; as written (and a fault) if it is none
	Number     string `json:"number,omitempty"`     // of the account; eight digits in the reports seen
	Name       string `json:"name,omitempty"`       // of the account holder
	Reference  string `json:"reference,omitempty"`  // the ref attribute: what the account holder is known by
	Type       string `json:"type,omitempty"`       // such as "Individual"
	BankName   string `json:"bankName,omitempty"`   // ARUDD only, like BranchName
	BranchName string `json:"branchName,omitempty"` // where the account is kept
}

// IsZero reports whether nothing is known of the account.
func (a Account) IsZero() bool { return a == Account{} }

// account reads the attributes that the account elements of Input and ARUDD
// reports have.
func (r *reading) account(el Element) Account {
	var a Account
	for _, attr := range el.Attrs {
		switch attr.Name {
		case "sortCode":
			a.SortCode = r.sortCode(attr.Name, attr.Value)
		case "number":
			a.Number = r.text(attr.Value)
		case "name":
			a.Name = r.text(attr.Value)
		case "ref":
			a.Reference = r.text(attr.Value)
		case "type":
			a.Type = r.text(attr.Value)
		case "bankName":
			a.BankName = r.text(attr.Value)
		case "branchName":
			a.BranchName = r.text(attr.Value)
		}
	}
	return a
}

// DashedSortCode writes the sort code as 12-34-56, if it is six digits.
func (a Account) DashedSortCode() string {
	if s := a.SortCode; len(s) == 6 && digits(s) {
		return s[:2] + "-" + s[2:4] + "-" + s[4:]
	}
	return a.SortCode
}

package bacs

// Account is a bank account as a report names it. It is personal data: it
// prints and logs without a value. Fields that a report does not have are
// empty; all are trimmed of padding.
type Account struct {
	private
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
func (r *reading) account(to *Account, el Element) {
	r.attrs(el, field{"sortCode", (*sortCode)(&to.SortCode)}, field{"number", &to.Number}, field{"name", &to.Name},
		field{"ref", &to.Reference}, field{"type", &to.Type}, field{"bankName", &to.BankName}, field{"branchName", &to.BranchName})
}

// DashedSortCode writes the sort code as 12-34-56, if it is six digits.
func (a Account) DashedSortCode() string {
	if s := a.SortCode; len(s) == 6 && digits(s) {
		return s[:2] + "-" + s[2:4] + "-" + s[4:]
	}
	return a.SortCode
}

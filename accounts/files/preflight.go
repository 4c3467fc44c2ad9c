package files

// Warning is what a person should look at before a load; it stops nothing.
type Warning struct {
	Line      int    // of the row; 0 if it is about no row, or the row has none
	Reference string // of the row
	Path      string // of the member, as account.debtor.email
	Rule      Rule
	Message   string // never quotes the value
}

// Rule names what a [Warning] is about.
type Rule string

// The rules.
const (
	RuleDuplicate Rule = "duplicate" // a reference that an earlier row had
)

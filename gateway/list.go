package gateway

import (
	"fmt"
	"io"
	"strings"
)

// ListError is the cause of an error of [Client.ListReports]: the list does
// not have as many names as the gateway counted.
type ListError struct {
	Count int    // the gateway's; -1 if it gave none
	Found int    // names that were read
	Raw   string // the list as it came
}

// Error gives the two numbers.
func (e ListError) Error() string {
	if e.Count < 0 {
		return "no numReports in the answer"
	}
	return fmt.Sprintf("the gateway counts %d reports, but %d names could be read from its list (which is kept in ListError)", e.Count, e.Found)
}

// Format prints Error under every verb.
func (e ListError) Format(f fmt.State, _ rune) { io.WriteString(f, e.Error()) } //nolint:errcheck // fmt.State keeps no errors

// names returns the names in a listReports answer.
func (a *answer) names() ([]string, *ListError) {
	count, counted := a.count()
	var names []string
	switch {
	case len(a.list) > 0:
		names = a.list
	case len(a.rows) > 0:
		for _, r := range a.rows {
			if r.File != "" {
				names = append(names, r.File)
			}
		}
	default:
		names = parseList(a.text)
	}
	switch {
	case !counted && len(a.numReports) == 0 && quoted(a.text):
		return names, nil // the list speaks for itself
	case !counted:
		return nil, &ListError{Count: -1, Found: len(names), Raw: string(a.message)}
	case count == 0 && len(a.list) == 0 && !quoted(a.text):
		return nil, nil // perhaps a sentence that says so, as download has one
	case count != len(names):
		return nil, &ListError{Count: count, Found: len(names), Raw: string(a.message)}
	}
	return names, nil
}

func quoted(s string) bool { return strings.Count(s, `"`) >= 2 }

// parseList reads the names of a list. With quotes, a name is what stands
// between two of them, whatever separates them. Without, commas, semicolons
// and line ends separate; spaces never do, since names may hold them.
func parseList(s string) []string {
	var names []string
	if strings.Contains(s, `"`) {
		parts := strings.Split(s, `"`)
		for i := 1; i < len(parts)-1; i += 2 {
			if parts[i] != "" {
				names = append(names, parts[i])
			}
		}
		return names
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(",;\r\n", r) }) {
		if part = strings.TrimSpace(part); part != "" {
			names = append(names, part)
		}
	}
	return names
}

package transport

import (
	"net/url"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Class says what may be repeated after a failure.
type Class int

const (
	// Idempotent calls are repeated after every transient failure.
	Idempotent Class = iota
	// UnsentOnly calls (creates, uploads) are repeated only if no connection
	// was ever handed to the request, or the server answered 429.
	UnsentOnly
	// Destructive calls are never repeated.
	Destructive
)

func (c Class) String() string {
	switch c {
	case Idempotent:
		return "idempotent"
	case UnsentOnly:
		return "unsent-only"
	}
	return "destructive"
}

// Route is one operation of an API, as data: logs, errors, tests and the
// in-process servers speak of the same one.
type Route struct {
	Operation string // "UpsertAccounts"
	Method    string // "PUT"
	Path      string // template: "/v2/customers/{customerId}"
	Class     Class
	Success   []int // documented success codes; any 2xx is taken
	// NoAnswerRetry: any answer at all, 401 and 429 included, ends the call.
	NoAnswerRetry bool
	// Unknown is what to do where the outcome of a call that must not be sent
	// twice is unknown; "" for a general sentence.
	Unknown string
}

// String is the low-cardinality name: "PUT /v1/account"; the method alone where
// an API has one URL.
func (r *Route) String() string { return strings.TrimRight(r.Method+" "+r.Path, " ") }

// maxPathArg bounds what can be an identifier.
const maxPathArg = 256

// expand fills the placeholders of the path in order and puts it below the
// base. Each argument is one segment: escaped, and refused if it could change
// the path. escaped reports whether the result has percent-encodings.
func (r *Route) expand(base *url.URL, args []string, f *ccr.Faults) (path string, escaped bool) {
	prefix := base.Path
	if strings.ContainsRune(r.Path, '%') {
		prefix, escaped = base.EscapedPath(), true
	}
	for _, arg := range args {
		if !escaped && url.PathEscape(arg) != arg {
			prefix, escaped = base.EscapedPath(), true
		}
	}
	if len(args) == 0 {
		if strings.ContainsRune(r.Path, '{') {
			f.Add(r.Operation, "has fewer path arguments than its route")
		}
		return prefix + r.Path, escaped
	}
	var b strings.Builder
	b.Grow(len(prefix) + len(r.Path) + 3*len(args[0]))
	b.WriteString(prefix)
	rest := r.Path
	for _, arg := range args {
		before, after, ok := strings.Cut(rest, "{")
		name, after, ok2 := strings.Cut(after, "}")
		if !ok || !ok2 {
			f.Add(r.Operation, "has more path arguments than its route")
			return "", false
		}
		switch {
		case arg == "":
			f.Add(name, "is required")
		case arg == "." || arg == "..", len(arg) > maxPathArg:
			f.Add(name, "is not an identifier")
		}
		b.WriteString(before)
		if escaped {
			arg = url.PathEscape(arg)
		}
		b.WriteString(arg)
		rest = after
	}
	if strings.ContainsRune(rest, '{') {
		f.Add(r.Operation, "has fewer path arguments than its route")
	}
	b.WriteString(rest)
	return b.String(), escaped
}

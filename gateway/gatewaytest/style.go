package gatewaytest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
)

// ListStyle is how listReports writes several names, which is not documented.
type ListStyle string

const (
	QuotedComma     ListStyle = ""                // "a","b" (the default)
	QuotedSpace     ListStyle = "quoted space"    // "a" "b"
	QuotedLines     ListStyle = "quoted lines"    // one quoted name a line
	BareComma       ListStyle = "bare comma"      // a, b
	BareSemicolon   ListStyle = "bare semicolon"  // a;b
	BareLines       ListStyle = "bare lines"      // one name a line, CRLF
	ArrayOfStrings  ListStyle = "array"           // ["a","b"]
	ArrayOfRows     ListStyle = "array of rows"   // [{"file":"a"},{"file":"b"}]
	SingleRowObject ListStyle = "one row, if one" // {"file":"a"}
)

// Style is how the server writes what the contract leaves open. The zero value
// is the documented form, in PHP's JSON: "/" as "\/", other than ASCII as "\u…".
type Style struct {
	List            ListStyle // of the names in the answer to listReports
	NumbersAsString bool      // "numReports":"1"
	SingleAsObject  bool      // one file, one row: an object in place of an array
	MessageFirst    bool      // message before files
	DataFirst       bool      // data before name in each file
	PlainJSON       bool      // without PHP's escapes
	ExtraMembers    bool      // members that no one knows, everywhere
	Preamble        string    // stands before the JSON, as a PHP warning does
	Epilogue        string    // stands behind it
	// RefusalStatus is the HTTP status of an answer in which a file or the
	// request was refused; 0 is 200, as PHP programs do.
	RefusalStatus int
	// TextRefusals answers a refused credential with {"message":"…"} alone.
	TextRefusals bool
}

type row struct{ file, status, message string }

// reply is one answer before it is written.
type reply struct {
	style      Style
	numReports *int
	withFiles  bool
	files      []stored
	rows       []row
	listed     bool
	list       []string
	refused    bool
	denied     bool
}

func (a *reply) count(n int) { a.numReports = &n }

func (a *reply) refuse(file, message string) {
	a.refused = true
	a.rows = append(a.rows, row{file, "ERROR", message})
}

func (a *reply) write(w http.ResponseWriter) {
	var members []string
	add := func(name, value string) { members = append(members, a.str(name)+":"+value) }
	if a.style.ExtraMembers {
		add("version", `{"api":[1,2.5e3,{"é":null}],"x":"\u00e9\"\\"}`)
	}
	if a.numReports != nil && !a.refused {
		n := strconv.Itoa(*a.numReports)
		if a.style.NumbersAsString {
			n = `"` + n + `"`
		}
		add("numReports", n)
	}
	message := func() {
		switch {
		case a.denied && a.style.TextRefusals:
			add("message", a.str(a.rows[0].message))
		case a.listed && !a.refused:
			add("message", a.listText())
		case len(a.rows) > 0:
			rows := make([]string, len(a.rows))
			for i, r := range a.rows {
				rows[i] = "{" + a.str("file") + ":" + a.str(r.file) + "," + a.str("status") + ":" + a.str(r.status) + "," + a.str("message") + ":" + a.str(r.message) + "}"
			}
			add("message", a.array(rows))
		}
	}
	if a.style.MessageFirst {
		message()
	}
	if a.withFiles && !a.denied {
		files := make([]string, len(a.files))
		for i, f := range a.files {
			name := a.str("name") + ":" + a.str(f.name)
			data := a.str("data") + ":" + a.str(base64.StdEncoding.EncodeToString(f.data))
			if a.style.DataFirst {
				name, data = data, name
			}
			if a.style.ExtraMembers {
				name += `,"meta":{"data":["not this"],"name":"nor this"}`
			}
			files[i] = "{" + name + "," + data + "}"
		}
		add("files", a.array(files))
	}
	if !a.style.MessageFirst {
		message()
	}
	if a.style.ExtraMembers {
		add("elapsed", "0.25")
	}
	w.Header().Set("Content-Type", "application/json")
	body := a.style.Preamble + "{" + strings.Join(members, ",") + "}" + a.style.Epilogue
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if a.refused && a.style.RefusalStatus != 0 {
		w.WriteHeader(a.style.RefusalStatus)
	}
	w.Write([]byte(body)) //nolint:errcheck // the client may have gone
}

func (a *reply) array(elements []string) string {
	if a.style.SingleAsObject && len(elements) == 1 {
		return elements[0]
	}
	return "[" + strings.Join(elements, ",") + "]"
}

// listText is the message of listReports.
func (a *reply) listText() string {
	quoted := make([]string, len(a.list))
	for i, name := range a.list {
		quoted[i] = `"` + name + `"`
	}
	switch a.style.List {
	case QuotedSpace:
		return a.str(strings.Join(quoted, " "))
	case QuotedLines:
		return a.str(strings.Join(quoted, "\n"))
	case BareComma:
		return a.str(strings.Join(a.list, ", "))
	case BareSemicolon:
		return a.str(strings.Join(a.list, ";"))
	case BareLines:
		return a.str(strings.Join(a.list, "\r\n"))
	case ArrayOfStrings, ArrayOfRows, SingleRowObject:
		elements := make([]string, len(a.list))
		for i, name := range a.list {
			elements[i] = a.str(name)
			if a.style.List != ArrayOfStrings {
				elements[i] = "{" + a.str("file") + ":" + elements[i] + "}"
			}
		}
		if a.style.List == SingleRowObject && len(elements) == 1 {
			return elements[0]
		}
		return "[" + strings.Join(elements, ",") + "]"
	}
	return a.str(strings.Join(quoted, ","))
}

// str writes a JSON string, by default as PHP's json_encode does.
func (a *reply) str(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/32 + 2)
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '/' && !a.style.PlainJSON:
			b.WriteString(`\/`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		case r >= 0x7f && !a.style.PlainJSON:
			if hi, lo := utf16.EncodeRune(r); hi != 0xFFFD {
				fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

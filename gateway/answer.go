package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

const (
	maxMessage  = 16 << 20 // rows of an answer, a hundred thousand of them
	maxFileName = 4 << 10
	maxPreamble = 1 << 20 // what may stand before the JSON of an answer that must be salvaged
	maxKept     = 16 << 10
)

// Row is what the gateway says of one file. It prints and logs without its
// message, which is the vendor's text and can hold anything.
type Row struct {
	File    string // empty when it speaks of the request as a whole
	Status  string // "OK"; other words are not documented
	Message string // "Queued" for a report that was delivered
}

// String names the file and, if it is a single word, the status.
func (r Row) String() string {
	status := safetext.Token(strings.TrimSpace(r.Status))
	switch {
	case r.Status == "":
		status = "no status"
	case status == "":
		status = "[status]"
	}
	return strconv.Quote(r.File) + " " + status
}

// Format prints String under every verb.
func (r Row) Format(f fmt.State, _ rune) { io.WriteString(f, r.String()) } //nolint:errcheck // fmt.State keeps no errors

// LogValue gives log/slog what String says.
func (r Row) LogValue() slog.Value { return slog.StringValue(r.String()) }

// RawAnswer is the body of an answer as it came. It prints and logs as its
// length only; convert it to []byte to read it.
type RawAnswer []byte

// String gives the length.
func (r RawAnswer) String() string { return strconv.Itoa(len(r)) + " bytes" }

// Format prints String under every verb.
func (r RawAnswer) Format(f fmt.State, _ rune) { io.WriteString(f, r.String()) } //nolint:errcheck // fmt.State keeps no errors

// LogValue gives log/slog the length.
func (r RawAnswer) LogValue() slog.Value { return slog.StringValue(r.String()) }

// OK reports whether the row's status is OK.
func (r Row) OK() bool { return strings.EqualFold(strings.TrimSpace(r.Status), "OK") }

// refuses reports whether the row has a status and it is not OK.
func (r Row) refuses() bool { return strings.TrimSpace(r.Status) != "" && !r.OK() }

// UnmarshalJSON takes a string, a number or nothing for each member.
func (r *Row) UnmarshalJSON(b []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*r = Row{}
	for name, into := range map[string]*string{"file": &r.File, "status": &r.Status, "message": &r.Message} {
		*into = plain(m[name])
	}
	if r.File == "" {
		r.File = plain(m["name"])
	}
	return nil
}

// plain returns the text of a JSON string, number or boolean.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// answer is the envelope around the files. Every part of it may be missing.
type answer struct {
	numReports json.RawMessage
	message    json.RawMessage
	rows       []Row    // message as an array of objects, or one object
	list       []string // message as an array of strings
	text       string   // message as a string
	status     string   // beside message; not documented
	fault      string   // an "error" member; not documented
	hasFiles   bool     // there is a files member
	files      int      // objects seen in it
	preamble   bool     // other text stood before the JSON
}

// answerFile is one element of files after it was read.
type answerFile struct {
	name    string
	named   bool  // it has a name
	hasData bool  // it has data that is a string
	size    int64 // of the decoded data
	err     error // of the base64 or of the writer
}

// fileEvents receives files while they are read. The zero value drops them.
type fileEvents struct {
	// data is called where a file's data begin, before its name is known if
	// that stands behind them. A nil writer drops the data.
	data func(name string, named bool) (io.Writer, error)
	// end is called after each file; its error ends the reading.
	end func(answerFile) error
}

// readAnswer reads an answer of any action to its end, its members in any
// order. With salvage, text before the JSON (a PHP warning) is skipped and
// reported in preamble, since the files behind it exist nowhere else.
func readAnswer(r io.Reader, salvage bool, ev fileEvents) (*answer, error) {
	return newScanner(r, scanBuffer).answer(salvage, ev)
}

func (s *scanner) answer(salvage bool, ev fileEvents) (*answer, error) {
	a := &answer{}
	if err := s.start(a, salvage); err != nil {
		return a, err
	}
	c, err := s.peek()
	if err != nil {
		return a, err
	}
	if c == '[' { // an empty PHP array, or rows without an envelope
		if a.message, err = s.value(maxMessage); err != nil {
			return a, err
		}
		a.readMessage()
		return a, s.end()
	}
	seen := map[string]bool{}
	err = s.object(func(name string) error {
		switch name {
		case "files", "message", "numReports", "status", "error":
			if seen[name] {
				return s.bad("a member that appears twice")
			}
			seen[name] = true
		}
		var err error
		switch name {
		case "files":
			a.hasFiles = true
			return s.files(a, ev)
		case "message":
			a.message, err = s.value(maxMessage)
			a.readMessage()
		case "numReports":
			a.numReports, err = s.value(maxScalar)
		case "status":
			var raw json.RawMessage
			raw, err = s.value(maxMessage)
			a.status = plain(raw)
		case "error":
			var raw json.RawMessage
			raw, err = s.value(maxMessage)
			a.fault = faultText(raw)
		default:
			err = s.skip(0)
		}
		return err
	})
	if err != nil {
		return a, err
	}
	return a, s.end()
}

// errNotJSON: the answer is HTML or text.
var errNotJSON = errors.New("the answer does not begin as JSON; perhaps an error page or a PHP warning")

// start finds the first byte of the JSON.
func (s *scanner) start(a *answer, salvage bool) error {
	if s.need(3) == nil && string(s.buf[s.r:s.r+3]) == "\xEF\xBB\xBF" {
		s.r += 3
	}
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c == '{' || c == '[' {
		return nil
	}
	if !salvage {
		return errNotJSON
	}
	for passed := 0; passed < maxPreamble; passed++ {
		if err := s.need(1); err != nil {
			return errNotJSON
		}
		if s.buf[s.r] == '{' && s.opensObject() {
			a.preamble = true
			return nil
		}
		s.r++
	}
	return errNotJSON
}

// opensObject tells a brace that begins an object from one in a warning.
func (s *scanner) opensObject() bool {
	for ahead := 1; ahead < 64; ahead++ {
		if s.need(ahead+1) != nil {
			return false
		}
		switch s.buf[s.r+ahead] {
		case ' ', '\t', '\r', '\n':
			continue
		case '"', '}':
			return true
		}
		return false
	}
	return false
}

// files reads the files member: an array, one object in its place, or an
// object of objects (a PHP array with gaps in its keys).
func (s *scanner) files(a *answer, ev fileEvents) error {
	c, err := s.peek()
	switch {
	case err != nil:
		return err
	case c == '[':
		return s.array(func() error { return s.file(a, ev, true) })
	case c == '{':
		return s.file(a, ev, false)
	}
	raw, err := s.value(maxScalar)
	if err != nil {
		return err
	}
	if v := string(raw); v != "null" && v != "false" && v != `""` {
		return s.bad("files is neither an array nor an object")
	}
	return nil
}

// file reads one object of files; its data go out as they arrive. Unless it is
// an element, it may be an object that holds files.
func (s *scanner) file(a *answer, ev fileEvents, element bool) error {
	if c, err := s.peek(); err != nil {
		return err
	} else if c != '{' {
		return s.bad("want a file")
	}
	var f answerFile
	var hasName, hasData, nested, filled bool
	err := s.object(func(member string) error {
		filled = true
		c, err := s.peek()
		if err != nil {
			return err
		}
		switch {
		case member == "name":
			if hasName {
				return s.bad("a file with two names")
			}
			hasName = true
			if c != '"' {
				return s.skip(0)
			}
			f.named = true
			f.name, err = s.str(maxFileName)
			return err
		case member == "data":
			if hasData {
				return s.bad("a file with two data")
			}
			hasData = true
			if c != '"' {
				return s.skip(0)
			}
			if err := s.take(1); err != nil {
				return err
			}
			f.hasData = true
			return s.data(&f, ev)
		case c == '{' && !element && !hasName && !hasData:
			nested = true
			return s.file(a, ev, true)
		}
		return s.skip(0)
	})
	if err != nil || !element && !hasName && !hasData && (nested || !filled) {
		return err
	}
	a.files++
	if ev.end != nil {
		return ev.end(f)
	}
	return nil
}

// data decodes a file's data into the writer for it. Bad base64 and a failing
// writer are noted with the file; reading goes on behind its data.
func (s *scanner) data(f *answerFile, ev fileEvents) error {
	var w io.Writer
	if ev.data != nil {
		w, f.err = ev.data(f.name, f.named)
	}
	if w == nil || f.err != nil {
		return s.skipText(false)
	}
	if s.base64 == nil {
		s.base64 = newBase64Writer()
	}
	d := s.base64
	d.reset(w)
	for {
		n, ended, err := s.text(d.room(), false)
		if err != nil {
			return err
		}
		if f.err = d.wrote(n); f.err == nil && ended {
			f.err = d.close()
		}
		f.size = d.size
		switch {
		case ended:
			return nil
		case f.err != nil:
			return s.skipText(false)
		}
	}
}

// readMessage sorts out the polymorphic message member.
func (a *answer) readMessage() {
	raw := bytes.TrimSpace(a.message)
	if len(raw) == 0 {
		return
	}
	switch raw[0] {
	case '[':
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) != nil {
			return
		}
		for _, e := range elements {
			a.element(e)
		}
	case '{':
		a.element(raw)
	default:
		a.text = plain(raw)
	}
}

func (a *answer) element(raw json.RawMessage) {
	var row Row
	if len(raw) > 0 && raw[0] == '{' {
		if json.Unmarshal(raw, &row) == nil {
			a.rows = append(a.rows, row)
		}
		return
	}
	if s := plain(raw); s != "" {
		a.list = append(a.list, s)
	}
}

// count returns numReports, a number or a string with one.
func (a *answer) count() (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(plain(a.numReports)))
	return n, err == nil && n >= 0
}

// row returns the row of a file. Two rows for one name that differ in their
// status count as the bad one.
func (a *answer) row(name string) (Row, bool) {
	var found Row
	ok := false
	for _, r := range a.rows {
		if r.File == name && (!ok || found.OK()) {
			found, ok = r, true
		}
	}
	return found, ok
}

// faultText makes one text of an error member of any shape.
func faultText(raw json.RawMessage) string {
	switch s := plain(raw); {
	case s == "false" || s == "0":
		return ""
	case s != "":
		return s
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) == nil {
		return plain(m["message"])
	}
	return ""
}

// keeper keeps the beginning of what is read through it.
type keeper struct {
	r    io.Reader
	kept []byte
}

func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if room := maxKept - len(k.kept); room > 0 {
		k.kept = append(k.kept, p[:min(n, room)]...)
	}
	return n, err
}

// incomplete marks content that must not be taken for a whole report.
func incomplete(what string) error { return &incompleteError{what} }

type incompleteError struct{ what string }

func (e *incompleteError) Error() string { return e.what }

func (e *incompleteError) Unwrap() error { return ccr.ErrIncomplete }

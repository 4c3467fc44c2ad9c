package decisioningtest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// document is a JSON object of the wire, read and written by encoding/json
// alone: the server shares neither the client's types nor its codec, so that a
// misspelt member cannot be misspelt on both sides.
type document map[string]json.RawMessage

// text is a member that is a text; "" if it is none.
func (d document) text(name string) string {
	var s string
	if json.Unmarshal(d[name], &s) != nil {
		return ""
	}
	return s
}

// with returns a copy that has the members, too.
func (d document) with(members map[string]any) document {
	out := make(document, len(d)+len(members))
	for name, v := range d {
		out[name] = v
	}
	out.set(members)
	return out
}

// set writes members; what JSON cannot hold is left out.
func (d document) set(members map[string]any) {
	for name, v := range members {
		if b, err := compact(v); err == nil {
			d[name] = b
		}
	}
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// id is the n-th id, of 24 hexadecimal digits as Algoan's are.
func id(n int64) string {
	s := strconv.FormatInt(n, 16)
	return strings.Repeat("0", 24-len(s)) + s
}

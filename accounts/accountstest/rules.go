package accountstest

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

// kind is one of the three batches. Names, types and limits are those of the
// member table, so that a new member is one place; what reads them here shares
// nothing with the SDK's encoder and checks. A slip in the table itself would
// pass on both sides: the tests of this package and of accounts hold documents
// and limits that are written by hand.
type kind struct {
	operation string
	path      string
	keys      []string
	batch     reflect.Type
}

var kinds = [...]kind{
	{"UpsertAccounts", "/v1/account", []string{"clientReferenceId"}, reflect.TypeFor[accounts.AccountBatch]()},
	{"ReportPayments", "/v1/payment", []string{"paymentReference", "clientReferenceId"}, reflect.TypeFor[accounts.PaymentBatch]()},
	{"UpsertClaims", "/v1/third-party-insurance", []string{"clientReferenceId", "claimNumber"}, reflect.TypeFor[accounts.ClaimBatch]()},
}

// table is the member table of the batches.
var table = sync.OnceValue(func() *member.Schema {
	return member.Of(kinds[0].batch, kinds[1].batch, kinds[2].batch)
})

// row is one item of a batch, as it came.
type row struct {
	key     string
	status  string
	members map[string]json.RawMessage
}

// name is what this server calls a member.
func (s *Server) name(inferred string) string {
	if n := s.cfg.Names[inferred]; n != "" {
		return n
	}
	return inferred
}

// binder checks a document as a model binder does: all faults by path.
type binder struct {
	s      *Server
	faults map[string][]string
}

func (b *binder) add(path, message string) { b.faults[path] = append(b.faults[path], message) }

// read checks a batch.
func (s *Server) read(k *kind, body []byte) (reference string, rows []row, faults map[string][]string) {
	b := &binder{s, map[string][]string{}}
	o := table().Object(k.batch)
	envelope := b.object("$", body, o)
	if envelope == nil {
		return "", nil, b.faults
	}
	json.Unmarshal(envelope[s.name(o.Members[0].Name)], &reference) //nolint:errcheck // checked where it is required
	var items []map[string]json.RawMessage
	json.Unmarshal(envelope[s.name(o.Members[1].Name)], &items) //nolint:errcheck // just checked
	for _, m := range items {
		rows = append(rows, s.rowOf(k, m))
	}
	return reference, rows, b.faults
}

// object checks an object and returns its members, or nil if it is none.
func (b *binder) object(at string, raw json.RawMessage, o *member.Object) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		b.add(at, "The JSON value could not be converted to an object.")
		return nil
	}
	for i := range o.Members {
		rule := &o.Members[i]
		name := b.s.name(rule.Name)
		path := name
		if at != "$" {
			path = at + "." + name
		}
		if v, ok := m[name]; ok {
			b.member(path, v, rule)
		} else if rule.Required {
			b.add(path, "The field is required.")
		}
	}
	return m
}

func (b *binder) member(at string, raw json.RawMessage, m *member.Member) {
	switch {
	case string(raw) == "null" && m.Null:
	case string(raw) == "null":
		b.add(at, "The field must not be null.")
	case m.Kind == member.Entity:
		b.object(at, raw, m.Elem)
	case m.Kind == member.List:
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			b.add(at, "The JSON value could not be converted to an array of objects.")
		} else if m.Required && len(items) == 0 {
			b.add(at, "The field must be an array with a minimum length of '1'.")
		}
		for i, item := range items {
			b.object(at+"["+strconv.Itoa(i)+"]", item, m.Elem)
		}
	default:
		if message := check(m, raw); message != "" {
			b.add(at, message)
		}
	}
}

func (s *Server) rowOf(k *kind, m map[string]json.RawMessage) row {
	r := row{members: m}
	for _, key := range k.keys {
		if json.Unmarshal(m[s.name(key)], &r.key) == nil && r.key != "" {
			break
		}
	}
	json.Unmarshal(m[s.name("status")], &r.status) //nolint:errcheck // checked where it is required
	return r
}

// check returns what is wrong with a value, or nothing.
func check(m *member.Member, raw json.RawMessage) string {
	if m.Kind == member.Number || m.Kind == member.Integer {
		return checkNumber(m, raw)
	}
	var v string
	if json.Unmarshal(raw, &v) != nil {
		return "The JSON value could not be converted to a string."
	}
	var err error
	switch m.Kind {
	case member.Date:
		_, err = time.Parse(time.DateOnly, v)
	case member.DateTime:
		_, err = time.Parse(time.RFC3339Nano, v)
	case member.Status:
		if v != "Active" && v != "Hold" && v != "Closed" {
			return "The value is not one of Active, Hold, Closed."
		}
	}
	if err != nil {
		return "The JSON value could not be converted to a date."
	}
	if n := len(utf16.Encode([]rune(v))); m.MaxLength > 0 && (n == 0 && m.Required || n > m.MaxLength) {
		return "The field must have a length between 1 and " + strconv.Itoa(m.MaxLength) + "."
	}
	return ""
}

func checkNumber(m *member.Member, raw json.RawMessage) string {
	v, ok := new(big.Rat).SetString(string(raw))
	if !ok || raw[0] == '"' {
		return "The JSON value could not be converted to a number."
	}
	if m.Kind == member.Integer && (!v.IsInt() || !v.Num().IsInt64() || v.Num().Int64() != int64(int32(v.Num().Int64()))) {
		return "The JSON value could not be converted to an int32."
	}
	if m.Min.IsSet() {
		low, _ := new(big.Rat).SetString(m.Min.String())
		if c := v.Cmp(low); c < 0 || c == 0 && m.Above {
			return "The field is below its minimum."
		}
	}
	if m.Most.IsSet() {
		high, _ := new(big.Rat).SetString(m.Most.String())
		if v.Cmp(high) > 0 {
			return "The field is above its maximum."
		}
	}
	return ""
}

package accountstest

import (
	"encoding/json"
	"math/big"
	"strconv"
	"time"
	"unicode/utf16"
)

// kind is one of the three batches. The rules are written down here once
// more, apart from the SDK's own, so that a slip there does not pass unseen.
type kind struct {
	operation string
	path      string
	items     string // name of the array
	keys      []string
	rules     []rule
}

type shape int

const (
	text shape = iota
	number
	integer
	date
	dateTime
	status
	entity // an object
	list   // an array of objects
)

type rule struct {
	name      string
	shape     shape
	required  bool // the key must be there
	nullable  bool
	maxLength int    // characters; such a text is not empty either
	min, max  string // "" is none
	exclusive bool   // min is not included
}

var statusRule = rule{name: "status", shape: status, required: true}

var kinds = [...]kind{
	{operation: "UpsertAccounts", path: "/v1/account", items: "accounts", keys: []string{"clientReferenceId"}, rules: []rule{
		{name: "brand", nullable: true}, {name: "portfolio", nullable: true}, {name: "product", nullable: true}, {name: "segment", nullable: true},
		{name: "clientReferenceId", required: true, maxLength: 150},
		{name: "reference", nullable: true}, {name: "currencyCode", nullable: true}, {name: "paymentReconciliationReference", nullable: true},
		{name: "bPayReference", nullable: true},
		{name: "invoiceNumber", required: true, nullable: true},
		{name: "outstandingAmount", shape: number, min: "0"},
		{name: "minimumOfferAmount", shape: number, nullable: true, min: "0", exclusive: true},
		{name: "maximumDiscountPercentage", shape: number, nullable: true, min: "0", max: "100"},
		{name: "upfrontAmount", shape: number, nullable: true, min: "0"},
		{name: "issuedDate", shape: dateTime, nullable: true},
		statusRule,
		{name: "debtor", shape: entity, required: true},
		{name: "additionalInfo", shape: list, nullable: true},
		{name: "callbackNumber", nullable: true},
		{name: "customData1", nullable: true}, {name: "customData2", nullable: true}, {name: "customData3", nullable: true},
		{name: "customData4", nullable: true}, {name: "customData5", nullable: true},
		{name: "daysPastDue", shape: integer, nullable: true, min: "0", exclusive: true},
		{name: "dueDate", shape: date},
		{name: "sendInstantMessages", shape: list, nullable: true},
		{name: "identityChallenges", shape: list, nullable: true},
	}},
	{operation: "ReportPayments", path: "/v1/payment", items: "payments", keys: []string{"paymentReference", "clientReferenceId"}},
	{operation: "UpsertClaims", path: "/v1/third-party-insurance", items: "thirdPartyClaims", keys: []string{"clientReferenceId", "claimNumber"}, rules: []rule{
		{name: "brand", nullable: true}, {name: "portfolio", nullable: true}, {name: "clientReferenceId", nullable: true},
		{name: "claimNumber", required: true, maxLength: 150},
		statusRule,
		{name: "statusReason", nullable: true}, {name: "paymentReferenceNumber", nullable: true}, {name: "bPayReference", nullable: true},
		{name: "initialRecoveryAmount", shape: number, nullable: true, min: "0"},
		{name: "recoveryAmount", shape: number, nullable: true, min: "0"},
		{name: "recoveredAmount", shape: number, nullable: true, min: "0"},
		{name: "callbackNumber", nullable: true},
		{name: "claimExcess", shape: entity, nullable: true},
	}},
}

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

// read checks a batch as a model binder does: all faults by path.
func (s *Server) read(k *kind, body []byte) (reference string, rows []row, faults map[string][]string) {
	faults = map[string][]string{}
	add := func(path, message string) { faults[path] = append(faults[path], message) }
	var envelope map[string]json.RawMessage
	if json.Unmarshal(body, &envelope) != nil {
		add("$", "The JSON value could not be converted.")
		return "", nil, faults
	}
	idName, itemsName := s.name("batchReferenceId"), s.name(k.items)
	idRule := rule{name: idName, required: true, maxLength: 150}
	if raw, ok := envelope[idName]; !ok {
		add(idName, "The field is required.")
	} else if message := idRule.check(raw); message != "" {
		add(idName, message)
	} else {
		json.Unmarshal(raw, &reference) //nolint:errcheck // just checked
	}
	var items []json.RawMessage
	if json.Unmarshal(envelope[itemsName], &items) != nil || len(items) == 0 {
		add(itemsName, "The field must be an array with a minimum length of '1'.")
	}
	for i, raw := range items {
		at := itemsName + "[" + strconv.Itoa(i) + "]"
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil || m == nil {
			add(at, "The JSON value could not be converted to an object.")
			continue
		}
		for j := range k.rules {
			r := &k.rules[j]
			name := s.name(r.name)
			v, ok := m[name]
			if !ok {
				if r.required {
					add(at+"."+name, "The field is required.")
				}
				continue
			}
			if message := r.check(v); message != "" {
				add(at+"."+name, message)
			}
		}
		rows = append(rows, s.rowOf(k, m))
	}
	return reference, rows, faults
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
func (r *rule) check(raw json.RawMessage) string {
	if string(raw) == "null" {
		if r.nullable {
			return ""
		}
		return "The field must not be null."
	}
	switch r.shape {
	case number, integer:
		return r.checkNumber(raw)
	case entity:
		if raw[0] != '{' {
			return "The JSON value could not be converted to an object."
		}
		return ""
	case list:
		var items []map[string]json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return "The JSON value could not be converted to an array of objects."
		}
		return ""
	}
	var v string
	if json.Unmarshal(raw, &v) != nil {
		return "The JSON value could not be converted to a string."
	}
	var err error
	switch r.shape {
	case date:
		_, err = time.Parse(time.DateOnly, v)
	case dateTime:
		_, err = time.Parse(time.RFC3339Nano, v)
	case status:
		if v != "Active" && v != "Hold" && v != "Closed" {
			return "The value is not one of Active, Hold, Closed."
		}
	}
	if err != nil {
		return "The JSON value could not be converted to a date."
	}
	if n := len(utf16.Encode([]rune(v))); r.maxLength > 0 && (n == 0 || n > r.maxLength) {
		return "The field must have a length between 1 and " + strconv.Itoa(r.maxLength) + "."
	}
	return ""
}

func (r *rule) checkNumber(raw json.RawMessage) string {
	v, ok := new(big.Rat).SetString(string(raw))
	if !ok || raw[0] == '"' {
		return "The JSON value could not be converted to a number."
	}
	if r.shape == integer && (!v.IsInt() || !v.Num().IsInt64() || v.Num().Int64() != int64(int32(v.Num().Int64()))) {
		return "The JSON value could not be converted to an int32."
	}
	if r.min != "" {
		low, _ := new(big.Rat).SetString(r.min)
		if c := v.Cmp(low); c < 0 || c == 0 && r.exclusive {
			return "The field is below its minimum."
		}
	}
	if r.max != "" {
		high, _ := new(big.Rat).SetString(r.max)
		if v.Cmp(high) > 0 {
			return "The field is above its maximum."
		}
	}
	return ""
}

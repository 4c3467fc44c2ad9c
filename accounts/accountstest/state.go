package accountstest

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr/accounts"
)

// InvoiceState is a state of an invoice in Credit Clear's platform.
type InvoiceState string

const (
	AwaitingPayment      InvoiceState = "Awaiting Payment"
	OnPaymentArrangement InvoiceState = "On Payment Arrangement"
	Paid                 InvoiceState = "Paid"
	Voided               InvoiceState = "Voided"
)

// Invoice is what the server keeps for an account.
type Invoice struct {
	State   InvoiceState     // changed by Active, Hold and Closed as documented
	Paused  bool             // by a Hold, until an Active
	Number  int              // 1 for an account's first invoice, 2 for the one after a Paid or Voided one
	Account accounts.Account // as it was last sent
}

// Item is one payment or claim that the server took.
type Item struct {
	Key string          // its reference
	Raw json.RawMessage // the object as it came
}

// Batch is one batch that the server accepted.
type Batch struct {
	ID        string   // in the status URI
	Operation string   // "UpsertAccounts", "ReportPayments" or "UpsertClaims"
	Reference string   // its referenceId
	Rows      int      // items in it
	Repeated  int      // times the same body came again
	Looks     int      // at its status
	Results   []Result // one for each item, in order

	sum [sha256.Size]byte
}

// Result is what became of one item of a batch.
type Result struct {
	Key    string   `json:"clientReferenceId"` // the item's reference
	Status string   `json:"status"`            // Created, Updated, Ignored, Closed, Recorded, Failed
	Errors []string `json:"errors,omitempty"`  // for people; set with Failed only
}

// WithInvoice puts an account's invoice into a state, as if it had been
// created earlier.
func (s *Server) WithInvoice(clientReferenceID string, state InvoiceState, paused bool) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invoices[clientReferenceID] = &Invoice{State: state, Paused: paused, Number: 1}
	return s
}

// FailItem makes the item with a reference fail when its batch is processed
// (the batch is accepted all the same).
func (s *Server) FailItem(reference, message string) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing[reference] = message
	return s
}

// Account returns the account with a reference as it was last sent.
func (s *Server) Account(clientReferenceID string) (accounts.Account, bool) {
	i, ok := s.Invoice(clientReferenceID)
	return i.Account, ok
}

// Invoice returns the current invoice of an account.
func (s *Server) Invoice(clientReferenceID string) (Invoice, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.invoices[clientReferenceID]
	if !ok {
		return Invoice{}, false
	}
	return *i, true
}

// Payments returns the payments that were reported, in order.
func (s *Server) Payments() []Item { return s.taken("ReportPayments") }

// Claims returns the claims that were sent, in order.
func (s *Server) Claims() []Item { return s.taken("UpsertClaims") }

func (s *Server) taken(operation string) []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.items[operation])
}

// Batches returns the accepted batches in order; one that came again counts once.
func (s *Server) Batches() []Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Batch, len(s.order))
	for i, b := range s.order {
		out[i] = *b
		out[i].Results = slices.Clone(b.Results)
	}
	return out
}

// Applied counts, by reference, how often items of an operation took effect.
func (s *Server) Applied(operation string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for key, n := range s.applied {
		if ref, ok := strings.CutPrefix(key, operation+"\n"); ok {
			out[ref] = n
		}
	}
	return out
}

// accept takes a new batch; s.mu is held.
func (s *Server) accept(k *kind, reference string, sum [sha256.Size]byte, rows []row) *Batch {
	b := &Batch{ID: "b" + strconv.Itoa(len(s.order)+1), Operation: k.operation, Reference: reference, Rows: len(rows), sum: sum}
	for _, r := range rows {
		result := Result{Key: r.key, Status: "Recorded"}
		if message, ok := s.failing[r.key]; ok {
			result.Status, result.Errors = "Failed", []string{message}
		} else {
			s.applied[k.operation+"\n"+r.key]++
			if k.operation == "UpsertAccounts" {
				result.Status = s.sync(r)
			} else {
				s.items[k.operation] = append(s.items[k.operation], Item{r.key, rawOf(r.members)})
			}
		}
		b.Results = append(b.Results, result)
	}
	s.batches[k.operation+"\n"+reference], s.byID[b.ID] = b, b
	s.order = append(s.order, b)
	return b
}

// sync applies an account to its invoice by the documented defaults.
func (s *Server) sync(r row) string {
	i := s.invoices[r.key]
	open := i != nil && (i.State == AwaitingPayment || i.State == OnPaymentArrangement)
	switch {
	case r.status == "Active" && open:
		i.Paused = false
		i.Account = s.account(r)
		return "Updated"
	case r.status == "Active":
		n := 1
		if i != nil {
			n = i.Number + 1
		}
		s.invoices[r.key] = &Invoice{State: AwaitingPayment, Number: n, Account: s.account(r)}
		return "Created"
	case r.status == "Hold" && open:
		i.Paused = true
		i.Account = s.account(r)
		return "Updated"
	case r.status == "Closed" && open:
		i.State = Voided
		i.Account = s.account(r)
		return "Closed"
	}
	return "Ignored"
}

// account reads an account with the SDK's names.
func (s *Server) account(r row) accounts.Account {
	members := maps.Clone(r.members)
	for inferred, name := range s.cfg.Names {
		if v, ok := members[name]; ok {
			delete(members, name)
			members[inferred] = v
		}
	}
	var a accounts.Account
	json.Unmarshal(rawOf(members), &a) //nolint:errcheck // a member of another shape stays unread
	return a
}

func rawOf(m map[string]json.RawMessage) json.RawMessage {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil // decoded JSON encodes again
	}
	return raw
}

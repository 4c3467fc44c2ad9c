package decisioningtest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

type analysis struct {
	id, customerID string
	document       document
	outcome        *Outcome // what it will end in; nil while it waits for data
	accounts       []document
	transactions   []document
	body           string // the PATCH that brought its data
	timer          *time.Timer
	generated      func(i int) any
	count          int
}

func (a *analysis) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

func (s *Server) handleAnalyses() {
	const one = "/v2/customers/{customerId}/analyses/{analysisId}"
	s.handle("CreateAnalysis", "POST /v2/customers/{customerId}/analyses", s.createAnalysis)
	s.handle("Analyses", "GET /v2/customers/{customerId}/analyses", s.withCustomer(func(w http.ResponseWriter, r *http.Request, c *customer) {
		writePage(w, r, len(c.analyses), func(i int) any { return c.analyses[i].document })
	}))
	s.handle("Analysis", "GET "+one, s.withAnalysis(func(w http.ResponseWriter, _ *http.Request, a *analysis) {
		s.step(a)
		answer(w, http.StatusOK, a.document)
	}))
	s.handle("UpdateAnalysis", "PATCH "+one, s.withAnalysis(s.updateAnalysis))
	s.handle("Scores", "GET "+one+"/scores", s.withResults(func(w http.ResponseWriter, _ *http.Request, a *analysis) {
		answer(w, http.StatusOK, a.outcome.Scores)
	}))
	for operation, member := range map[string]string{
		"Incomes": "incomes", "Expenses": "expenses", "Loans": "loans", "Risks": "risks", "Essentials": "essentials",
	} {
		s.handle(operation, "GET "+one+"/credit-insights/"+member, s.withResults(func(w http.ResponseWriter, _ *http.Request, a *analysis) {
			answer(w, http.StatusOK, a.insight(member))
		}))
	}
	s.handle("CashFlows", "GET "+one+"/credit-insights/cash-flows", s.withResults(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		var flows []json.RawMessage
		json.Unmarshal(a.insight("cashFlows"), &flows) //nolint:errcheck // none, then
		writePage(w, r, len(flows), func(i int) any { return flows[i] })
	}))
	s.handle("Accounts", "GET "+one+"/accounts", s.withResults(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		writePage(w, r, len(a.accounts), func(i int) any { return a.accounts[i] })
	}))
	s.handle("Transactions", "GET "+one+"/transactions", s.listTransactions)
	s.handle("AccountTransactions", "GET "+one+"/accounts/{accountId}/transactions", s.withResults(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		var mine []document
		for _, t := range a.transactions {
			if t.text("accountId") == r.PathValue("accountId") {
				mine = append(mine, t)
			}
		}
		writePage(w, r, len(mine), func(i int) any { return mine[i] })
	}))
}

// insight is one part of the credit insights.
func (a *analysis) insight(member string) json.RawMessage {
	var all document
	json.Unmarshal(a.outcome.CreditInsights, &all) //nolint:errcheck // none, then
	return all[member]
}

// withAnalysis finds the analysis of the path, under the lock.
func (s *Server) withAnalysis(h func(http.ResponseWriter, *http.Request, *analysis)) http.HandlerFunc {
	return s.withCustomer(func(w http.ResponseWriter, r *http.Request, c *customer) {
		for _, a := range c.analyses {
			if a.id == r.PathValue("analysisId") {
				h(w, r, a)
				return
			}
		}
		notFound(w, "Analysis")
	})
}

// withResults finds an analysis that is COMPLETED.
func (s *Server) withResults(h func(http.ResponseWriter, *http.Request, *analysis)) http.HandlerFunc {
	return s.withAnalysis(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		if a.status() == "COMPLETED" {
			h(w, r, a)
			return
		}
		notFound(w, "Result")
	})
}

func (a *analysis) status() string { return a.document.text("status") }

// createBody is what the server looks at in a create or a PATCH.
type createBody struct {
	DataOrigin  json.RawMessage   `json:"dataOrigin"`
	Parameters  json.RawMessage   `json:"parameters"`
	Accounts    []document        `json:"accounts"`
	Connections []json.RawMessage `json:"connections"`
	Status      string            `json:"status"`
	Error       json.RawMessage   `json:"error"`
}

// readBody reads a body and keeps it.
func readBody(w http.ResponseWriter, r *http.Request) (in createBody, body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil || json.Unmarshal(body, &in) != nil {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "The body is not the expected JSON")
		return in, body, false
	}
	return in, body, true
}

func (s *Server) createAnalysis(w http.ResponseWriter, r *http.Request) {
	in, body, ok := readBody(w, r)
	if !ok {
		return
	}
	s.withCustomer(func(w http.ResponseWriter, _ *http.Request, c *customer) { //nolint:contextcheck // an analysis outlives its request
		a := &analysis{id: s.newID(), customerID: c.id, document: document{}}
		a.document.set(map[string]any{
			"id": a.id, "organizationId": organizationID, "projectId": projectID, "customerId": c.id, "userId": ClientID,
			"status": "CREATED", "source": "CLIENT", "createdAt": now(), "updatedAt": now(),
		})
		for name, v := range map[string]json.RawMessage{"dataOrigin": in.DataOrigin, "parameters": in.Parameters} {
			if v != nil {
				a.document[name] = v
			}
		}
		c.analyses = append(c.analyses, a)
		s.start(a, in, body)
		answer(w, http.StatusAccepted, a.document)
	})(w, r)
}

// start gives an analysis its data, if there is any.
func (s *Server) start(a *analysis, in createBody, body []byte) {
	if in.Accounts == nil && in.Connections == nil {
		return
	}
	o := s.cfg.Evaluate(body)
	a.outcome = &o
	s.keep(a, in.Accounts)
	a.timer = time.AfterFunc(s.cfg.Processing, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.finish(a)
		}
	})
}

// keep notes the accounts and their transactions as they will be listed.
func (s *Server) keep(a *analysis, accounts []document) {
	counts := map[string]int{}
	for _, in := range accounts {
		accountID := s.newID()
		var txs []document
		json.Unmarshal(in["transactions"], &txs) //nolint:errcheck // none, then
		for _, t := range txs {
			category := "OTHER_ENTRY"
			if strings.HasPrefix(string(t["amount"]), "-") {
				category = "OTHER_EXPENSE"
			}
			a.transactions = append(a.transactions, t.with(map[string]any{
				"id": s.newID(), "accountId": accountID, "accountType": in.text("type"), "createdAt": now(), "updatedAt": now(),
				"enrichments": map[string]any{"category": category, "isRejected": false, "relatedTransactions": map[string]any{}},
			}))
		}
		counts[in.text("type")]++
		out := in.with(map[string]any{
			"id": accountID, "organizationId": organizationID, "projectId": projectID, "customerId": a.customerID, "createdAt": now(), "updatedAt": now(),
		})
		delete(out, "transactions")
		a.accounts = append(a.accounts, out)
	}
	a.document.set(map[string]any{"metadata": map[string]any{
		"numberOfCheckings": counts["CHECKING"], "numberOfSavings": counts["SAVINGS"], "numberOfLoans": counts["LOAN"],
		"totalTransactionCount": len(a.transactions),
	}})
}

// step is what reading an analysis does; s.mu is held.
func (s *Server) step(a *analysis) {
	switch {
	case a.outcome == nil:
	case a.status() == "CREATED":
		a.document.set(map[string]any{"status": "IN_PROGRESS", "updatedAt": now()})
	default:
		s.finish(a)
	}
}

// finish ends an analysis, once; s.mu is held.
func (s *Server) finish(a *analysis) {
	if a.status() == "COMPLETED" || a.status() == "ERROR" {
		return
	}
	a.stop()
	event, status := "analysis_completed", "COMPLETED"
	if a.outcome.Code != "" {
		event, status = "analysis_failed", "ERROR"
		a.document.set(map[string]any{"error": map[string]string{"code": a.outcome.Code, "message": a.outcome.Message}})
	} else {
		var p struct {
			DisableScores         bool `json:"disableScores"`
			DisableCreditInsights bool `json:"disableCreditInsights"`
		}
		json.Unmarshal(a.document["parameters"], &p) //nolint:errcheck // none, then
		if !p.DisableScores {
			a.document["scores"] = a.outcome.Scores
		}
		if !p.DisableCreditInsights {
			a.document["creditInsights"] = a.outcome.CreditInsights
		}
	}
	a.document.set(map[string]any{"status": status, "updatedAt": now()})
	s.emit(event, map[string]string{"customerId": a.customerID, "analysisId": a.id})
}

func (s *Server) updateAnalysis(w http.ResponseWriter, r *http.Request, a *analysis) {
	in, body, ok := readBody(w, r)
	if !ok {
		return
	}
	switch {
	case a.body == string(body): // the same again changes nothing
	case a.outcome != nil:
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "The analysis has its data")
		return
	case in.Status == "ERROR":
		a.outcome = &Outcome{Code: "INTERNAL_ERROR"}
		s.finish(a)
		if in.Error != nil {
			a.document["error"] = in.Error
		}
	default:
		s.start(a, in, body)
	}
	a.body = string(body)
	answer(w, http.StatusOK, a.document)
}

// Finish ends an analysis that is under way at once, events included. An id
// that the server does not know, or one that has no data yet, is left alone.
func (s *Server) Finish(analysisID string) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.find(analysisID); a != nil && a.outcome != nil {
		s.finish(a)
	}
	return s
}

// GenerateTransactions makes an analysis list count transactions that are made
// when they are asked for, from 0 to count-1, to test lists that would not fit
// into memory. transaction returns what encoding/json can write, and is called
// by several goroutines at once. An id that the server does not know is left
// alone.
func (s *Server) GenerateTransactions(analysisID string, count int, transaction func(i int) any) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.find(analysisID); a != nil {
		a.count, a.generated = count, transaction
	}
	return s
}

func (s *Server) find(analysisID string) *analysis {
	for _, c := range s.customers {
		for _, a := range c.analyses {
			if a.id == analysisID {
				return a
			}
		}
	}
	return nil
}

// listTransactions writes generated ones outside the lock, so that pages that
// are asked for at once are made at once.
func (s *Server) listTransactions(w http.ResponseWriter, r *http.Request) {
	var count int
	var item func(int) any
	s.withAnalysis(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		switch count, item = a.count, a.generated; {
		case item != nil:
		case a.status() == "COMPLETED":
			writePage(w, r, len(a.transactions), func(i int) any { return a.transactions[i] })
		default:
			notFound(w, "Result")
		}
	})(w, r)
	if item != nil {
		writePage(w, r, count, item)
	}
}

package decisioningtest

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

type analysis struct {
	decisioning.Analysis
	customer  *customer
	outcome   *outcome // what it will end in; nil while it waits for data
	body      string   // the PATCH that brought its data
	timer     *time.Timer
	generated func(i int) decisioning.Transaction
	count     int
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
		writePage(w, r, len(c.analyses), func(i int) any { return c.analyses[i].Analysis })
	}))
	s.handle("Analysis", "GET "+one, s.withAnalysis(func(w http.ResponseWriter, _ *http.Request, a *analysis) {
		s.step(a)
		answer(w, http.StatusOK, a.Analysis)
	}))
	s.handle("UpdateAnalysis", "PATCH "+one, s.withAnalysis(s.updateAnalysis))
	part := func(operation, path string, of func(*outcome) any) {
		s.handle(operation, "GET "+one+path, s.withResults(func(w http.ResponseWriter, _ *http.Request, a *analysis) {
			answer(w, http.StatusOK, of(a.outcome))
		}))
	}
	part("Scores", "/scores", func(o *outcome) any { return o.scores })
	part("Incomes", "/credit-insights/incomes", func(o *outcome) any { return o.insights.Incomes })
	part("Expenses", "/credit-insights/expenses", func(o *outcome) any { return o.insights.Expenses })
	part("Loans", "/credit-insights/loans", func(o *outcome) any { return o.insights.Loans })
	part("Risks", "/credit-insights/risks", func(o *outcome) any { return o.insights.Risks })
	part("Essentials", "/credit-insights/essentials", func(o *outcome) any { return o.insights.Essentials })
	s.handle("CashFlows", "GET "+one+"/credit-insights/cash-flows", s.withResults(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		flows := a.outcome.insights.CashFlows
		writePage(w, r, len(flows), func(i int) any { return flows[i] })
	}))
	s.handle("Accounts", "GET "+one+"/accounts", s.withResults(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		accounts := a.outcome.accounts
		writePage(w, r, len(accounts), func(i int) any { return accounts[i] })
	}))
	s.handle("Transactions", "GET "+one+"/transactions", s.listTransactions)
	s.handle("AccountTransactions", "GET "+one+"/accounts/{accountId}/transactions", s.withResults(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		var mine []decisioning.Transaction
		for _, t := range a.outcome.transactions {
			if t.AccountID == r.PathValue("accountId") {
				mine = append(mine, t)
			}
		}
		writePage(w, r, len(mine), func(i int) any { return mine[i] })
	}))
}

// withAnalysis finds the analysis of the path, under the lock.
func (s *Server) withAnalysis(h func(http.ResponseWriter, *http.Request, *analysis)) http.HandlerFunc {
	return s.withCustomer(func(w http.ResponseWriter, r *http.Request, c *customer) {
		for _, a := range c.analyses {
			if a.ID == r.PathValue("analysisId") {
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
		if a.completed() {
			h(w, r, a)
			return
		}
		notFound(w, "Result")
	})
}

func (a *analysis) completed() bool {
	return a.Status == decisioning.StatusCompleted && a.outcome != nil && a.outcome.failure == nil
}

func (s *Server) createAnalysis(w http.ResponseWriter, r *http.Request) {
	var in decisioning.AnalysisInput
	if !read(w, r, &in) {
		return
	}
	s.withCustomer(func(w http.ResponseWriter, _ *http.Request, c *customer) { //nolint:contextcheck // an analysis outlives its request
		now := ccr.NewDateTime(time.Now().UTC())
		a := &analysis{customer: c, Analysis: decisioning.Analysis{
			ID: s.newID(), OrganizationID: organizationID, ProjectID: projectID, CustomerID: c.ID, UserID: ClientID,
			Status: decisioning.StatusCreated, Source: decisioning.SourceClient, DataOrigin: in.DataOrigin,
			Parameters: in.Parameters, CreatedAt: now, UpdatedAt: now,
		}}
		c.analyses = append(c.analyses, a)
		s.start(a, in)
		answer(w, http.StatusAccepted, a.Analysis)
	})(w, r)
}

// start gives an analysis its data, if there is any.
func (s *Server) start(a *analysis, in decisioning.AnalysisInput) {
	accounts := in.Accounts
	if in.Connections != nil || in.RawAccounts != nil {
		var ok bool
		if accounts, ok = fromRaw(in); !ok {
			o := failed(CodeBadRequest, "The format is not known to the rule table")
			s.run(a, o)
			return
		}
	}
	if accounts == nil {
		return
	}
	s.run(a, s.evaluate(accounts, s.newID))
}

func (s *Server) run(a *analysis, o outcome) {
	for i := range o.accounts {
		o.accounts[i].OrganizationID, o.accounts[i].ProjectID, o.accounts[i].CustomerID = organizationID, projectID, a.CustomerID
		o.accounts[i].CreatedAt, o.accounts[i].UpdatedAt = a.CreatedAt, a.CreatedAt
	}
	for i := range o.transactions {
		o.transactions[i].CreatedAt, o.transactions[i].UpdatedAt = a.CreatedAt, a.CreatedAt
	}
	a.outcome = &o
	a.timer = time.AfterFunc(s.cfg.Processing, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.finish(a)
		}
	})
}

// step is what reading an analysis does; s.mu is held.
func (s *Server) step(a *analysis) {
	switch {
	case a.outcome == nil:
	case a.Status == decisioning.StatusCreated:
		s.set(a, decisioning.StatusInProgress)
	default:
		s.finish(a)
	}
}

func (s *Server) set(a *analysis, status decisioning.AnalysisStatus) {
	a.Status = status
	a.UpdatedAt = ccr.NewDateTime(time.Now().UTC())
}

// finish ends an analysis, once; s.mu is held.
func (s *Server) finish(a *analysis) {
	if a.Status == decisioning.StatusCompleted || a.Status == decisioning.StatusError {
		return
	}
	a.stop()
	a.Metadata = a.outcome.metadata
	event := decisioning.EventAnalysisCompleted
	if a.outcome.failure != nil {
		a.Error = a.outcome.failure
		s.set(a, decisioning.StatusError)
		event = decisioning.EventAnalysisFailed
	} else {
		p := a.Parameters
		if p == nil || p.DisableScores == nil || !*p.DisableScores {
			a.Scores = a.outcome.scores
		}
		if p == nil || p.DisableCreditInsights == nil || !*p.DisableCreditInsights {
			a.CreditInsights = a.outcome.insights
		}
		s.set(a, decisioning.StatusCompleted)
	}
	s.emit(event, map[string]any{"customerId": a.CustomerID, "analysisId": a.ID})
}

func (s *Server) updateAnalysis(w http.ResponseWriter, r *http.Request, a *analysis) {
	body, err := io.ReadAll(r.Body)
	var in decisioning.AnalysisInput
	var report struct {
		Status decisioning.AnalysisStatus `json:"status"`
		Error  *decisioning.Failure       `json:"error"`
	}
	if err != nil || json.Unmarshal(body, &in) != nil || json.Unmarshal(body, &report) != nil {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "The body is not the expected JSON")
		return
	}
	switch {
	case a.body == string(body): // the same again changes nothing
	case a.outcome != nil:
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "The analysis has its data")
		return
	case report.Status == decisioning.StatusError:
		a.outcome = &outcome{failure: report.Error}
		if report.Error == nil {
			a.outcome.failure = &decisioning.Failure{Code: "INTERNAL_ERROR"}
		}
		s.finish(a)
	default:
		s.start(a, in)
	}
	a.body = string(body)
	answer(w, http.StatusOK, a.Analysis)
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
// into memory. transaction is called by several goroutines at once. An id that
// the server does not know is left alone.
func (s *Server) GenerateTransactions(analysisID string, count int, transaction func(i int) decisioning.Transaction) *Server {
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
			if a.ID == analysisID {
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
	var item func(int) decisioning.Transaction
	s.withAnalysis(func(w http.ResponseWriter, r *http.Request, a *analysis) {
		switch count, item = a.count, a.generated; {
		case item != nil:
		case a.completed():
			txs := a.outcome.transactions
			writePage(w, r, len(txs), func(i int) any { return txs[i] })
		default:
			notFound(w, "Result")
		}
	})(w, r)
	if item != nil {
		writePage(w, r, count, func(i int) any { return item(i) })
	}
}

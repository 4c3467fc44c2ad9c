package decisioningtest

import (
	"net/http"
	"slices"
)

type customer struct {
	id, custom string
	document   document
	analyses   []*analysis
}

const organizationID, projectID = "0000000000000000000000aa", "0000000000000000000000bb"

func (s *Server) handleCustomers() {
	s.handle("CreateCustomer", "POST /v2/customers", s.createCustomer)
	s.handle("Customers", "GET /v2/customers", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		all := make([]document, len(s.customers))
		for i, c := range s.customers {
			all[i] = c.document
		}
		writePage(w, r, len(all), func(i int) any { return all[i] })
	})
	s.handle("Customer", "GET /v2/customers/{customerId}", s.withCustomer(func(w http.ResponseWriter, _ *http.Request, c *customer) {
		answer(w, http.StatusOK, c.document)
	}))
	s.handle("UpdateCustomer", "PATCH /v2/customers/{customerId}", s.withCustomer(s.updateCustomer))
	s.handle("DeleteCustomer", "DELETE /v2/customers/{customerId}", s.withCustomer(func(w http.ResponseWriter, _ *http.Request, c *customer) {
		for _, a := range c.analyses {
			a.stop()
		}
		s.customers = slices.DeleteFunc(s.customers, func(o *customer) bool { return o == c })
		w.WriteHeader(http.StatusNoContent)
	}))
}

// withCustomer finds the customer of the path, under the lock.
func (s *Server) withCustomer(h func(http.ResponseWriter, *http.Request, *customer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.customers {
			if c.id == r.PathValue("customerId") {
				h(w, r, c)
				return
			}
		}
		notFound(w, "Customer")
	}
}

func (s *Server) createCustomer(w http.ResponseWriter, r *http.Request) {
	var in document
	if !read(w, r, &in) {
		return
	}
	custom := in.text("customIdentifier")
	if custom == "" {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "customIdentifier should not be empty")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.customers, func(c *customer) bool { return c.custom == custom }) {
		refuse(w, http.StatusUnprocessableEntity, s.cfg.DuplicateCode, "A customer with this customIdentifier already exists")
		return
	}
	c := &customer{id: s.newID(), custom: custom}
	c.document = in.with(map[string]any{
		"id": c.id, "organizationId": organizationID, "projectId": projectID, "userId": ClientID,
		"userJourneyState": "CUSTOMER_CREATED", "createdAt": now(), "updatedAt": now(),
	})
	s.customers = append(s.customers, c)
	answer(w, http.StatusCreated, c.document)
}

func (s *Server) updateCustomer(w http.ResponseWriter, r *http.Request, c *customer) {
	var in document
	if !read(w, r, &in) {
		return
	}
	c.document = c.document.with(map[string]any{"updatedAt": now()})
	for _, name := range []string{"aggregationDetails", "personalDetails"} {
		switch v, given := in[name]; {
		case given:
			c.document[name] = v
		case s.cfg.ReplacingPatch:
			delete(c.document, name)
		}
	}
	answer(w, http.StatusOK, c.document)
}

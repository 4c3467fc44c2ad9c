package decisioningtest

import (
	"net/http"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

type customer struct {
	decisioning.Customer
	analyses []*analysis
}

const organizationID, projectID = "0000000000000000000000aa", "0000000000000000000000bb"

func (s *Server) handleCustomers() {
	s.handle("CreateCustomer", "POST /v2/customers", s.createCustomer)
	s.handle("Customers", "GET /v2/customers", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		all := make([]decisioning.Customer, len(s.customers))
		for i, c := range s.customers {
			all[i] = c.Customer
		}
		writePage(w, r, len(all), func(i int) any { return all[i] })
	})
	s.handle("Customer", "GET /v2/customers/{customerId}", s.withCustomer(func(w http.ResponseWriter, _ *http.Request, c *customer) {
		answer(w, http.StatusOK, c.Customer)
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
			if c.ID == r.PathValue("customerId") {
				h(w, r, c)
				return
			}
		}
		notFound(w, "Customer")
	}
}

func (s *Server) createCustomer(w http.ResponseWriter, r *http.Request) {
	var in decisioning.Customer // a superset of what may be sent
	if !read(w, r, &in) {
		return
	}
	if in.CustomIdentifier == "" {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "customIdentifier should not be empty")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.customers {
		if c.CustomIdentifier == in.CustomIdentifier {
			refuse(w, http.StatusUnprocessableEntity, "ALREADY_EXISTS", "A customer with this customIdentifier already exists")
			return
		}
	}
	in.ID, in.OrganizationID, in.ProjectID, in.UserID = s.newID(), organizationID, projectID, ClientID
	in.UserJourneyState = decisioning.JourneyCustomerCreated
	in.CreatedAt = ccr.NewDateTime(time.Now().UTC())
	in.UpdatedAt = in.CreatedAt
	s.customers = append(s.customers, &customer{Customer: in})
	answer(w, http.StatusCreated, in)
}

func (s *Server) updateCustomer(w http.ResponseWriter, r *http.Request, c *customer) {
	var in decisioning.Customer
	if !read(w, r, &in) {
		return
	}
	if in.AggregationDetails != nil {
		c.AggregationDetails = in.AggregationDetails
	}
	if in.PersonalDetails != nil {
		c.PersonalDetails = in.PersonalDetails
	}
	c.UpdatedAt = ccr.NewDateTime(time.Now().UTC())
	answer(w, http.StatusOK, c.Customer)
}

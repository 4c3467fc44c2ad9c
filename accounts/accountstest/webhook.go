package accountstest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr/accounts"
)

// SenderAuth is how a [Sender] authenticates: one of the four styles.
type SenderAuth func(ctx context.Context, c *http.Client) (authorization string, err error)

// SendBasic authenticates by user and password.
func SendBasic(user, password string) SenderAuth {
	return fixed("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// SendAPIKey authenticates by a bare key.
func SendAPIKey(key string) SenderAuth { return fixed(key) }

// SendBearer authenticates by a static token.
func SendBearer(token string) SenderAuth { return fixed("Bearer " + token) }

// SendNothing sends no Authorization header.
func SendNothing() SenderAuth { return fixed("") }

func fixed(v string) SenderAuth {
	return func(context.Context, *http.Client) (string, error) { return v, nil }
}

// SenderOAuth is the OAuth style: the sender first calls the client's token
// server, and caches the token by its expiry.
type SenderOAuth struct {
	TokenURL       string              // of the endpoint under test
	User, Password string              // Basic authentication, if User is set
	Form           map[string]string   // form fields, if any
	Names          accounts.TokenNames // of the members of its answer; zero: OAuth's
}

// SendOAuth authenticates by a token of the client's own server.
func SendOAuth(o SenderOAuth) SenderAuth {
	name := func(v *string, def string) {
		if *v == "" {
			*v = def
		}
	}
	name(&o.Names.AccessToken, "access_token")
	name(&o.Names.TokenType, "token_type")
	name(&o.Names.ExpiresIn, "expires_in")
	var mu sync.Mutex
	var cached string
	var until time.Time
	return func(ctx context.Context, c *http.Client) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Now().Before(until) {
			return cached, nil
		}
		m, err := o.fetch(ctx, c)
		if err != nil {
			return "", err
		}
		seconds, ok := m[o.Names.ExpiresIn].(float64)
		if !ok {
			return "", errors.New("accountstest: the token server's answer has no expiry")
		}
		cached, until = fmt.Sprintf("%v %v", m[o.Names.TokenType], m[o.Names.AccessToken]), time.Now().Add(time.Duration(seconds)*time.Second)
		return cached, nil
	}
}

func (o *SenderOAuth) fetch(ctx context.Context, c *http.Client) (map[string]any, error) {
	form := url.Values{}
	for k, v := range o.Form {
		form.Set(k, v)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if o.User != "" {
		req.SetBasicAuth(o.User, o.Password)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("accountstest: the token server answered %d", resp.StatusCode)
	}
	var m map[string]any
	return m, json.NewDecoder(resp.Body).Decode(&m)
}

// Sender calls a webhook as Credit Clear does.
type Sender struct {
	URL    string       // of the receiver
	Auth   SenderAuth   // nil is [SendNothing]
	Client *http.Client // that trusts the webhook's server; nil is http.DefaultClient
}

// Send posts a body and returns the status of the answer.
func (s *Sender) Send(ctx context.Context, body []byte) (int, error) {
	auth, client := s.Auth, s.Client
	if auth == nil {
		auth = SendNothing()
	}
	if client == nil {
		client = http.DefaultClient
	}
	authorization, err := auth(ctx, client)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body) //nolint:errcheck // nothing is read from it
	return resp.StatusCode, nil
}

// SampleEvent is a body with an event and its metadata, in the casing of the
// vendor's prose. The members beside the two are made up.
func SampleEvent(t accounts.EventType) []byte {
	body := map[string]any{"EventType": t, "InvoiceNumber": "IN12345", "ClientReferenceId": "C-000001"}
	switch t {
	case accounts.EventPaymentPlanCancelled:
		body["Metadata"] = map[string]any{"CancelledDate": "2021-11-03T12:58:07.9850068Z", "PaymentFrequency": "Weekly", "RecurringAmount": json.Number("59.0")}
	case accounts.EventPaymentPlanComplete:
		body["Metadata"] = map[string]any{"EndDate": "2021-11-03T12:58:07.9850068Z", "RecurringPaymentId": "5b0d3e0a-6f5c-4f6e-8a53-0c8f5e1f2a11"}
	case accounts.EventAdhocPaymentMade:
		body["Metadata"] = map[string]any{"TransactionId": "071-P-1", "Amount": json.Number("1235.0"), "PaymentType": "FatZebraCreditCard", "IsAdhocPayment": true}
	case accounts.EventPaymentFailed:
		body["Metadata"] = map[string]any{
			"TransactionId": "071-P-2", "Amount": json.Number("59.0"), "PaymentType": "FatZebraCreditCard",
			"TransactionCorrelationId": "5b0d3e0a-6f5c-4f6e-8a53-0c8f5e1f2a11", "ProcessedOnUtc": "2021-11-03T12:58:07.9850068Z", "IsAdhocPayment": false,
			"AdhocPaymentFailedSinceLastSuccess": 0, "NonAdhocPaymentFailedSinceLastSuccess": 2,
		}
	}
	return dotnetJSON(body)
}

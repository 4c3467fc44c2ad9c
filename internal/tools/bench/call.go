package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	resty "github.com/go-resty/resty/v2"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stripe/stripe-go/v85"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/internal/testkit"
)

// callers are the clients that make one small authenticated GET over keep-alive
// TLS, each in its own public way.
const callers = "ccr net/http resty client-go hcloud-go stripe-go openai-go"

func callCase(cfg config) benchCase {
	calls := 3000
	if cfg.short {
		calls = 300
	}
	c := benchCase{
		name: "core: small GET over TLS, other SDKs",
		setup: func(_ context.Context, w *world) error {
			var ready readyServer
			if err := w.start(&ready, "json"); err != nil {
				return err
			}
			w.facts["url"] = ready.URL
			w.facts["ca"] = filepath.Join(w.dir, "ca.pem")
			return os.WriteFile(w.facts["ca"], []byte(ready.CA), 0o600)
		},
		targets: []target{atMost("s", "net/http", 1.15), atMost("allocs", "net/http", 20)},
	}
	for name := range strings.FieldsSeq(callers) {
		c.variants = append(c.variants, variant{name: name, run: func(ctx context.Context, w *world) (figures, error) {
			return w.child(ctx, "call", name, w.facts["url"], w.facts["ca"], strconv.Itoa(calls))
		}})
	}
	return c
}

// readyServer is what an HTTP server process says of itself.
type readyServer struct {
	URL string `json:"url"`
	CA  string `json:"ca"`
}

// jsonServer answers each path that a client may ask for with a small object.
func jsonServer([]string) (any, func(), error) {
	s, err := testkit.New(testkit.Options{})
	if err != nil {
		return nil, nil, err
	}
	answers := map[string]string{
		"GET /v1/models/{id}":                `{"id":"abc","object":"model","name":"n","created":1700000000,"owned_by":"me"}`,
		"GET /v2/customers/{id}":             `{"id":"abc","customIdentifier":"n","organizationId":"o","projectId":"p","isArchived":false}`,
		"GET /api/v4/projects/1/labels/{id}": `{"id":1,"name":"n","color":"#fff","description":"d","open_issues_count":3}`,
		"GET /locations/{id}":                `{"location":{"id":1,"name":"n","description":"d","country":"DE","city":"c"}}`,
		"GET /v1/customers/{id}":             `{"id":"cus_1","object":"customer","name":"n","created":1700000000,"email":"e"}`,
	}
	mux := http.NewServeMux()
	for pattern, answer := range answers {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, answer) //nolint:errcheck // the client may have gone
		})
	}
	s.Handle("All", "/", mux.ServeHTTP)
	s.KeepNoRecord()
	return readyServer{s.Root(), string(s.CAPEM())}, s.Close, nil
}

func trusting(caFile string) (*http.Client, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in the CA file")
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 64}}, nil
}

// callJob makes the calls of one variant and counts time and allocations.
func callJob(ctx context.Context, args []string) (figures, error) {
	if len(args) != 4 {
		return nil, errArgs
	}
	calls, err := strconv.Atoi(args[3])
	if err != nil {
		return nil, err
	}
	client, err := trusting(args[2])
	if err != nil {
		return nil, err
	}
	call, err := callBy(args[0], args[1], client)
	if err != nil {
		return nil, err
	}
	for range calls / 10 { // warm up: connection, caches, growth
		if err := call(ctx); err != nil {
			return nil, err
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range calls {
		if err := call(ctx); err != nil {
			return nil, err
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return figures{
		"s": took.Seconds(), "µs/call": took.Seconds() / float64(calls) * 1e6,
		"allocs": float64(after.Mallocs-before.Mallocs) / float64(calls),
	}, nil
}

func callBy(name, url string, h *http.Client) (func(context.Context) error, error) {
	switch name {
	case "ccr":
		cred, err := auth.NewStaticBearer(ccr.NewSecret("t"))
		if err != nil {
			return nil, err
		}
		c, err := decisioning.NewClient(cred, ccr.WithBaseURL(url), ccr.WithHTTPClient(h))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			_, err := c.Customer(ctx, "abc")
			return err
		}, nil
	case "net/http":
		return func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v2/customers/abc", nil)
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", "Bearer t")
			resp, err := h.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var v decisioning.Customer
			if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		}, nil
	case "resty":
		c := resty.NewWithClient(h).SetAuthToken("t").SetRetryCount(3).SetBaseURL(url)
		return func(ctx context.Context) error {
			var v struct{ ID, Object, Name string }
			_, err := c.R().SetContext(ctx).SetResult(&v).Get("/v1/models/abc")
			return err
		}, nil
	case "client-go":
		c, err := gitlab.NewClient("t", gitlab.WithBaseURL(url), gitlab.WithHTTPClient(h), gitlab.WithCustomLimiter(ccr.NoLimit()))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			_, _, err := c.Labels.GetLabel(1, "n", gitlab.WithContext(ctx))
			return err
		}, nil
	case "hcloud-go":
		c := hcloud.NewClient(hcloud.WithToken("t"), hcloud.WithEndpoint(url), hcloud.WithHTTPClient(h))
		return func(ctx context.Context) error {
			_, _, err := c.Location.GetByID(ctx, 1)
			return err
		}, nil
	case "stripe-go":
		b := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
			URL: stripe.String(url), HTTPClient: h, LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, EnableTelemetry: stripe.Bool(false),
		})
		c := stripe.NewClient("key", stripe.WithBackends(&stripe.Backends{API: b}))
		return func(ctx context.Context) error {
			_, err := c.V1Customers.Retrieve(ctx, "cus_1", nil)
			return err
		}, nil
	case "openai-go":
		c := openai.NewClient(option.WithAPIKey("t"), option.WithBaseURL(url+"/v1/"), option.WithHTTPClient(h))
		return func(ctx context.Context) error {
			_, err := c.Models.Get(ctx, "abc")
			return err
		}, nil
	}
	return nil, fmt.Errorf("unknown variant %q", name)
}

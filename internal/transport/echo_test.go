package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

type debtor struct {
	LastName string `json:"lastName"`
	Phone    int64  `json:"phone"`
}

type echoed struct {
	Accounts []debtor `json:"accounts"`
}

// TestEchoes: a vendor that repeats what it was sent, in every header and
// member that an error, a log event or a response shows, gets none of it shown.
func TestEchoes(t *testing.T) {
	t.Parallel()
	const token, name, phone = "t0ps3cret-4711", "Lindqvist", "61412345678"
	body := `{"accounts":[{"lastName":"` + name + `","phone":` + phone + `}],"note":"secretive"}`
	headers := []string{
		"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Amzn-Requestid", "X-Azure-Ref", "Cf-Ray",
		"Location", "Retry-After", "Www-Authenticate", "Set-Cookie", "Content-Type", "Server", "Warning", "Link",
	}
	bodies := []string{
		`{"code":"%s"}`, `{"error":"%s"}`, `{"error":{"code":"%s"}}`, `{"error":{"message":"%s"}}`, `{"title":"%s"}`, `{"type":"%s"}`,
		`{"detail":"%s"}`, `{"instance":"%s"}`, `{"message":"%s"}`, `{"message":["%s"]}`, `{"error_description":"%s"}`, `{"status":"%s"}`,
		`{"errors":{"%s":["x"]}}`, `{"errors":{"accounts[0].%s":["x"]}}`, `{"errors":{"$.%s.lastName":["x"]}}`, `{"errors":{"accounts[0].lastName":["%s"]}}`,
		`{"errors":[{"pointer":"/accounts/0/%s"}]}`, `{"errors":[{"path":"%s"}]}`, `{"errors":[{"field":"%s"}]}`, `{"errors":[{"property":"%s"}]}`,
		`{"errors":[{"name":"%s"}]}`, `{"code":"E-%s-1"}`, `{"%s":1}`, `%s`,
	}
	type place struct{ header, body string }
	var places []place
	for _, h := range headers {
		places = append(places, place{header: h})
	}
	for _, b := range bodies {
		places = append(places, place{body: b})
	}
	require.GreaterOrEqual(t, len(places), 30)
	shown := 0
	for _, p := range places {
		for _, value := range []string{token, name, phone, "T-1"} {
			for _, status := range []int{200, 302, 400, 409, 503} {
				rt := roundTripper(func(*http.Request) (*http.Response, error) {
					h := http.Header{}
					if p.header != "" {
						h.Set(p.header, value)
					}
					text := strings.ReplaceAll(p.body, "%s", value)
					return &http.Response{StatusCode: status, Status: value, Header: h, ContentLength: int64(len(text)), Body: httpBody(text)}, nil
				})
				var out bytes.Buffer
				c, err := New(Config{
					Service: "svc", DefaultBaseURL: "https://" + host, Credential: key{token},
					Members: func() map[string]string { return MembersOf(reflect.TypeFor[echoed]()) },
				}, ccr.WithHTTPClient(&http.Client{Transport: rt}), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}),
					ccr.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
				require.NoError(t, err)
				var into ccr.Response
				resp, err := c.Do(t.Context(), &Request{
					Route: &Route{Operation: "Put", Method: "PUT", Path: "/v1/{id}"}, PathArgs: []string{"T-1000"},
					Body: BytesBody(JSON, []byte(body)), Call: Call{Response: &into},
				})
				for _, v := range []any{resp, err, into} {
					if e, ok := v.(*ccr.Error); ok {
						raw, jerr := json.Marshal(e)
						require.NoError(t, jerr)
						fmt.Fprintf(&out, "%s %v %v", raw, e.LogValue(), errors.Unwrap(e))
					}
					fmt.Fprintf(&out, "%v %+v %#v", v, v, v)
				}
				if strings.Contains(out.String(), value) && value != "T-1" {
					shown++
					assert.Fail(t, "shown", "%s in %+v of %d:\n%s", value, p, status, out.String())
				}
			}
		}
	}
	t.Logf("%d places of %d showed something", shown, len(places))
}

// TestShownIDs: what repeats nothing is shown.
func TestShownIDs(t *testing.T) {
	t.Parallel()
	k := &call{req: &Request{PathArgs: []string{"C-00017"}, Body: BytesBody(JSON, []byte(`{"name":"Lindqvist","account":"12345678","status":"OK"}`))}}
	for id, want := range map[string]bool{
		"4bf92f3577b34da6a3ce929d0e0e4736": true, "req-1": true, "ACCOUNT_NAME_INVALID": true, "OK": true,
		"Lindqvist": false, "x-LINDQVIST-1": false, "12345678": false, "ref:12345678": false, "C-00017": false, "c-00017/x": false,
	} {
		assert.Equal(t, want, k.shown(id) != "", id)
	}
}

func TestMemberPath(t *testing.T) {
	t.Parallel()
	members := MembersOf(reflect.TypeFor[echoed]())
	for path, want := range map[string]string{
		"accounts[0].lastName": "accounts[0].lastName", "$.accounts[0].LastName": "accounts[0].lastName", "Accounts[12].last_name": "accounts[12].lastName",
		"/accounts/0/lastName": "accounts[0].lastName", "#/accounts/3": "accounts[3]", "accounts[0].Lindqvist": "accounts[0].?",
		"Lindqvist": "", "accounts[61412345678].phone": "accounts.?.phone", "": "", "$": "", "[0]": "",
	} {
		assert.Equal(t, want, memberPath(path, members), path)
	}
}

func httpBody(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

package transport

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestNew(t *testing.T) {
	t.Parallel()
	own := errors.New("another API")
	for name, tt := range map[string]struct {
		cfg  Config
		opts []ccr.Option
		want string
	}{
		"no URL":               {Config{Service: "svc"}, nil, "svc: no base URL is published; set ccr.WithBaseURL"},
		"a default in clear":   {Config{Service: "svc", DefaultBaseURL: "http://x.example"}, nil, "must use https"},
		"a URL in clear":       {Config{Service: "svc"}, []ccr.Option{ccr.WithBaseURL("http://x.example")}, "must use https"},
		"options, all of them": {Config{Service: "svc"}, []ccr.Option{ccr.WithBaseURL("http://x.example"), ccr.WithLogger(nil)}, "WithLogger(nil)"},
		"credential refuses":   {Config{Service: "svc", DefaultBaseURL: "https://x.example", Credential: unbindable{own}}, nil, "svc: another API"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.cfg, tt.opts...)
			require.ErrorContains(t, err, tt.want)
		})
	}
	c, err := New(Config{Service: "svc", DefaultBaseURL: "https://x.example/base/"}, ccr.WithEnvironment("uat"))
	require.NoError(t, err)
	assert.Equal(t, "https://x.example/base", c.BaseURL().String())
	assert.Equal(t, "uat", c.Environment())
	assert.Equal(t, "svc", c.Service())
	assert.NotNil(t, c.Logger())
	assert.Equal(t, 20*10, int(c.budget.parts.Load()))
}

type unbindable struct{ err error }

func (u unbindable) Bind(Binding) error { return u.err }

func (unbindable) Refused(string) bool { return false }

func TestPaths(t *testing.T) {
	t.Parallel()
	const id = "/v1/a/{id}/b/{other}"
	for name, tt := range map[string]struct {
		base, template string
		args           []string
		path, escaped  string   // of the URL
		faults         []string // paths of them
	}{
		"no arguments":      {"https://x/base", "/v1/a", nil, "/base/v1/a", "/base/v1/a", nil},
		"no path":           {"https://x/gateway.php", "", nil, "/gateway.php", "/gateway.php", nil},
		"plain":             {"https://x/base", id, []string{"1", "Z-2_3"}, "/base/v1/a/1/b/Z-2_3", "/base/v1/a/1/b/Z-2_3", nil},
		"a slash":           {"https://x", id, []string{"1/../2", "y"}, "/v1/a/1/../2/b/y", "/v1/a/1%2F..%2F2/b/y", nil},
		"a query":           {"https://x", id, []string{"1?a=b#c", "y"}, "/v1/a/1?a=b#c/b/y", "/v1/a/1%3Fa=b%23c/b/y", nil},
		"a percent":         {"https://x", id, []string{"%2e%2e", "y"}, "/v1/a/%2e%2e/b/y", "/v1/a/%252e%252e/b/y", nil},
		"a space and an é":  {"https://x/base", id, []string{"a b", "é"}, "/base/v1/a/a b/b/é", "/base/v1/a/a%20b/b/%C3%A9", nil},
		"NUL and new line":  {"https://x", id, []string{"\x00", "\r\n"}, "/v1/a/\x00/b/\r\n", "/v1/a/%00/b/%0D%0A", nil},
		"braces":            {"https://x", id, []string{"{other}", "y"}, "/v1/a/{other}/b/y", "/v1/a/%7Bother%7D/b/y", nil},
		"a template's own":  {"https://x", "/v1/a%20b/{id}", []string{"1"}, "/v1/a b/1", "/v1/a%20b/1", nil},
		"empty":             {"https://x", id, []string{"", "y"}, "", "", []string{"id"}},
		"dots":              {"https://x", id, []string{".", ".."}, "", "", []string{"id", "other"}},
		"too long":          {"https://x", id, []string{strings.Repeat("x", 257), "y"}, "", "", []string{"id"}},
		"too few arguments": {"https://x", id, []string{"1"}, "", "", []string{"Op"}},
		"none of them":      {"https://x", id, nil, "", "", []string{"Op"}},
		"too many":          {"https://x", id, []string{"1", "2", "3"}, "", "", []string{"Op"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := New(Config{Service: "svc", DefaultBaseURL: tt.base})
			require.NoError(t, err)
			k := &call{c: c, req: &Request{Route: &Route{Operation: "Op", Method: "GET", Path: tt.template}, PathArgs: tt.args, Query: "a=1"}}
			if e := k.resolve(); tt.faults != nil {
				require.NotNil(t, e)
				var paths []string
				for _, f := range e.Fields {
					paths = append(paths, f.Path)
				}
				assert.Equal(t, tt.faults, paths)
				assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
				require.ErrorIs(t, e, ccr.ErrInvalid)
				return
			} else if !assert.Nil(t, e) {
				return
			}
			assert.Equal(t, tt.path, k.url.Path)
			assert.Equal(t, tt.escaped, k.url.EscapedPath())
			assert.Equal(t, "a=1", k.url.RawQuery)
			back, err := url.Parse(k.url.String())
			require.NoError(t, err)
			assert.Equal(t, tt.path, back.Path, "it is read as it was meant")
			assert.Equal(t, "x", back.Host)
		})
	}
}

func TestClassNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"idempotent", "unsent-only", "destructive"}, []string{Idempotent.String(), UnsentOnly.String(), Destructive.String()})
	assert.Equal(t, "PUT /v1/things", routePut.String())
}

func (unbindable) Header(context.Context) (string, string, error) { return "", "", nil }

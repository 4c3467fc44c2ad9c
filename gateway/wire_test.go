package gateway_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// TestRequestsOnTheWire has every request as it goes out, byte for byte, with
// the key and the secret replaced.
func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	one := ccr.FileFromBytes("COLLECTIONS_20261121.csv", []byte("a,b\r\n"))
	names := []string{"FileOne.txt", `odd "name" é/ü.xml`}
	for want, call := range map[string]func(*gateway.Client, ccr.Sink) error{
		`{"apikey":"<key>","secret":"<secret>","action":"upload","resultsformat":"JSON","files":[{"name":"COLLECTIONS_20261121.csv","data":"YSxiDQo="}]}`: func(c *gateway.Client, _ ccr.Sink) error {
			_, err := c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{one}})
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"upload","force":"yes","resultsformat":"JSON","files":[{"name":"COLLECTIONS_20261121.csv","data":"YSxiDQo="},{"name":"b (2) [x]_y.txt","data":""}]}`: func(c *gateway.Client, _ ccr.Sink) error {
			_, err := c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{one, ccr.FileFromBytes("b (2) [x]_y.txt", nil)}, Overwrite: true, AllowEmpty: true})
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"upload","resultsformat":null,"note":{"a":1},"files":[{"name":"COLLECTIONS_20261121.csv","data":"YSxiDQo="}]}`: func(c *gateway.Client, _ ccr.Sink) error {
			_, err := c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{one}, Extra: map[string]any{"note": map[string]int{"a": 1}, "resultsformat": nil}})
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"download","resultsformat":"JSON"}`: func(c *gateway.Client, s ccr.Sink) error {
			_, err := c.Download(t.Context(), s)
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"test","resultsformat":"JSON"}`: func(c *gateway.Client, s ccr.Sink) error {
			_, err := c.Test(t.Context(), s)
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"countReports"}`: func(c *gateway.Client, _ ccr.Sink) error {
			_, err := c.CountReports(t.Context())
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"listReports"}`: func(c *gateway.Client, _ ccr.Sink) error {
			_, err := c.ListReports(t.Context())
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"downloadByName","resultsformat":"JSON","names":["FileOne.txt","odd \"name\" é/ü.xml"]}`: func(c *gateway.Client, s ccr.Sink) error {
			_, err := c.DownloadByName(t.Context(), s, names)
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"testByName","resultsformat":"JSON","names":["FileOne.txt","odd \"name\" é/ü.xml"]}`: func(c *gateway.Client, s ccr.Sink) error {
			_, err := c.TestByName(t.Context(), s, names)
			return err
		},
		`{"apikey":"<key>","secret":"<secret>","action":"archiveByName","resultsformat":"JSON","names":["FileOne.txt","odd \"name\" é/ü.xml"]}`: func(c *gateway.Client, _ ccr.Sink) error {
			_, err := c.ArchiveByName(t.Context(), names)
			return err
		},
	} {
		srv, c := bureau(t)
		// What becomes of the call is tested elsewhere.
		_ = call(c, ccr.DirSink(t.TempDir()))
		key, err := srv.Credential().Key.Reveal()
		require.NoError(t, err)
		secret, err := srv.Credential().Secret()
		require.NoError(t, err)
		hash, err := secret.Reveal()
		require.NoError(t, err)
		srv.Close()
		all := srv.Requests("")
		require.NotEmpty(t, all, want)
		got := all[0]
		assert.Equal(t, want, strings.NewReplacer(key, "<key>", hash, "<secret>").Replace(string(got.Body)))
		assert.Equal(t, "POST", got.Method)
		assert.Equal(t, "/gateway.php", got.Path)
		assert.Empty(t, got.Query)
		assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
		assert.Empty(t, got.Header.Get("Authorization"))
		assert.Contains(t, got.Header.Get("User-Agent"), "ccr-go/"+ccr.Version)
		assert.Contains(t, want, `"action":"`+strings.ToLower(got.Operation[:1])+got.Operation[1:]+`"`)
	}
}

// TestSecretVector is the example of the API page.
func TestSecretVector(t *testing.T) {
	t.Parallel()
	const want = "a3d6f005686399178c6c44a1fcb8cedfd281a7ff37b4e8a96303e2761a951dc0"
	srv, err := gatewaytest.NewServer(gatewaytest.Config{InMemory: true, Credential: auth.APIKey{Key: ccr.NewSecret("k"), Username: "demouser", IP: "210.10.150.110"}})
	require.NoError(t, err)
	defer srv.Close()
	c, err := srv.Client()
	require.NoError(t, err)
	_, err = c.CountReports(t.Context())
	require.NoError(t, err)
	srv.Close()
	assert.Contains(t, string(srv.Requests("CountReports")[0].Body), `"secret":"`+want+`"`)
	secret, err := auth.BureauSecret("demouser", "210.10.150.110")
	require.NoError(t, err)
	text, err := secret.Reveal()
	require.NoError(t, err)
	assert.Equal(t, want, text)
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*auth.APIKey){
		"key":      func(k *auth.APIKey) { k.Key = ccr.NewSecret("another") },
		"username": func(k *auth.APIKey) { k.Username += "x" },
		"IP":       func(k *auth.APIKey) { k.IP = "198.51.100.7" },
	} {
		for style, s := range map[string]gatewaytest.Style{
			"rows": {}, "text alone": {TextRefusals: true}, "HTTP 401": {RefusalStatus: 401}, "HTTP 403": {RefusalStatus: 403},
		} {
			t.Run(name+", "+style, func(t *testing.T) {
				t.Parallel()
				srv, _ := bureau(t)
				srv.SetStyle(s).AddReport("a.xml", report(1))
				key := srv.Credential()
				change(&key)
				c, err := gateway.NewClient(key, srv.Options()...)
				require.NoError(t, err)
				want := ccr.ErrUnauthorized
				if s.RefusalStatus == 403 {
					want = ccr.ErrForbidden
				}
				_, err = c.CountReports(t.Context())
				require.ErrorIs(t, err, want)
				_, err = c.ListReports(t.Context())
				require.ErrorIs(t, err, want)
				_, err = c.Download(t.Context(), ccr.DirSink(t.TempDir()))
				if !s.TextRefusals { // words beside no files prove nothing
					require.ErrorIs(t, err, want)
				}
				require.Error(t, err)
				_, err = c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{ccr.FileFromBytes("a", []byte("b"))}})
				require.ErrorIs(t, err, want)
				_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()))
				require.ErrorIs(t, err, want)
				assert.Equal(t, []string{"a.xml"}, srv.Waiting())
			})
		}
	}
}

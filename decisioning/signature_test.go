package decisioning_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// vectorSecret keys the vectors of testdata/signatures, which openssl made.
const vectorSecret = "a webhook secret: äö"

// delivery is a request body around a payload, the way it stands.
func delivery(payload string) []byte {
	return []byte(`{"subscription":{"id":"s1","target":"https://me.example/hook","eventName":"analysis_completed","status":"ACTIVE"},"payload":` + payload + `,"time":1649079130891,"index":7,"id":"e1"}`)
}

func TestSignaturesMadeByOpenSSL(t *testing.T) {
	t.Parallel()
	sums, err := os.ReadFile(filepath.Join("testdata", "signatures", "openssl.txt"))
	require.NoError(t, err)
	secret := ccr.NewSecret(vectorSecret)
	n, changed := 0, 0
	for line := range strings.SplitSeq(strings.TrimSpace(string(sums)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		sum, file, ok := strings.Cut(line, "  ")
		require.True(t, ok)
		payload, err := os.ReadFile(filepath.Join("testdata", "signatures", file))
		require.NoError(t, err)
		n++
		made, err := decisioning.SignPayload(secret, payload)
		require.NoError(t, err)
		assert.Equal(t, "sha256="+sum, made, file)

		var pretty, whole bytes.Buffer
		require.NoError(t, json.Indent(&pretty, payload, "\t", "  "))
		require.NoError(t, json.Indent(&whole, delivery(string(payload)), "", "\t"))
		for _, body := range [][]byte{delivery(string(payload)), delivery(" \n" + pretty.String() + "\r\n"), whole.Bytes()} {
			e, err := decisioning.ParseEvent(body, "sha256="+sum, secret)
			require.NoError(t, err, file)
			assert.JSONEq(t, string(payload), string(e.Payload))
			assert.Equal(t, decisioning.EventAnalysisCompleted, e.Name)
		}

		// What signing a payload that was decoded and encoded again would give.
		var v any
		require.NoError(t, json.Unmarshal(payload, &v))
		again, err := json.Marshal(v)
		require.NoError(t, err)
		mac := hmac.New(sha256.New, []byte(vectorSecret))
		mac.Write(again)
		if hex.EncodeToString(mac.Sum(nil)) != sum {
			changed++
		}
	}
	assert.Equal(t, 7, n)
	assert.Equal(t, 5, changed, "the vectors tell a signature of the raw bytes from one of a copy")
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	secret, other := ccr.NewSecret("one"), ccr.NewSecret("two")
	const payload = `{"customerId":"c1","analysisId":"a1"}`
	signature, err := decisioning.SignPayload(secret, []byte(payload))
	require.NoError(t, err)
	e, err := decisioning.ParseEvent(delivery(payload), signature, other, secret)
	require.NoError(t, err, "several secrets, while they change")
	assert.Equal(t, decisioning.Event{
		Name: decisioning.EventAnalysisCompleted, SubscriptionID: "s1", ID: "e1", Index: 7, Time: time.UnixMilli(1649079130891).UTC(),
		CustomerID: "c1", AnalysisID: "a1", Payload: jsontext.Value(payload), Body: jsontext.Value(delivery(payload)),
	}, e)

	// Algoan's own sample has neither id nor status; its list model has a text for index.
	e, err = decisioning.ParseEvent([]byte(`{"subscription":{"id":"s1","target":"t","eventName":"x_new_event"},"payload":`+payload+`,"index":"12"}`), signature, secret)
	require.NoError(t, err)
	assert.Equal(t, decisioning.EventName("x_new_event"), e.Name)
	assert.Equal(t, int64(12), e.Index)
	assert.Empty(t, e.ID)
	assert.True(t, e.Time.IsZero())

	upper := "sha256=" + strings.ToUpper(strings.TrimPrefix(signature, "sha256="))
	_, err = decisioning.ParseEvent(delivery(payload), upper, secret)
	require.NoError(t, err, "hexadecimal in capitals is the same number")

	wrong := map[string]struct {
		body, signature string
		secrets         []ccr.Secret
		err             error
	}{
		"no signature":      {string(delivery(payload)), "", []ccr.Secret{secret}, decisioning.ErrSignature},
		"of another secret": {string(delivery(payload)), signature, []ccr.Secret{other}, decisioning.ErrSignature},
		"no secret":         {string(delivery(payload)), signature, nil, decisioning.ErrSignature},
		"other algorithm":   {string(delivery(payload)), strings.Replace(signature, "sha256", "sha1", 1), []ccr.Secret{secret}, decisioning.ErrSignature},
		"cut":               {string(delivery(payload)), signature[:40], []ccr.Secret{secret}, decisioning.ErrSignature},
		"not hexadecimal":   {string(delivery(payload)), "sha256=" + strings.Repeat("z", 64), []ccr.Secret{secret}, decisioning.ErrSignature},
		"other payload":     {string(delivery(`{"customerId":"c2","analysisId":"a1"}`)), signature, []ccr.Secret{secret}, decisioning.ErrSignature},
		"order changed":     {string(delivery(`{"analysisId":"a1","customerId":"c1"}`)), signature, []ccr.Secret{secret}, decisioning.ErrSignature},
		"two payloads":      {`{"subscription":{"eventName":"x"},"payload":` + payload + `,"payload":{"customerId":"evil"}}`, signature, []ccr.Secret{secret}, decisioning.ErrMalformedEvent},
		"a payload in code": {`{"subscription":{"eventName":"x"},"payload":` + payload + `,"p\u0061yload":{"customerId":"evil"}}`, signature, []ccr.Secret{secret}, decisioning.ErrMalformedEvent},
		"no payload":        {`{"subscription":{"eventName":"x"}}`, signature, []ccr.Secret{secret}, decisioning.ErrMalformedEvent},
		"no event":          {`{"payload":` + payload + `}`, signature, []ccr.Secret{secret}, decisioning.ErrMalformedEvent},
		"not JSON":          {`payload`, signature, []ccr.Secret{secret}, decisioning.ErrMalformedEvent},
		"nothing":           {``, signature, []ccr.Secret{secret}, decisioning.ErrMalformedEvent},
		"more than one":     {string(delivery(payload)) + `{}`, signature, []ccr.Secret{secret}, decisioning.ErrMalformedEvent},
	}
	for name, c := range wrong {
		_, err := decisioning.ParseEvent([]byte(c.body), c.signature, c.secrets...)
		assert.ErrorIs(t, err, c.err, name)
	}

	gone := ccr.SecretFromFile(filepath.Join(t.TempDir(), "gone"))
	_, err = decisioning.ParseEvent(delivery(payload), signature, gone)
	require.Error(t, err)
	assert.NotErrorIs(t, err, decisioning.ErrSignature, "a secret that cannot be read is our fault, not the sender's")
	_, err = decisioning.ParseEvent(delivery(payload), signature, gone, secret)
	require.NoError(t, err, "the other one is right")
	_, err = decisioning.SignPayload(ccr.Secret{}, []byte(payload))
	require.Error(t, err)
	_, err = decisioning.SignPayload(secret, []byte(`{`))
	require.Error(t, err)
}

// FuzzEvent: no body is accepted without a signature, and with one what was
// signed is what is read.
func FuzzEvent(f *testing.F) {
	for _, s := range append(oddities(), string(delivery(`{"customerId":"c","x":[1.0,"<&>"]}`)), string(delivery(`" "`)), string(delivery(`null`))) {
		f.Add([]byte(s))
	}
	secret := ccr.NewSecret("fuzz")
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := decisioning.ParseEvent(body, "sha256="+strings.Repeat("00", 32), secret)
		require.Error(t, err)
		var outer struct {
			Payload jsontext.Value `json:"payload"`
		}
		if json.Unmarshal(body, &outer) != nil || outer.Payload == nil {
			return
		}
		signature, err := decisioning.SignPayload(secret, outer.Payload)
		require.NoError(t, err)
		e, err := decisioning.ParseEvent(body, signature, secret)
		if err != nil {
			require.True(t, errors.Is(err, decisioning.ErrMalformedEvent) || errors.Is(err, decisioning.ErrSignature), "%v", err)
			return
		}
		same, err := decisioning.SignPayload(secret, e.Payload)
		require.NoError(t, err)
		require.Equal(t, signature, same)
		require.NotEmpty(t, e.Name)
	})
}

// TestEscapedSignatures: the prose of Algoan's documentation says that the
// escaped payload is signed, its example signs the payload as it stands; either
// is right, in each case of the digits.
func TestEscapedSignatures(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("testdata", "signatures", "escaped")
	sums, err := os.ReadFile(filepath.Join(folder, "openssl.txt"))
	require.NoError(t, err)
	sent, err := os.ReadFile(filepath.Join("testdata", "signatures", "sent.json"))
	require.NoError(t, err)
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(string(sums)), "\n") {
		sum, file, ok := strings.Cut(line, "  ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		_, err := decisioning.ParseEvent(delivery(string(sent)), "sha256="+sum, ccr.NewSecret(vectorSecret))
		require.NoError(t, err, file)
		_, err = decisioning.ParseEvent(delivery(string(sent)), "sha256="+sum, ccr.NewSecret("another"))
		require.ErrorIs(t, err, decisioning.ErrSignature)
		other := strings.Replace(string(sent), "jane", "john", 1)
		_, err = decisioning.ParseEvent(delivery(other), "sha256="+sum, ccr.NewSecret(vectorSecret))
		require.ErrorIs(t, err, decisioning.ErrSignature)
	}
	assert.Equal(t, 4, n)
}

// TestShortenedSignature: a right signature is right as a whole only. One that
// is compared by its length alone is guessed in 256 tries.
func TestShortenedSignature(t *testing.T) {
	t.Parallel()
	secret := ccr.NewSecret("one")
	const payload = `{"customerId":"c1"}`
	signature, err := decisioning.SignPayload(secret, []byte(payload))
	require.NoError(t, err)
	for _, size := range []int{0, 1, 8, 31} {
		_, err := decisioning.ParseEvent(delivery(payload), signature[:len("sha256=")+2*size], secret)
		require.ErrorIs(t, err, decisioning.ErrSignature, "%d bytes", size)
	}
	_, err = decisioning.ParseEvent(delivery(payload), signature+"00", secret)
	require.ErrorIs(t, err, decisioning.ErrSignature)
}

// TestServerSignsEitherWay: by its own code, not by the client's.
func TestServerSignsEitherWay(t *testing.T) {
	t.Parallel()
	for _, escaped := range []bool{false, true} {
		got := make(chan decisioning.Event, 1)
		srv, client := serve(t, decisioningtest.Config{EscapedSignatures: escaped})
		subs, err := client.EnsureSubscriptions(t.Context(), wanted("x"))
		require.NoError(t, err)
		secret := ccr.NewSecret("hush")
		plain := ""
		srv.DeliverTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			e, err := decisioning.ParseEvent(body, r.Header.Get(decisioning.SignatureHeader), secret)
			assert.NoError(t, err)
			plain, err = decisioning.SignPayload(secret, e.Payload)
			assert.NoError(t, err)
			assert.Equal(t, escaped, plain != r.Header.Get(decisioning.SignatureHeader))
			got <- e
		}))
		srv.Emit("x", map[string]string{"customerId": "ü/<%@>&😀"})
		e := <-got
		assert.Equal(t, "ü/<%@>&😀", e.CustomerID)
		assert.Equal(t, subs[0].ID, e.SubscriptionID)
	}
}

package ccr_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr"
)

// A captured answer may hold anybody's data: printing it shows its facts only.
func TestResponsePrintsNoBody(t *testing.T) {
	t.Parallel()
	r := ccr.Response{
		StatusCode: 200, Body: []byte(`{"name":"Quillfeather"}`), RequestID: "req-1", Attempts: 2,
		Header: http.Header{"Set-Cookie": {"Quillfeather"}},
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("answer", "response", r, "pointer", &r)
	slog.New(slog.NewTextHandler(&log, nil)).Info("answer", "response", r, "pointer", &r)
	all := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		all += fmt.Sprintf(verb+verb, r, &r)
	}
	assert.NotContains(t, all, "Quillfeather")
	assert.NotContains(t, all, "5175696c6c", "nor its bytes in hexadecimal")
	assert.Contains(t, all, "HTTP 200, 23 bytes, 2 attempts")
	assert.Contains(t, all, "req-1")
}

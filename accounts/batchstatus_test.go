package accounts

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReadStatus(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		code  int
		body  string
		state BatchState
		word  string
		items int
	}{
		"a word":                    {200, `{"status":"Completed"}`, StateSucceeded, "Completed", 0},
		"another case and name":     {200, `{"Batch_Status":"IN_PROGRESS"}`, StateProcessing, "IN_PROGRESS", 0},
		"a word nobody knows":       {200, `{"status":"Marinating","total":1,"succeeded":1,"failed":0}`, StateUnknown, "Marinating", 0},
		"failed":                    {200, `{"state":"Failed"}`, StateFailed, "Failed", 0},
		"wrapped":                   {200, `{"data":{"status":"Processing"}}`, StateProcessing, "Processing", 0},
		"a bare word":               {200, `"done"`, StateSucceeded, "done", 0},
		"accepted by code":          {202, `{}`, StateProcessing, "", 0},
		"empty":                     {200, ``, StateUnknown, "", 0},
		"not JSON":                  {200, `<html>`, StateUnknown, "", 0},
		"a number for a status":     {200, `{"status":3}`, StateUnknown, "3", 0},
		"counts only, done":         {200, `{"total":3,"succeeded":3,"failed":0}`, StateSucceeded, "", 0},
		"counts only, some failed":  {200, `{"total":3,"succeeded":2,"failed":1}`, StatePartial, "", 0},
		"counts only, all failed":   {200, `{"total":3,"succeeded":0,"failed":3}`, StateFailed, "", 0},
		"counts only, under way":    {200, `{"total":3,"succeeded":1,"failed":0}`, StateUnknown, "", 0},
		"completed, one failed":     {200, `{"status":"Completed","items":[{"status":"ok"},{"status":"failed"}]}`, StatePartial, "Completed", 2},
		"completed, all failed":     {200, `{"status":"Completed","items":[{"status":"failed"}]}`, StateFailed, "Completed", 1},
		"items only":                {200, `{"results":[{"success":true},{"success":true}]}`, StateSucceeded, "", 2},
		"items only, by error":      {200, `{"results":[{"success":true},{"error":"no"}]}`, StatePartial, "", 2},
		"items only, under way":     {200, `{"results":[{"success":true},{"status":"queued"}]}`, StateUnknown, "", 2},
		"an array at the top":       {200, `[{"clientReferenceId":"C-1","status":"Imported"}]`, StateSucceeded, "", 1},
		"items of another kind":     {200, `{"status":"Completed","items":[1,"x",null]}`, StateSucceeded, "Completed", 0},
		"null everywhere":           {200, `{"status":null,"items":null,"total":null}`, StateUnknown, "", 0},
		"errors although completed": {200, `{"status":"CompletedWithErrors"}`, StatePartial, "CompletedWithErrors", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readStatus(c.code, []byte(c.body))
			assert.Equal(t, c.state, s.State)
			assert.Equal(t, c.word, s.Word)
			assert.Len(t, s.Items, c.items)
			assert.Equal(t, c.body, string(s.Raw))
		})
	}
}

func TestReadStatusItems(t *testing.T) {
	t.Parallel()
	s := readStatus(200, []byte(`{"BatchReferenceId":"r1","TotalCount":"3","items":[
		{"ClientReferenceId":"C-1","Status":"Created"},
		{"claimNumber":"N-2","success":false,"errors":["a",{"message":"b"},{"deep":{"deeper":{"deepest":"lost"}}}]},
		{"id":7,"errors":{"status":["c"]}}]}`))
	assert.Equal(t, "r1", s.Reference)
	assert.Equal(t, int64(3), s.Total)
	assert.Equal(t, int64(-1), s.Failed)
	assert.Equal(t, "C-1", s.Items[0].Reference)
	assert.Equal(t, StateSucceeded, s.Items[0].State, "created is new for a batch, and done for an item")
	assert.Equal(t, StateFailed, s.Items[1].State)
	assert.Equal(t, []string{"a", "b"}, s.Items[1].Messages)
	assert.Equal(t, "7", s.Items[2].Reference)
	assert.Equal(t, []string{"c"}, s.Items[2].Messages)
	assert.Equal(t, StateFailed, s.Items[2].State)
}

// FuzzBatchStatus: no answer breaks the reader, and what is done stays done
// when it is read again.
func FuzzBatchStatus(f *testing.F) {
	for _, seed := range []string{
		`{"status":"Completed","items":[{"clientReferenceId":"C","status":"failed","errors":{"a":["b"]}}]}`,
		`{"data":{"result":{"state":"x"}}}`, `[{"id":1}]`, `"done"`, `{"total":"-1","failed":1e9}`, `{"status":{"status":"x"}}`, ``, `null`,
	} {
		f.Add(200, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		s := readStatus(code, body)
		assert.Equal(t, s, readStatus(code, body))
		assert.Equal(t, string(body), string(s.Raw))
		assert.GreaterOrEqual(t, s.Total, int64(-1))
		for _, i := range s.Items {
			assert.NotEmpty(t, i.Raw)
		}
	})
}

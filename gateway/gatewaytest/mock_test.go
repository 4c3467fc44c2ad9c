package gatewaytest_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// recorder is a test that fails without failing this one.
type recorder struct{ failures []string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// TestMockHasEveryMethod calls each method of the API on an empty mock and on
// one whose functions are all set.
func TestMockHasEveryMethod(t *testing.T) {
	t.Parallel()
	api := reflect.TypeFor[gateway.API]()
	r := &recorder{}
	empty, full := &gatewaytest.Mock{T: r}, &gatewaytest.Mock{}
	called := map[string]bool{}
	fields := reflect.ValueOf(full).Elem()
	for i := range api.NumMethod() {
		name := api.Method(i).Name
		field := fields.FieldByName(name + "Func")
		require.True(t, field.IsValid(), name)
		field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value {
			called[name] = true
			out := make([]reflect.Value, field.Type().NumOut())
			for j := range out {
				out[j] = reflect.Zero(field.Type().Out(j))
			}
			return out
		}))
	}
	for i := range api.NumMethod() {
		m := api.Method(i)
		in := make([]reflect.Value, m.Type.NumIn())
		for j := range in {
			in[j] = reflect.Zero(m.Type.In(j))
		}
		call := func(mock *gatewaytest.Mock) []reflect.Value {
			f := reflect.ValueOf(mock).MethodByName(m.Name)
			if m.Type.IsVariadic() {
				return f.CallSlice(in)
			}
			return f.Call(in)
		}
		call(full)
		assert.True(t, called[m.Name], m.Name)
		out := call(empty)
		if m.Name == "Watch" {
			for range empty.Watch(t.Context(), nil, 0) { //nolint:revive // it yields one error
			}
			continue
		}
		err, ok := out[len(out)-1].Interface().(error)
		require.True(t, ok)
		assert.ErrorContains(t, err, m.Name+"Func is not set")
	}
	assert.Len(t, r.failures, api.NumMethod())
}

func ExampleMock() {
	api := &gatewaytest.Mock{
		ListReportsFunc: func(context.Context, ...ccr.CallOption) ([]string, error) {
			return []string{"123456-21112026-2013-1.xml"}, nil
		},
	}
	countWaiting := func(ctx context.Context, bureau gateway.API) (int, error) { // your code
		names, err := bureau.ListReports(ctx)
		return len(names), err
	}
	fmt.Println(countWaiting(context.Background(), api))
	// Output:
	// 1 <nil>
}

package decisioningtest_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// TestMockHandsOn calls every method of a Mock, with and without its function:
// the arguments arrive, the results come back, and what is not mocked says so.
func TestMockHandsOn(t *testing.T) {
	t.Parallel()
	api := reflect.TypeFor[decisioning.API]()
	for i := range api.NumMethod() {
		name := api.Method(i).Name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failures := &failures{}
			mock := &decisioningtest.Mock{T: failures}
			method := reflect.ValueOf(mock).MethodByName(name)
			typ := method.Type()
			args := make([]reflect.Value, typ.NumIn()-1) // without the options
			for j := range args {
				args[j] = argument(typ.In(j))
			}
			out := method.Call(args)
			if last := out[len(out)-1]; last.Type() == reflect.TypeFor[error]() {
				err, _ := last.Interface().(error)
				require.ErrorContains(t, err, name+"Func is not set")
				assert.Contains(t, failures.text, name+" was called")
			}

			called := false
			field := reflect.ValueOf(mock).Elem().FieldByName(name + "Func")
			require.True(t, field.IsValid())
			want := make([]reflect.Value, typ.NumOut())
			for j := range want {
				want[j] = reflect.Zero(typ.Out(j))
			}
			field.Set(reflect.MakeFunc(field.Type(), func(in []reflect.Value) []reflect.Value {
				called = true
				for j := range args {
					assert.Equal(t, args[j].Interface(), in[j].Interface())
				}
				return want
			}))
			method.Call(args)
			assert.True(t, called)
		})
	}
}

// argument is a value that is told from the zero one where that is easy.
func argument(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.String:
		v.SetString("x-" + t.Name())
	case reflect.Int:
		v.SetInt(7)
	}
	return v
}

// failures stands in for a test that a Mock fails.
type failures struct{ text string }

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) { f.text += fmt.Sprintf(format, args...) }

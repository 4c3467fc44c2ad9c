package accountstest_test

import (
	"context"
	"iter"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

func TestMockHasAFieldForEachMethod(t *testing.T) {
	t.Parallel()
	api := reflect.TypeFor[accounts.API]()
	for i := range api.NumMethod() {
		field, ok := reflect.TypeFor[accountstest.Mock]().FieldByName(api.Method(i).Name + "Func")
		require.True(t, ok, api.Method(i).Name)
		assert.Equal(t, api.Method(i).Type, field.Type)
	}
}

// failure catches what a test would die of.
type failure struct{ message string }

func (*failure) Helper() {}
func (f *failure) Fatal(args ...any) {
	f.message, _ = args[0].(string)
	panic(f)
}

func TestMockNamesTheUnsetMethod(t *testing.T) {
	t.Parallel()
	api := reflect.TypeFor[accounts.API]()
	for i := range api.NumMethod() {
		f := &failure{}
		m := &accountstest.Mock{TB: f}
		method := reflect.ValueOf(m).MethodByName(api.Method(i).Name)
		var in []reflect.Value
		for j := range method.Type().NumIn() {
			if !method.Type().IsVariadic() || j < method.Type().NumIn()-1 {
				in = append(in, reflect.Zero(method.Type().In(j)))
			}
		}
		assert.Panics(t, func() { method.Call(in) })
		assert.Contains(t, f.message, api.Method(i).Name+"Func")
	}
	assert.PanicsWithValue(t, "accountstest.Mock: BatchStatus was called, and BatchStatusFunc is not set", func() {
		(&accountstest.Mock{}).BatchStatus(t.Context(), accounts.Receipt{}) //nolint:errcheck // panics
	})
}

// nightly is a program that takes the interface.
func nightly(ctx context.Context, api accounts.API) (accounts.BatchStatus, error) {
	var last accounts.Receipt
	for r, err := range api.SubmitAccounts(nil, accounts.SubmitOptions{Name: "n"}).All(ctx) {
		if err != nil {
			return accounts.BatchStatus{}, err
		}
		last = r
	}
	return api.PollBatch(last, accounts.PollOptions{}).Wait(ctx)
}

func TestMockInUse(t *testing.T) {
	t.Parallel()
	m := &accountstest.Mock{TB: t}
	m.SubmitAccountsFunc = func(_ iter.Seq2[accounts.Account, error], o accounts.SubmitOptions) *accounts.Job {
		assert.Equal(t, "n", o.Name)
		return accounts.JobOf(accounts.Receipt{Reference: "a", Rows: 1})
	}
	m.PollBatchFunc = func(r accounts.Receipt, _ accounts.PollOptions) *ccr.Poller[accounts.BatchStatus] {
		assert.Equal(t, "a", r.Reference)
		return ccr.PollerOf(accounts.BatchStatus{State: accounts.StateSucceeded})
	}
	status, err := nightly(t.Context(), m)
	require.NoError(t, err)
	assert.True(t, status.Done())
}

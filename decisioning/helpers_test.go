package decisioning_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// lockedBuffer keeps what several goroutines log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// dump lists the members that ended in Extra without a field for them, each as
// LEFT and its name.
func dump(v any) []string {
	var left []string
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case object(v.Type()):
			extra, _ := v.FieldByName("Extra").Interface().(map[string]jsontext.Value)
			for name := range extra {
				left = append(left, "LEFT "+v.Type().Name()+"."+name)
			}
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(v))
	return left
}

// page fetches one page.
func page[T any](ctx context.Context, list *ccr.Pages[T], number int) error {
	_, err := list.Page(ctx, number)
	return err
}

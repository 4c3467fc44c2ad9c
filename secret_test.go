package ccr

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// canary is what must not be found in any printed form.
const canary = "CANARY-7f3a9"

// printedForms returns a value in every form a program prints values in.
func printedForms(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%o", "%b", "%c", "%U", "%e", "%g", "%t", "%p", "%T", "%10v", "%-10s", "%+q", "%# x", "%z", "%!"} {
		out[verb] = fmt.Sprintf(verb, v)
	}
	out["Sprint"] = fmt.Sprint(v)
	out["Sprintln"] = fmt.Sprintln(v)
	out["error"] = fmt.Errorf("wrap: %v", v).Error()
	if err, ok := v.(error); ok {
		out["%w"] = fmt.Errorf("wrap: %w", err).Error()
		out["join"] = errors.Join(err, errors.New("x")).Error()
	}
	if data, err := json.Marshal(v); err == nil {
		out["json"] = string(data)
	} else {
		out["json error"] = err.Error()
	}
	if data, err := json.MarshalIndent([]any{v}, "", " "); err == nil {
		out["json list"] = string(data)
	}
	if data, err := xml.Marshal(v); err == nil {
		out["xml"] = string(data)
	}
	var g bytes.Buffer
	if err := gob.NewEncoder(&g).Encode(v); err == nil {
		out["gob"] = g.String()
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler {
			return slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
		"slog json": func(b *bytes.Buffer) slog.Handler {
			return slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
	} {
		var b bytes.Buffer
		l := slog.New(handler(&b)).With("with", v).WithGroup("group")
		l.Debug("event", "value", v, slog.Any("any", v), slog.Group("g", "inner", v), "list", []any{v})
		out[name] = b.String()
	}
	return out
}

func requireNoCanary(t *testing.T, v any) {
	t.Helper()
	for form, text := range printedForms(t, v) {
		require.NotContains(t, text, canary, form)
		require.NotContains(t, text, fmt.Sprintf("%x", canary), form)
		require.NotContains(t, text, fmt.Sprintf("%d", []byte(canary)), form)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(canary), 0o600))
	for _, s := range []Secret{NewSecret(canary), SecretFromFile(path)} {
		type inner struct {
			secret Secret
			Public Secret
			ptr    *Secret
		}
		type config struct {
			name   string
			hidden inner
			list   []Secret
			byName map[string]Secret
			any    any
			chain  *inner
		}
		v := config{"x", inner{s, s, &s}, []Secret{s}, map[string]Secret{"a": s}, s, &inner{s, s, &s}}
		for _, printed := range []any{s, &s, []Secret{s}, [1]Secret{s}, map[string]Secret{"k": s}, map[string]any{"k": s}, inner{s, s, &s}, v, &v,
			struct{ S any }{s}, struct{ s *config }{&v}, []any{v}, func() Secret { return s }, error(secretError{s})} {
			requireNoCanary(t, printed)
		}
		assert.Equal(t, redacted, s.String())
		assert.Equal(t, redacted, fmt.Sprintf("%d", s))
		got, err := s.Reveal()
		require.NoError(t, err)
		assert.Equal(t, canary, got)
		assert.False(t, s.IsZero())
		data, err := json.Marshal(v.byName)
		require.NoError(t, err)
		assert.JSONEq(t, `{"a":"[redacted]"}`, string(data))
	}
}

// secretError is an error of a program that holds a secret.
type secretError struct{ s Secret }

func (e secretError) Error() string { return fmt.Sprint("refused: ", e.s) }

func TestSecretUnset(t *testing.T) {
	t.Parallel()
	for _, s := range []Secret{{}, NewSecret("")} {
		assert.True(t, s.IsZero())
		_, err := s.Reveal()
		require.ErrorContains(t, err, "not set")
		assert.Equal(t, redacted, s.String())
	}
	type config struct {
		S Secret `json:"s,omitzero"`
	}
	data, err := json.Marshal(config{})
	require.NoError(t, err)
	assert.JSONEq(t, `{}`, string(data))
}

func TestSecretFromFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	s := SecretFromFile(path)
	_, err := s.Reveal()
	require.ErrorIs(t, err, os.ErrNotExist)
	for content, want := range map[string]string{"one": "one", "two\n": "two", "three\r\n\r\n": "three", " four ": " four ", "a\nb\n": "a\nb", strings.Repeat("x", maxSecretFile): strings.Repeat("x", maxSecretFile)} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got, err := s.Reveal()
		require.NoError(t, err)
		assert.Equal(t, want, got, "read again at each use")
	}
	for _, content := range []string{"", "\n", "\r\n", strings.Repeat("x", maxSecretFile+1)} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := s.Reveal()
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 1000)
	}
	_, err = SecretFromFile(t.TempDir()).Reveal()
	require.Error(t, err, "a folder")
}

func TestSecretFromEnv(t *testing.T) {
	const name = "CCR_TEST_SECRET"
	_, err := SecretFromEnv(name)
	require.ErrorContains(t, err, "neither CCR_TEST_SECRET nor CCR_TEST_SECRET_FILE")
	path := filepath.Join(t.TempDir(), "secret")
	t.Setenv(name+"_FILE", path)
	_, err = SecretFromEnv(name)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("from file\n"), 0o600))
	s, err := SecretFromEnv(name)
	require.NoError(t, err)
	got, err := s.Reveal()
	require.NoError(t, err)
	assert.Equal(t, "from file", got)
	require.NoError(t, os.WriteFile(path, []byte("rotated\n"), 0o600))
	got, err = s.Reveal()
	require.NoError(t, err)
	assert.Equal(t, "rotated", got)
	t.Setenv(name, canary)
	_, err = SecretFromEnv(name)
	require.ErrorContains(t, err, "both set")
	assert.NotContains(t, err.Error(), canary)
	t.Setenv(name+"_FILE", "")
	s, err = SecretFromEnv(name)
	require.NoError(t, err)
	got, err = s.Reveal()
	require.NoError(t, err)
	assert.Equal(t, canary, got)
}

func TestSecretIsReadFromText(t *testing.T) {
	t.Parallel()
	var v struct{ Set, Empty Secret }
	require.NoError(t, json.Unmarshal([]byte(`{"Set":"hush","Empty":""}`), &v))
	text, err := v.Set.Reveal()
	require.NoError(t, err)
	assert.Equal(t, "hush", text)
	assert.True(t, v.Empty.IsZero())
	b, err := json.Marshal(v)
	require.NoError(t, err)
	assert.NotContains(t, string(b), "hush")
}

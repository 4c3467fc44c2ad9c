package ccr

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed go.mod
var embedded embed.FS

func read(t *testing.T, f File) string {
	t.Helper()
	r, err := f.Open()
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.EqualValues(t, len(b), r.Size())
	require.NoError(t, r.Check())
	require.NoError(t, r.Close())
	return string(b)
}

func TestFileSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "A.csv")
	require.NoError(t, os.WriteFile(path, []byte("rows"), 0o600))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	for name, f := range map[string]File{
		"path":  FileFromPath(path),
		"bytes": FileFromBytes("A.csv", []byte("rows")),
		"root":  FileFromFS(root.FS(), "A.csv"),
		"mapfs": FileFromFS(fstest.MapFS{"in/A.csv": {Data: []byte("rows")}}, "in/A.csv"),
		"new":   NewFile("A.csv", 4, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("rows")), nil }),
		"byte by byte": NewFile("A.csv", 4, func() (io.ReadCloser, error) {
			return io.NopCloser(iotest.OneByteReader(strings.NewReader("rows"))), nil
		}),
		"end with data": NewFile("A.csv", 4, func() (io.ReadCloser, error) {
			return io.NopCloser(iotest.DataErrReader(strings.NewReader("rows"))), nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "A.csv", f.Name())
			assert.Equal(t, "B.csv", f.WithName("B.csv").Name())
			assert.Equal(t, "A.csv", f.Name(), "WithName makes another one")
			for range 2 { // a retry opens it again
				assert.Equal(t, "rows", read(t, f.WithName("B.csv")))
			}
			r, err := f.Open()
			require.NoError(t, err)
			require.NoError(t, iotest.TestReader(onlyReader{r}, []byte("rows")))
			require.NoError(t, r.Close())
			sum, size, err := f.SHA256(t.Context())
			require.NoError(t, err)
			assert.Equal(t, sha256.Sum256([]byte("rows")), sum)
			assert.EqualValues(t, 4, size)
		})
	}
	assert.Contains(t, read(t, FileFromFS(embedded, "go.mod")), "module github.com/ccr-sdk/ccr")
	assert.Empty(t, read(t, FileFromBytes("empty", nil)))
}

type onlyReader struct{ io.Reader }

func TestFileThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	broken := errors.New("vault is sealed")
	for name, f := range map[string]File{
		"zero":         {},
		"missing":      FileFromPath(filepath.Join(t.TempDir(), "missing")),
		"folder":       FileFromPath(t.TempDir()),
		"missing fs":   FileFromFS(fstest.MapFS{}, "x"),
		"negative":     NewFile("x", -1, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }),
		"no function":  NewFile("x", 1, nil),
		"failing open": NewFile("x", 1, func() (io.ReadCloser, error) { return nil, broken }),
		"nothing":      NewFile("x", 1, func() (io.ReadCloser, error) { return nil, nil }),
	} {
		r, err := f.Open()
		require.Error(t, err, name)
		require.Nil(t, r)
		_, _, err = f.SHA256(t.Context())
		require.Error(t, err, name)
		switch name {
		case "missing", "missing fs":
			require.ErrorIs(t, err, fs.ErrNotExist)
		case "failing open":
			require.ErrorIs(t, err, broken)
		}
	}
}

func TestFileThatChanges(t *testing.T) {
	t.Parallel()
	const content = "0123456789"
	for name, change := range map[string]func(t *testing.T, path string){
		"grows": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			require.NoError(t, err)
			_, err = f.WriteString("more")
			require.NoError(t, errors.Join(err, f.Close()))
		},
		"shrinks":  func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 7)) },
		"vanishes": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
		"is touched": func(t *testing.T, path string) {
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
		},
		"is rewritten in place": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("9876543210"), 0o600))
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, after := range []int{0, 5, 10} { // bytes read before the change
				path := filepath.Join(t.TempDir(), "f")
				require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
				r, err := FileFromPath(path).Open()
				require.NoError(t, err)
				_, err = io.ReadFull(r, make([]byte, after))
				require.NoError(t, err)
				change(t, path)
				rest, err := io.ReadAll(r)
				require.ErrorIs(t, err, ErrFileChanged)
				assert.LessOrEqual(t, after+len(rest), len(content), "never more than announced")
				_, err = r.Read(make([]byte, 1))
				require.ErrorIs(t, err, ErrFileChanged, "it stays failed")
				require.ErrorIs(t, r.Check(), ErrFileChanged)
				require.NoError(t, r.Close())
			}
		})
	}
}

// A file that is replaced by renaming another over it is read as it was.
func TestFileReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(path, []byte("first"), 0o600))
	r, err := FileFromPath(path).Open()
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, os.WriteFile(path+".new", []byte("other"), 0o600))
	if err := os.Rename(path+".new", path); err != nil {
		t.Logf("this system keeps an open file from being replaced, which is as good: %v", err)
		return
	}
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "first", string(b))
}

func opener(parts ...io.Reader) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(io.MultiReader(parts...)), nil }
}

func TestFileSourceErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("checksum does not match")
	hiddenEnd := fmt.Errorf("read tcp: %w", io.EOF)
	tests := map[string]struct {
		open func() (io.ReadCloser, error)
		is   error
	}{
		"shorter":                {opener(strings.NewReader("rows")), ErrFileChanged},
		"longer":                 {opener(strings.NewReader("rows and rows")), ErrFileChanged},
		"fails in the middle":    {opener(strings.NewReader("ro"), iotest.ErrReader(broken)), broken},
		"fails at the end":       {opener(strings.NewReader("rows!"), iotest.ErrReader(broken)), broken},
		"breaks off":             {opener(strings.NewReader("ro"), iotest.ErrReader(hiddenEnd)), io.ErrUnexpectedEOF},
		"breaks off at the end":  {opener(strings.NewReader("rows!"), iotest.ErrReader(hiddenEnd)), io.ErrUnexpectedEOF},
		"never ends":             {func() (io.ReadCloser, error) { return &stuckReader{text: "rows!"}, nil }, io.ErrNoProgress},
		"counts wrong":           {func() (io.ReadCloser, error) { return io.NopCloser(liar(1 << 20)), nil }, nil},
		"counts below nothing":   {func() (io.ReadCloser, error) { return io.NopCloser(liar(-1)), nil }, nil},
		"fails together with it": {func() (io.ReadCloser, error) { return &stuckReader{text: "rows!", err: broken}, nil }, broken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := NewFile("x", 5, test.open)
			r, err := f.Open()
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.Error(t, err)
			require.NotErrorIs(t, err, io.EOF)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			assert.LessOrEqual(t, len(got), 5)
			_, _, err = f.SHA256(t.Context())
			require.Error(t, err)
		})
	}
}

// stuckReader returns its text once, with err, and then nothing for ever.
type stuckReader struct {
	text string
	err  error
}

func (r *stuckReader) Read(p []byte) (int, error) {
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, r.err
}

func (r *stuckReader) Close() error { return nil }

type liar int

func (l liar) Read([]byte) (int, error) { return int(l), nil }

// countingFile counts opens and closes.
type countingFile struct {
	io.Reader
	open *int
}

func (c countingFile) Close() error { *c.open--; return nil }

func TestFileReaderSeek(t *testing.T) {
	t.Parallel()
	const content = "0123456789"
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	open, opens := 0, 0
	for name, f := range map[string]File{
		"path":  FileFromPath(path),
		"bytes": FileFromBytes("f", []byte(content)),
		"stream": NewFile("f", 10, func() (io.ReadCloser, error) {
			open++
			opens++
			return countingFile{onlyReader{strings.NewReader(content)}, &open}, nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := f.Open()
			require.NoError(t, err)
			for _, offset := range []int64{3, 7, 0, 10, 2, 2, 9} {
				at, err := r.Seek(offset, io.SeekStart)
				require.NoError(t, err)
				require.Equal(t, offset, at)
				rest, err := io.ReadAll(r)
				require.NoError(t, err)
				require.Equal(t, content[offset:], string(rest))
			}
			_, err = r.Seek(4, io.SeekStart)
			require.NoError(t, err)
			_, err = r.Read(nil)
			require.NoError(t, err)
			b := make([]byte, 2)
			_, err = io.ReadFull(r, b)
			require.NoError(t, err)
			require.Equal(t, "45", string(b))
			for _, bad := range []struct {
				offset int64
				whence int
			}{{-1, io.SeekStart}, {11, io.SeekStart}, {0, io.SeekCurrent}, {0, io.SeekEnd}} {
				_, err := r.Seek(bad.offset, bad.whence)
				require.Error(t, err)
			}
			rest, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, "6789", string(rest), "a refused Seek changes nothing")
			require.NoError(t, r.Close())
		})
	}
	assert.Zero(t, open, "every source that was opened is closed")
	assert.Greater(t, opens, 1)
}

// A source that cannot seek is opened again: if it is not the same any more,
// the transfer must not go on with it.
func TestFileReaderSeekChangedSource(t *testing.T) {
	t.Parallel()
	reread := func(t *testing.T, f File, change func()) error {
		r, err := f.Open()
		require.NoError(t, err)
		defer r.Close()
		_, err = io.CopyN(io.Discard, r, 5)
		require.NoError(t, err)
		change()
		_, err = r.Seek(2, io.SeekStart)
		return err
	}
	fsys := fstest.MapFS{"f": {Data: []byte("0123456789"), ModTime: time.Unix(1, 0)}}
	noSeek := FileFromFS(noSeekFS{fsys}, "f")
	require.NoError(t, reread(t, noSeek, func() {}))
	require.ErrorIs(t, reread(t, noSeek, func() { fsys["f"].ModTime = time.Unix(2, 0) }), ErrFileChanged)
	require.ErrorIs(t, reread(t, noSeek, func() { fsys["f"] = &fstest.MapFile{Data: []byte("01234567890")} }), ErrFileChanged)
	require.ErrorIs(t, reread(t, noSeek, func() { delete(fsys, "f") }), fs.ErrNotExist)

	data := []byte("0123456789")
	f := NewFile("f", 10, func() (io.ReadCloser, error) { return io.NopCloser(onlyReader{bytes.NewReader(data)}), nil })
	require.ErrorIs(t, reread(t, f, func() { data = data[:1] }), ErrFileChanged)
}

type noSeekFS struct{ fs.FS }

func (n noSeekFS) Open(name string) (fs.File, error) {
	f, err := n.FS.Open(name)
	return struct{ fs.File }{f}, err
}

func TestSHA256EndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := NewFile("endless", 1<<62, func() (io.ReadCloser, error) {
		return io.NopCloser(readFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })), nil
	})
	_, _, err := f.SHA256(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// FuzzFileReader reads and seeks at random and compares with a bytes.Reader.
func FuzzFileReader(f *testing.F) {
	f.Add([]byte("0123456789"), []byte{3, 0x82, 200, 0x80, 1})
	f.Fuzz(func(t *testing.T, data, ops []byte) {
		model := bytes.NewReader(data)
		file := NewFile("f", int64(len(data)), func() (io.ReadCloser, error) {
			return io.NopCloser(iotest.HalfReader(bytes.NewReader(data))), nil
		})
		r, err := file.Open()
		require.NoError(t, err)
		for _, op := range ops {
			if op >= 0x80 {
				at := int64(op & 0x7f)
				_, err := r.Seek(at, io.SeekStart)
				require.Equal(t, at <= int64(len(data)), err == nil)
				if err == nil {
					_, err = model.Seek(at, io.SeekStart)
					require.NoError(t, err)
				}
				continue
			}
			got, want := make([]byte, op), make([]byte, op)
			n, err := io.ReadFull(r, got)
			m, werr := io.ReadFull(model, want)
			require.Equal(t, m, n)
			require.Equal(t, werr, err)
			require.Equal(t, want[:m], got[:n])
		}
		require.NoError(t, r.Close())
	})
}

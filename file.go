package ccr

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// File is something to send: a name, a size and content that can be opened
// again for a retry or for a checksum. It holds no open handle; copies are
// free. The same File goes out through gateway or sftp.
type File struct {
	name   string
	source func() (content, error)
}

// content is one opened view of a file.
type content struct {
	r       io.ReadCloser
	size    int64
	stamp   time.Time    // modification time at open; zero if there is none
	changed func() error // compares with the state at open; nil if nothing can be compared
}

// FileFromPath sends a file of the local disk under its base name. The file
// is opened at use; a missing one fails there. A file whose size or
// modification time changes while it is sent fails the call.
func FileFromPath(path string) File {
	return File{filepath.Base(path), func() (content, error) {
		f, err := os.Open(path)
		if err != nil {
			return content{}, err
		}
		return fromFS(f)
	}}
}

// FileFromFS is [FileFromPath] for a file system such as an embed.FS or an os.Root's.
func FileFromFS(fsys fs.FS, name string) File {
	return File{filepath.Base(filepath.FromSlash(name)), func() (content, error) {
		f, err := fsys.Open(name)
		if err != nil {
			return content{}, err
		}
		return fromFS(f)
	}}
}

func fromFS(f fs.File) (content, error) {
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return content{}, errors.Join(err, f.Close())
	}
	return content{f, st.Size(), st.ModTime(), func() error {
		now, err := f.Stat()
		if err != nil {
			return err
		}
		if now.Size() != st.Size() || !now.ModTime().Equal(st.ModTime()) {
			return ErrFileChanged
		}
		return nil
	}}, nil
}

// FileFromBytes sends bytes held in memory; the caller must not change them.
func FileFromBytes(name string, data []byte) File {
	return File{name, func() (content, error) {
		return content{r: openBytes{bytes.NewReader(data)}, size: int64(len(data))}, nil
	}}
}

// openBytes can seek, which io.NopCloser would hide.
type openBytes struct{ *bytes.Reader }

func (openBytes) Close() error { return nil }

// NewFile sends content of another kind. open is called once for each attempt
// and must return the same size bytes every time; a different number fails the
// call. A reader that is also an io.Seeker makes resuming cheaper.
func NewFile(name string, size int64, open func() (io.ReadCloser, error)) File {
	return File{name, func() (content, error) {
		if size < 0 || open == nil {
			return content{}, errors.New("NewFile needs a size of zero or more and an open function")
		}
		r, err := open()
		if err == nil && r == nil {
			err = errors.New("the open function returned neither a reader nor an error")
		}
		return content{r: r, size: size}, err
	}}
}

// Name is the name under which the vendor sees the file.
func (f File) Name() string { return f.name }

// WithName returns the same content under another name.
func (f File) WithName(name string) File {
	f.name = name
	return f
}

// Open opens the content for one pass.
func (f File) Open() (*FileReader, error) {
	if f.source == nil {
		return nil, errors.New("ccr: the zero File has no content; use FileFromPath, FileFromBytes or NewFile")
	}
	c, err := f.source()
	if err != nil {
		return nil, fmt.Errorf("ccr: open file to send: %w", err)
	}
	return &FileReader{c: c, source: f.source}, nil
}

// SHA256 reads the content once and returns its checksum and size.
func (f File) SHA256(ctx context.Context) (sum [sha256.Size]byte, size int64, err error) {
	r, err := f.Open()
	if err != nil {
		return sum, 0, err
	}
	defer r.Close()
	h := sha256.New()
	if _, err = io.Copy(h, &ctxReader{ctx, r}); err != nil {
		return sum, 0, err
	}
	h.Sum(sum[:0])
	return sum, r.Size(), nil
}

// ctxReader ends a long local read when its context does.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// FileReader is one pass over a [File]. Read returns exactly Size bytes and
// then io.EOF; a source that turns out shorter, longer or modified gives
// [ErrFileChanged] instead. It is not safe for concurrent use.
type FileReader struct {
	c      content
	source func() (content, error)
	off    int64
	err    error
}

// Size is the number of bytes the file had when it was opened.
func (r *FileReader) Size() int64 { return r.c.size }

// Read implements io.Reader.
func (r *FileReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if left := r.c.size - r.off; int64(len(p)) > left {
		p = p[:left]
	}
	if len(p) == 0 {
		if r.off < r.c.size {
			return 0, nil
		}
		r.err = r.atEnd()
		return 0, r.err
	}
	n, err := r.c.r.Read(p)
	if n < 0 || n > len(p) {
		r.err = errors.New("ccr: the source of the file returned an impossible count")
		return 0, r.err
	}
	r.off += int64(n)
	switch {
	case err == io.EOF && r.off < r.c.size: //nolint:errorlint // see sourceErr
		r.err = fmt.Errorf("%w: it became shorter", ErrFileChanged)
	case err != nil && err != io.EOF: //nolint:errorlint // see sourceErr
		r.err = sourceErr(err)
	}
	return n, r.err
}

// sourceErr keeps an error that merely wraps io.EOF (a connection that broke
// off) from being taken for the end of the file by errors.Is.
func sourceErr(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %v", io.ErrUnexpectedEOF, err) //nolint:errorlint // on purpose not in the chain
	}
	return err
}

// atEnd makes sure that the source ends where it should, unmodified.
func (r *FileReader) atEnd() error {
	var one [1]byte
	for range maxEmptyReads {
		n, err := r.c.r.Read(one[:])
		switch {
		case n != 0:
			return fmt.Errorf("%w: it became longer", ErrFileChanged)
		case err == io.EOF: //nolint:errorlint // see sourceErr
			if err := r.Check(); err != nil {
				return err
			}
			return io.EOF
		case err != nil: // such as a checksum at the end that does not match
			return sourceErr(err)
		}
	}
	return io.ErrNoProgress
}

// maxEmptyReads is how often a source may return nothing at its end.
const maxEmptyReads = 100

// Check compares the source with its state when it was opened, as far as the
// kind of source allows: size and modification time for files.
func (r *FileReader) Check() error {
	if r.c.changed == nil {
		return nil
	}
	return r.c.changed()
}

// Seek moves to an offset from the start (io.SeekStart only), to resume a
// transfer. A source that cannot seek is read again up to there.
func (r *FileReader) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset < 0 || offset > r.c.size {
		return 0, errors.New("ccr: a FileReader seeks from the start, within the file")
	}
	if s, ok := r.c.r.(io.Seeker); ok {
		if _, err := s.Seek(offset, io.SeekStart); err != nil {
			return 0, err
		}
		r.off, r.err = offset, nil
		return offset, nil
	}
	if offset < r.off || r.err != nil {
		c, err := r.source()
		if err != nil {
			return 0, err
		}
		if c.size != r.c.size || !c.stamp.Equal(r.c.stamp) {
			return 0, errors.Join(ErrFileChanged, c.r.Close())
		}
		r.c.r.Close() //nolint:errcheck // read only; the new one replaces it
		r.c, r.off, r.err = c, 0, nil
	}
	_, err := io.CopyN(io.Discard, r, offset-r.off)
	return r.off, err
}

// Close releases the source.
func (r *FileReader) Close() error { return r.c.r.Close() }

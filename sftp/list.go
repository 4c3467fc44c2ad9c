package sftp

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// Entry is what a server shows of one file or folder.
type Entry struct {
	Name    string    // as the server wrote it: data, never a local path to trust
	Path    string    // remote path
	Size    int64     // bytes; 0 and -1 may mean that the server does not know
	ModTime time.Time // whole seconds; zero if the server did not say
	Dir     bool      // a folder
	// Regular: a file, not a folder, link or device.
	Regular bool
	// Temporary: the name looks like that of a file still being written.
	Temporary bool
}

// ListOptions adjust [Client.List].
type ListOptions struct {
	// Folder is relative to the layout's Root; "" is the folder of downloads.
	Folder string
}

// List returns what a folder holds, in the server's order, temporary files
// and folders included. Servers send about a hundred names per round trip.
func (c *Client) List(ctx context.Context, o ListOptions, opts ...ccr.CallOption) ([]Entry, error) {
	const op = "List"
	ctx, cancel, id, err := call(ctx, op, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	dir, err := c.folder(op, o.Folder)
	if err != nil {
		return nil, err
	}
	out, err := run(ctx, c, func(ctx context.Context) ([]Entry, error) { return c.list(ctx, dir) })
	if err != nil {
		return nil, withID(failure(op, dir, ccr.OutcomeNotSent, missing(err)), id)
	}
	return out, nil
}

func withID(e *ccr.Error, id string) error {
	e.CorrelationID = id
	return e
}

// missing says of a folder that was not found that it is a folder.
func missing(err error) error {
	if engine.IsStatus(err, engine.StatusNoSuchFile) {
		return fmt.Errorf("%w: %w", ErrFolderMissing, err)
	}
	return err
}

// folder returns the remote path of a folder; "" is that of downloads.
func (c *Client) folder(op, name string) (string, error) {
	var f ccr.Faults
	if name == "" {
		if name = c.cfg.Layout.Downloads; name == "" {
			f.Add("Folder", "is missing, and the layout has no Downloads")
		}
	}
	if msg := checkFolder(name); msg != "" {
		f.Add("Folder", msg)
	}
	return join(c.cfg.Layout.Root, name), f.Err(serviceName, op)
}

func (c *Client) list(ctx context.Context, dir string) (out []Entry, err error) {
	err = c.repeat(ctx, func(ctx context.Context, s *engine.Session) error {
		ch := s.First()
		infos, err := ch.ReadDir(ctx, dir)
		if err != nil {
			return err
		}
		out = make([]Entry, 0, len(infos))
		for _, st := range infos {
			out = append(out, entry(dir, st))
		}
		return nil
	})
	return out, err
}

func entry(dir string, st fs.FileInfo) Entry {
	e := Entry{
		Name: st.Name(), Path: join(dir, st.Name()), Size: st.Size(), ModTime: st.ModTime().UTC(),
		Dir: st.IsDir(), Regular: st.Mode().IsRegular(), Temporary: isTemporary(st.Name()),
	}
	if e.Size < 0 { // 2^63 and more: servers that do not know write that
		e.Size = -1
	}
	if st.ModTime().Unix() == 0 {
		e.ModTime = time.Time{}
	}
	return e
}

// StatOptions adjust [Client.Stat].
type StatOptions struct {
	// Folder is relative to the layout's Root; "" is the folder of downloads.
	Folder string
}

// Stat returns what the server says of one file or folder. A missing one is
// ccr.ErrNotFound.
func (c *Client) Stat(ctx context.Context, name string, o StatOptions, opts ...ccr.CallOption) (*Entry, error) {
	const op = "Stat"
	ctx, cancel, id, err := call(ctx, op, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	dir, err := c.remoteFile(op, o.Folder, name)
	if err != nil {
		return nil, err
	}
	out, err := run(ctx, c, func(ctx context.Context) (out Entry, err error) {
		err = c.repeat(ctx, func(_ context.Context, s *engine.Session) error {
			st, err := s.First().Stat(join(dir, name))
			if err == nil {
				out = entry(dir, st)
			}
			return err
		})
		return out, err
	})
	if err != nil {
		return nil, withID(failure(op, join(dir, name), ccr.OutcomeNotSent, err), id)
	}
	return &out, nil
}

// remoteFile checks the name of a file that a call is about and returns its folder.
func (c *Client) remoteFile(op, folder, name string) (string, error) {
	dir, err := c.folder(op, folder)
	if err != nil {
		return "", err
	}
	var f ccr.Faults
	if !checkListed(name) || strings.ContainsAny(name, "\r\n") {
		f.Add("name", "must be the bare name of a file")
	}
	return dir, f.Err(serviceName, op)
}

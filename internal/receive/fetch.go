package receive

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/ccr-sdk/ccr"
)

// fetched is content that arrived whole and waits in the sink's writer.
type fetched struct {
	file  ccr.Delivery
	token string // of the delivery
	sum   string // hex SHA-256
	size  int64
}

// fetch brings the content into a new file of the sink. known goes to the
// sink as it is.
func (j *job) fetch(ctx context.Context, known bool) (fetched, error) {
	in := &intake{ctx: ctx, job: j, info: j.info(known)}
	err := j.src.Fetch(ctx, j.item, in.restart)
	file := in.file
	in.file = nil // a writer that the source kept is dead from here on
	switch {
	case in.err != nil: // whatever the source made of it
		err = in.err
	case err != nil:
	case file == nil:
		err = fmt.Errorf("%w: the source wrote nothing", ccr.ErrIncomplete)
	case j.item.Size >= 0 && in.size != j.item.Size:
		err = fmt.Errorf("%w: %d bytes of %d", ccr.ErrIncomplete, in.size, j.item.Size)
	}
	if err != nil {
		if file != nil {
			err = errors.Join(err, file.Abort(ctx))
		}
		return fetched{}, err
	}
	return fetched{file, in.info.Token, hex.EncodeToString(in.hash.Sum(nil)), in.size}, nil
}

// intake counts and hashes on the way into the sink.
type intake struct {
	ctx  context.Context
	job  *job
	info ccr.Item
	file ccr.Delivery
	hash hash.Hash
	size int64
	err  error // the sink's; sticky, so that a source does not retry for it
}

// restart begins the file anew.
func (in *intake) restart() (io.Writer, error) {
	if in.err != nil {
		return nil, in.err
	}
	if in.file != nil {
		err := in.file.Abort(in.ctx)
		in.file = nil
		if err != nil {
			in.err = fmt.Errorf("discard an attempt: %w", err)
			return nil, in.err
		}
	}
	in.info.Token = rand.Text()
	file, err := in.job.sink.Create(in.ctx, in.info)
	if err != nil {
		in.err = err
		return nil, err
	}
	in.file, in.hash, in.size = file, sha256.New(), 0
	return &pass{in, file}, nil
}

// pass is the writer of one attempt; a later restart ends it.
type pass struct {
	in   *intake
	file ccr.Delivery
}

func (p *pass) Write(b []byte) (int, error) {
	in := p.in
	if in.file != p.file {
		return 0, errors.New("ccr: write to an attempt that has ended")
	}
	if in.err != nil {
		return 0, in.err
	}
	n, err := p.file.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	in.hash.Write(b[:n])
	in.size += int64(n)
	if err != nil {
		in.err = err
		return n, err
	}
	in.job.bytes = in.size
	if f := in.job.opts.Progress; f != nil {
		f(ccr.Progress{Operation: operation, Name: in.info.Name, Bytes: in.size, TotalBytes: max(in.info.Size, 0)})
	}
	return n, nil
}

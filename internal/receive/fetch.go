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
	delivery ccr.Delivery
	token    string // of the delivery
	sum      string // hex SHA-256
	size     int64
}

// fetch brings the content into a new delivery. known goes to the sink as it
// is. What is whole, the source decides: a listed size may be wrong.
func (j *job) fetch(ctx context.Context, token string, known bool) (fetched, error) {
	in := &intake{ctx: ctx, job: j, item: j.info(token, known), again: token == j.found.Attributes[attrAttempt]}
	err := j.src.Fetch(ctx, j.item, in.restart)
	delivery := in.delivery
	in.delivery = nil // a writer that the source kept is dead from here on
	switch {
	case in.err != nil: // whatever the source made of it
		err = in.err
	case err == nil && delivery == nil:
		err = fmt.Errorf("%w: the source wrote nothing", ccr.ErrIncomplete)
	}
	if err != nil {
		if delivery != nil {
			err = errors.Join(err, abort(ctx, delivery))
		}
		return fetched{}, err
	}
	return fetched{delivery, in.item.Token, hex.EncodeToString(in.hash.Sum(nil)), in.size}, nil
}

// intake counts and hashes on the way into the sink.
type intake struct {
	ctx      context.Context
	job      *job
	item     ccr.Item
	again    bool // the token stays, since it may be committed
	begun    bool
	delivery ccr.Delivery
	hash     hash.Hash
	size     int64
	err      error // the sink's; sticky, so that a source does not retry for it
}

// restart begins a delivery, and gives the one before up.
func (in *intake) restart() (io.Writer, error) {
	if in.err != nil {
		return nil, in.err
	}
	if in.delivery != nil {
		err := in.delivery.Abort(in.ctx)
		in.delivery = nil
		if err != nil {
			in.err = fmt.Errorf("discard an attempt: %w", err)
			return nil, in.err
		}
	}
	if in.begun && !in.again {
		in.item.Token = rand.Text()
	}
	in.begun = true
	delivery, err := in.job.sink.Create(in.ctx, in.item)
	if err != nil {
		in.err = err
		return nil, err
	}
	in.delivery, in.hash, in.size = delivery, sha256.New(), 0
	return &pass{in, delivery}, nil
}

// pass is the writer of one attempt; a later restart ends it.
type pass struct {
	in       *intake
	delivery ccr.Delivery
}

func (p *pass) Write(b []byte) (int, error) {
	in := p.in
	if in.delivery != p.delivery {
		return 0, errors.New("ccr: write to an attempt that has ended")
	}
	if in.err != nil {
		return 0, in.err
	}
	n, err := p.delivery.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	in.hash.Write(b[:n]) //nolint:errcheck // a hash takes everything
	in.size += int64(n)
	if err != nil {
		in.err = err
		return n, err
	}
	in.job.bytes = in.size
	if f := in.job.opts.Progress; f != nil {
		f(ccr.Progress{Operation: operation, Name: in.item.Name, Bytes: in.size, TotalBytes: max(in.item.Size, 0)})
	}
	return n, nil
}

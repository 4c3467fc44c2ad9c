package sftp

import (
	"context"
	"iter"
	"time"

	"github.com/ccr-sdk/ccr"
)

// API is what a [Client] and a [UATClient] do, for programs that put a double
// in their place (sftptest.Mock is one). It may grow in minor versions: embed
// it rather than implement it.
type API interface {
	// Files into an upload folder of the layout, and the end of an upload whose
	// outcome a person has found out.
	Upload(ctx context.Context, file ccr.File, opts ...UploadOptions) (Uploaded, error)
	UploadAll(ctx context.Context, files []ccr.File, opts ...UploadOptions) ([]Uploaded, error)
	SettleUpload(ctx context.Context, o SettleOptions) error
	// What is in a folder; without options in that of downloads.
	List(ctx context.Context, opts ...ListOptions) ([]Entry, error)
	Stat(ctx context.Context, name string, opts ...StatOptions) (Entry, error)
	// To local paths, without a ledger: nothing is removed at the vendor.
	Download(ctx context.Context, name, localPath string, opts ...DownloadOptions) (Downloaded, error)
	DownloadAll(ctx context.Context, entries []Entry, localDir string, opts ...DownloadOptions) ([]Downloaded, error)
	// Each file once, into a sink; Watch goes on receiving.
	Receive(ctx context.Context, sink ccr.Sink, opts ...ReceiveOptions) ([]ccr.Received, error)
	Watch(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...ReceiveOptions) iter.Seq2[[]ccr.Received, error]
	Close(ctx context.Context) error // waits for calls that are under way
}

var (
	_ API = (*Client)(nil)
	_ API = (*UATClient)(nil)
)

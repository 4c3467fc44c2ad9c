package sftp

import (
	"context"
	"iter"

	"github.com/ccr-sdk/ccr"
)

// API is what a [Client] and a [UATClient] do, for programs that put a double
// in their place (sftptest.Mock is one). It may grow in minor versions: embed
// it rather than implement it.
type API interface {
	// Files into an upload folder of the layout, and the end of an upload whose
	// outcome a person has found out.
	Upload(ctx context.Context, file ccr.File, o UploadOptions, opts ...ccr.CallOption) (*Uploaded, error)
	UploadAll(ctx context.Context, files []ccr.File, o UploadOptions, opts ...ccr.CallOption) ([]Uploaded, error)
	SettleUpload(ctx context.Context, o SettleOptions) error
	// What is in a folder.
	List(ctx context.Context, o ListOptions, opts ...ccr.CallOption) ([]Entry, error)
	Stat(ctx context.Context, name string, o StatOptions, opts ...ccr.CallOption) (*Entry, error)
	// To local paths, without a ledger: nothing is removed at the vendor.
	Download(ctx context.Context, name, localPath string, o DownloadOptions, opts ...ccr.CallOption) (*Downloaded, error)
	DownloadAll(ctx context.Context, entries []Entry, localDir string, o DownloadOptions, opts ...ccr.CallOption) ([]Downloaded, error)
	// Each file once, into a sink; Watch goes on receiving.
	Receive(ctx context.Context, sink ccr.Sink, o ReceiveOptions, opts ...ccr.CallOption) ([]ccr.Received, error)
	Watch(ctx context.Context, sink ccr.Sink, o WatchOptions, opts ...ccr.CallOption) iter.Seq2[[]ccr.Received, error]
	Shutdown(ctx context.Context) error // waits for calls that are under way
	Close() error                       // ends them
}

var (
	_ API = (*Client)(nil)
	_ API = (*UATClient)(nil)
)

package gateway

import (
	"context"
	"iter"
	"time"

	"github.com/ccr-sdk/ccr"
)

// API is what a [Client] does, for programs that fake it; gatewaytest.Mock is
// such a fake. It grows with the client: embed a Mock rather than writing all
// methods yourself.
type API interface {
	// Files to the bureau, and the end of an upload whose outcome a person has
	// found out.
	Upload(ctx context.Context, req UploadRequest, opts ...ccr.CallOption) (*UploadResult, error)
	SettleUpload(ctx context.Context, o SettleOptions, opts ...ccr.CallOption) error
	// What waits there. Neither archives anything.
	CountReports(ctx context.Context, opts ...ccr.CallOption) (int, error)
	ListReports(ctx context.Context, opts ...ccr.CallOption) ([]string, error)
	// Download and DownloadByName archive what they hand over; Test and TestByName
	// do not.
	Download(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*Reports, error)
	DownloadByName(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*Reports, error)
	Test(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*Reports, error)
	TestByName(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*Reports, error)
	// ArchiveByName has no way back: use Receive, which archives what is safely
	// stored, or Watch, which goes on receiving.
	ArchiveByName(ctx context.Context, names []string, opts ...ccr.CallOption) (*Archived, error)
	Receive(ctx context.Context, sink ccr.Sink, opts ...ReceiveOptions) ([]ccr.Received, error)
	Watch(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...ReceiveOptions) iter.Seq2[[]ccr.Received, error]
}

var _ API = (*Client)(nil)

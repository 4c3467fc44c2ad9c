package gatewaytest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
)

// Mock is a [gateway.API] with a function for each method. A method whose
// function is nil fails the test T with the method's name.
type Mock struct {
	T TB // nil: only the error says which function is missing

	// One for each method of [gateway.API], of its signature.
	UploadFunc         func(ctx context.Context, req gateway.UploadRequest, opts ...ccr.CallOption) (*gateway.UploadResult, error)
	SettleUploadFunc   func(ctx context.Context, o gateway.SettleOptions, opts ...ccr.CallOption) error
	CountReportsFunc   func(ctx context.Context, opts ...ccr.CallOption) (int, error)
	ListReportsFunc    func(ctx context.Context, opts ...ccr.CallOption) ([]string, error)
	DownloadFunc       func(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*gateway.Reports, error)
	DownloadByNameFunc func(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*gateway.Reports, error)
	TestFunc           func(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*gateway.Reports, error)
	TestByNameFunc     func(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*gateway.Reports, error)
	ArchiveByNameFunc  func(ctx context.Context, names []string, opts ...ccr.CallOption) (*gateway.Archived, error)
	ReceiveFunc        func(ctx context.Context, sink ccr.Sink, opts ...gateway.ReceiveOptions) ([]ccr.Received, error)
	WatchFunc          func(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...gateway.ReceiveOptions) iter.Seq2[[]ccr.Received, error]
}

// TB is the part of testing.TB that a Mock needs.
type TB interface {
	// Both as in testing.TB; a *testing.T is one.
	Helper()
	Errorf(format string, args ...any)
}

var _ gateway.API = (*Mock)(nil)

// missing reports a method whose function is not set, by failing the test and
// by its error, since the code under test may run on another goroutine.
func (m *Mock) missing(method string) error {
	if m.T != nil {
		m.T.Helper()
		m.T.Errorf("gatewaytest.Mock: %s was called, and %sFunc is not set", method, method)
	}
	return fmt.Errorf("gatewaytest: %sFunc is not set", method)
}

// Upload calls UploadFunc.
func (m *Mock) Upload(ctx context.Context, req gateway.UploadRequest, opts ...ccr.CallOption) (*gateway.UploadResult, error) {
	if m.UploadFunc == nil {
		return nil, m.missing("Upload")
	}
	return m.UploadFunc(ctx, req, opts...)
}

// SettleUpload calls SettleUploadFunc.
func (m *Mock) SettleUpload(ctx context.Context, o gateway.SettleOptions, opts ...ccr.CallOption) error {
	if m.SettleUploadFunc == nil {
		return m.missing("SettleUpload")
	}
	return m.SettleUploadFunc(ctx, o, opts...)
}

// CountReports calls CountReportsFunc.
func (m *Mock) CountReports(ctx context.Context, opts ...ccr.CallOption) (int, error) {
	if m.CountReportsFunc == nil {
		return 0, m.missing("CountReports")
	}
	return m.CountReportsFunc(ctx, opts...)
}

// ListReports calls ListReportsFunc.
func (m *Mock) ListReports(ctx context.Context, opts ...ccr.CallOption) ([]string, error) {
	if m.ListReportsFunc == nil {
		return nil, m.missing("ListReports")
	}
	return m.ListReportsFunc(ctx, opts...)
}

// Download calls DownloadFunc.
func (m *Mock) Download(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*gateway.Reports, error) {
	if m.DownloadFunc == nil {
		return nil, m.missing("Download")
	}
	return m.DownloadFunc(ctx, sink, opts...)
}

// DownloadByName calls DownloadByNameFunc.
func (m *Mock) DownloadByName(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*gateway.Reports, error) {
	if m.DownloadByNameFunc == nil {
		return nil, m.missing("DownloadByName")
	}
	return m.DownloadByNameFunc(ctx, sink, names, opts...)
}

// Test calls TestFunc.
func (m *Mock) Test(ctx context.Context, sink ccr.Sink, opts ...ccr.CallOption) (*gateway.Reports, error) {
	if m.TestFunc == nil {
		return nil, m.missing("Test")
	}
	return m.TestFunc(ctx, sink, opts...)
}

// TestByName calls TestByNameFunc.
func (m *Mock) TestByName(ctx context.Context, sink ccr.Sink, names []string, opts ...ccr.CallOption) (*gateway.Reports, error) {
	if m.TestByNameFunc == nil {
		return nil, m.missing("TestByName")
	}
	return m.TestByNameFunc(ctx, sink, names, opts...)
}

// ArchiveByName calls ArchiveByNameFunc.
func (m *Mock) ArchiveByName(ctx context.Context, names []string, opts ...ccr.CallOption) (*gateway.Archived, error) {
	if m.ArchiveByNameFunc == nil {
		return nil, m.missing("ArchiveByName")
	}
	return m.ArchiveByNameFunc(ctx, names, opts...)
}

// Receive calls ReceiveFunc.
func (m *Mock) Receive(ctx context.Context, sink ccr.Sink, opts ...gateway.ReceiveOptions) ([]ccr.Received, error) {
	if m.ReceiveFunc == nil {
		return nil, m.missing("Receive")
	}
	return m.ReceiveFunc(ctx, sink, opts...)
}

// Watch calls WatchFunc.
func (m *Mock) Watch(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...gateway.ReceiveOptions) iter.Seq2[[]ccr.Received, error] {
	if m.WatchFunc == nil {
		return func(yield func([]ccr.Received, error) bool) { yield(nil, m.missing("Watch")) }
	}
	return m.WatchFunc(ctx, sink, interval, opts...)
}

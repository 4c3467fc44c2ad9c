package sftptest

import (
	"context"
	"fmt"
	"iter"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
)

// Mock is an [sftp.API] with a function for each method. A method whose
// function is nil fails the test T with the method's name.
type Mock struct {
	T TB // nil: only the error says which function is missing

	// One for each method of [sftp.API], of its signature.
	UploadFunc       func(ctx context.Context, file ccr.File, o sftp.UploadOptions, opts ...ccr.CallOption) (*sftp.Uploaded, error)
	UploadAllFunc    func(ctx context.Context, files []ccr.File, o sftp.UploadOptions, opts ...ccr.CallOption) ([]sftp.Uploaded, error)
	SettleUploadFunc func(ctx context.Context, o sftp.SettleOptions) error
	ListFunc         func(ctx context.Context, o sftp.ListOptions, opts ...ccr.CallOption) ([]sftp.Entry, error)
	StatFunc         func(ctx context.Context, name string, o sftp.StatOptions, opts ...ccr.CallOption) (*sftp.Entry, error)
	DownloadFunc     func(ctx context.Context, name, localPath string, o sftp.DownloadOptions, opts ...ccr.CallOption) (*sftp.Downloaded, error)
	DownloadAllFunc  func(ctx context.Context, entries []sftp.Entry, localDir string, o sftp.DownloadOptions, opts ...ccr.CallOption) ([]sftp.Downloaded, error)
	ReceiveFunc      func(ctx context.Context, sink ccr.Sink, o sftp.ReceiveOptions, opts ...ccr.CallOption) ([]ccr.Received, error)
	WatchFunc        func(ctx context.Context, sink ccr.Sink, o sftp.WatchOptions, opts ...ccr.CallOption) iter.Seq2[[]ccr.Received, error]
	ShutdownFunc     func(ctx context.Context) error
	CloseFunc        func() error // nil: Close does nothing
}

// TB is the part of testing.TB that a Mock needs.
type TB interface {
	// Both as in testing.TB; a *testing.T is one.
	Helper()
	Errorf(format string, args ...any)
}

var _ sftp.API = (*Mock)(nil)

// missing reports a method whose function is not set, by failing the test and
// by its error, since the code under test may run on another goroutine.
func (m *Mock) missing(method string) error {
	if m.T != nil {
		m.T.Helper()
		m.T.Errorf("sftptest.Mock: %s was called, and %sFunc is not set", method, method)
	}
	return fmt.Errorf("sftptest: %sFunc is not set", method)
}

// Upload calls UploadFunc.
func (m *Mock) Upload(ctx context.Context, file ccr.File, o sftp.UploadOptions, opts ...ccr.CallOption) (*sftp.Uploaded, error) {
	if m.UploadFunc == nil {
		return nil, m.missing("Upload")
	}
	return m.UploadFunc(ctx, file, o, opts...)
}

// UploadAll calls UploadAllFunc.
func (m *Mock) UploadAll(ctx context.Context, files []ccr.File, o sftp.UploadOptions, opts ...ccr.CallOption) ([]sftp.Uploaded, error) {
	if m.UploadAllFunc == nil {
		return nil, m.missing("UploadAll")
	}
	return m.UploadAllFunc(ctx, files, o, opts...)
}

// SettleUpload calls SettleUploadFunc.
func (m *Mock) SettleUpload(ctx context.Context, o sftp.SettleOptions) error {
	if m.SettleUploadFunc == nil {
		return m.missing("SettleUpload")
	}
	return m.SettleUploadFunc(ctx, o)
}

// List calls ListFunc.
func (m *Mock) List(ctx context.Context, o sftp.ListOptions, opts ...ccr.CallOption) ([]sftp.Entry, error) {
	if m.ListFunc == nil {
		return nil, m.missing("List")
	}
	return m.ListFunc(ctx, o, opts...)
}

// Stat calls StatFunc.
func (m *Mock) Stat(ctx context.Context, name string, o sftp.StatOptions, opts ...ccr.CallOption) (*sftp.Entry, error) {
	if m.StatFunc == nil {
		return nil, m.missing("Stat")
	}
	return m.StatFunc(ctx, name, o, opts...)
}

// Download calls DownloadFunc.
func (m *Mock) Download(ctx context.Context, name, localPath string, o sftp.DownloadOptions, opts ...ccr.CallOption) (*sftp.Downloaded, error) {
	if m.DownloadFunc == nil {
		return nil, m.missing("Download")
	}
	return m.DownloadFunc(ctx, name, localPath, o, opts...)
}

// DownloadAll calls DownloadAllFunc.
func (m *Mock) DownloadAll(ctx context.Context, entries []sftp.Entry, localDir string, o sftp.DownloadOptions, opts ...ccr.CallOption) ([]sftp.Downloaded, error) {
	if m.DownloadAllFunc == nil {
		return nil, m.missing("DownloadAll")
	}
	return m.DownloadAllFunc(ctx, entries, localDir, o, opts...)
}

// Receive calls ReceiveFunc.
func (m *Mock) Receive(ctx context.Context, sink ccr.Sink, o sftp.ReceiveOptions, opts ...ccr.CallOption) ([]ccr.Received, error) {
	if m.ReceiveFunc == nil {
		return nil, m.missing("Receive")
	}
	return m.ReceiveFunc(ctx, sink, o, opts...)
}

// Watch calls WatchFunc; without one it yields the error.
func (m *Mock) Watch(ctx context.Context, sink ccr.Sink, o sftp.WatchOptions, opts ...ccr.CallOption) iter.Seq2[[]ccr.Received, error] {
	if m.WatchFunc == nil {
		err := m.missing("Watch")
		return func(yield func([]ccr.Received, error) bool) { yield(nil, err) }
	}
	return m.WatchFunc(ctx, sink, o, opts...)
}

// Shutdown calls ShutdownFunc.
func (m *Mock) Shutdown(ctx context.Context) error {
	if m.ShutdownFunc == nil {
		return m.missing("Shutdown")
	}
	return m.ShutdownFunc(ctx)
}

// Close calls CloseFunc.
func (m *Mock) Close() error {
	if m.CloseFunc == nil {
		return nil
	}
	return m.CloseFunc()
}

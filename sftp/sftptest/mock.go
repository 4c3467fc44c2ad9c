package sftptest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
)

// Mock is an [sftp.API] with a function for each method. A method whose
// function is nil fails the test T with the method's name.
type Mock struct {
	T TB // nil: only the error says which function is missing

	// One for each method of [sftp.API], of its signature.
	UploadFunc       func(ctx context.Context, file ccr.File, opts ...sftp.UploadOptions) (sftp.Uploaded, error)
	UploadAllFunc    func(ctx context.Context, files []ccr.File, opts ...sftp.UploadOptions) ([]sftp.Uploaded, error)
	SettleUploadFunc func(ctx context.Context, o sftp.SettleOptions) error
	ListFunc         func(ctx context.Context, opts ...sftp.ListOptions) ([]sftp.Entry, error)
	StatFunc         func(ctx context.Context, name string, opts ...sftp.StatOptions) (sftp.Entry, error)
	DownloadFunc     func(ctx context.Context, name, localPath string, opts ...sftp.DownloadOptions) (sftp.Downloaded, error)
	DownloadAllFunc  func(ctx context.Context, entries []sftp.Entry, localDir string, opts ...sftp.DownloadOptions) ([]sftp.Downloaded, error)
	ReceiveFunc      func(ctx context.Context, sink ccr.Sink, opts ...sftp.ReceiveOptions) ([]ccr.Received, error)
	WatchFunc        func(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...sftp.ReceiveOptions) iter.Seq2[[]ccr.Received, error]
	CloseFunc        func(ctx context.Context) error
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
func (m *Mock) Upload(ctx context.Context, file ccr.File, opts ...sftp.UploadOptions) (sftp.Uploaded, error) {
	if m.UploadFunc == nil {
		return sftp.Uploaded{}, m.missing("Upload")
	}
	return m.UploadFunc(ctx, file, opts...)
}

// UploadAll calls UploadAllFunc.
func (m *Mock) UploadAll(ctx context.Context, files []ccr.File, opts ...sftp.UploadOptions) ([]sftp.Uploaded, error) {
	if m.UploadAllFunc == nil {
		return nil, m.missing("UploadAll")
	}
	return m.UploadAllFunc(ctx, files, opts...)
}

// SettleUpload calls SettleUploadFunc.
func (m *Mock) SettleUpload(ctx context.Context, o sftp.SettleOptions) error {
	if m.SettleUploadFunc == nil {
		return m.missing("SettleUpload")
	}
	return m.SettleUploadFunc(ctx, o)
}

// List calls ListFunc.
func (m *Mock) List(ctx context.Context, opts ...sftp.ListOptions) ([]sftp.Entry, error) {
	if m.ListFunc == nil {
		return nil, m.missing("List")
	}
	return m.ListFunc(ctx, opts...)
}

// Stat calls StatFunc.
func (m *Mock) Stat(ctx context.Context, name string, opts ...sftp.StatOptions) (sftp.Entry, error) {
	if m.StatFunc == nil {
		return sftp.Entry{}, m.missing("Stat")
	}
	return m.StatFunc(ctx, name, opts...)
}

// Download calls DownloadFunc.
func (m *Mock) Download(ctx context.Context, name, localPath string, opts ...sftp.DownloadOptions) (sftp.Downloaded, error) {
	if m.DownloadFunc == nil {
		return sftp.Downloaded{}, m.missing("Download")
	}
	return m.DownloadFunc(ctx, name, localPath, opts...)
}

// DownloadAll calls DownloadAllFunc.
func (m *Mock) DownloadAll(ctx context.Context, entries []sftp.Entry, localDir string, opts ...sftp.DownloadOptions) ([]sftp.Downloaded, error) {
	if m.DownloadAllFunc == nil {
		return nil, m.missing("DownloadAll")
	}
	return m.DownloadAllFunc(ctx, entries, localDir, opts...)
}

// Receive calls ReceiveFunc.
func (m *Mock) Receive(ctx context.Context, sink ccr.Sink, opts ...sftp.ReceiveOptions) ([]ccr.Received, error) {
	if m.ReceiveFunc == nil {
		return nil, m.missing("Receive")
	}
	return m.ReceiveFunc(ctx, sink, opts...)
}

// Watch calls WatchFunc; without one it yields the error.
func (m *Mock) Watch(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...sftp.ReceiveOptions) iter.Seq2[[]ccr.Received, error] {
	if m.WatchFunc == nil {
		err := m.missing("Watch")
		return func(yield func([]ccr.Received, error) bool) { yield(nil, err) }
	}
	return m.WatchFunc(ctx, sink, interval, opts...)
}

// Close calls CloseFunc.
func (m *Mock) Close(ctx context.Context) error {
	if m.CloseFunc == nil {
		return m.missing("Close")
	}
	return m.CloseFunc(ctx)
}

package receive

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
)

// BenchmarkRun receives 200 files of 4 KiB into a folder and compares with
// what a careful program does without this engine: write a temporary file,
// sync it, rename it; no ledger, and nothing known after a crash.
func BenchmarkRun(b *testing.B) {
	const files, size = 200, 4 << 10
	data := make([]byte, size)
	src := &funcs{fetch: func(_ context.Context, _ Item, restart func() (io.Writer, error)) error {
		w, err := restart()
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	}}
	for i := range files {
		src.items = append(src.items, Item{Name: fmt.Sprintf("REPORT_%05d.xml", i), Size: size, Identity: "1"})
	}
	for _, concurrency := range []int{1, 16} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			var ours, plain, again time.Duration
			for b.Loop() {
				sink := ccr.DirSink(b.TempDir())
				opts := Options{Service: "sftp", Environment: "uat", Concurrency: concurrency}
				start := time.Now()
				if _, err := Run(context.Background(), src, sink, opts); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(start)
				start = time.Now()
				if _, err := Run(context.Background(), src, sink, opts); err != nil {
					b.Fatal(err)
				}
				again += time.Since(start)

				dir := b.TempDir()
				start = time.Now()
				for _, it := range src.items {
					if err := plainly(filepath.Join(dir, it.Name), data); err != nil {
						b.Fatal(err)
					}
				}
				plain += time.Since(start)
			}
			b.ReportMetric(float64(ours)/float64(plain), "x-plain-time")
			b.ReportMetric(float64(again)/float64(ours), "rerun/first")
			b.ReportMetric(float64(files*b.N)/ours.Seconds(), "files/s")
		})
	}
}

func plainly(path string, data []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

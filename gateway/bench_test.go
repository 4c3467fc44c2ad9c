package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/gateway"
)

// maxHeap is what a client may need for a file of any size.
const maxHeap = 32 << 20

// benchSize is the size of the benchmarks' file: CCR_BENCH_MIB, or 258 MiB.
func benchSize(b *testing.B) int64 {
	b.Helper()
	mib := int64(258)
	if v := os.Getenv("CCR_BENCH_MIB"); v != "" {
		var err error
		mib, err = strconv.ParseInt(v, 10, 64)
		require.NoError(b, err, "CCR_BENCH_MIB")
	}
	return mib << 20
}

// heapPeak runs f and returns its time and the most heap that was in use
// meanwhile, garbage included.
func heapPeak(f func() error) (time.Duration, uint64, error) {
	runtime.GC()
	debug.FreeOSMemory()
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		var m runtime.MemStats
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapInuse))
			}
		}
	}()
	start := time.Now()
	err := f()
	took := time.Since(start)
	close(stop)
	<-done
	return took, peak.Load(), err
}

// contest runs several ways to do one thing in turns and keeps the best time
// and the largest heap of each.
type contest struct {
	names []string
	ways  []func() error
	best  []time.Duration
	heap  []uint64
}

func (c *contest) add(name string, f func() error) {
	c.names, c.ways = append(c.names, name), append(c.ways, f)
	c.best, c.heap = append(c.best, 1<<62), append(c.heap, 0)
}

func (c *contest) round(b *testing.B) {
	for i, f := range c.ways {
		took, heap, err := heapPeak(f)
		if err != nil {
			b.Fatal(c.names[i], err)
		}
		c.best[i], c.heap[i] = min(c.best[i], took), max(c.heap[i], heap)
	}
}

// report prints the first way against the others: how many times as fast it
// is (speed/…), how many times its heap they need (…-heap/ours), and the time
// of each (s/…).
func (c *contest) report(b *testing.B, size int64) {
	mib := func(n uint64) float64 { return float64(n) / (1 << 20) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(size)/1e6/c.best[0].Seconds(), "MB/s")
	for i, name := range c.names {
		b.ReportMetric(c.best[i].Seconds(), "s/"+name)
	}
	b.ReportMetric(mib(c.heap[0]), "heap-MiB")
	for i := 1; i < len(c.ways); i++ {
		b.ReportMetric(c.best[i].Seconds()/c.best[0].Seconds(), "speed/"+c.names[i])
		b.ReportMetric(mib(c.heap[i])/mib(c.heap[0]), c.names[i]+"-heap/ours")
	}
	if c.heap[0] > maxHeap {
		b.Errorf("the client's heap grew to %.1f MiB; at most 32 are allowed", mib(c.heap[0]))
	}
}

func benchClient(b testing.TB, p *peer) *gateway.Client {
	c, err := gateway.NewClient(auth.APIKey{Key: ccr.NewSecret("k"), Username: "u", IP: "192.0.2.1"}, ccr.WithBaseURL(p.url), ccr.WithHTTPClient(p.client))
	require.NoError(b, err)
	return c
}

// TestMemoryStaysBounded sends and receives a file larger than the
// heap may become.
func TestMemoryStaysBounded(t *testing.T) { //nolint:paralleltest // others would be measured, too
	const size = 48 << 20
	p := startPeer(t, "big.bin", size, false)
	client := benchClient(t, p)
	content := ccr.NewFile("big.bin", size, func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(endlessBytes{}, size)), nil
	})
	_, heap, err := heapPeak(func() error {
		_, err := client.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{content}})
		return err
	})
	require.NoError(t, err)
	assert.Less(t, heap, uint64(maxHeap))
	dir := t.TempDir()
	_, heap, err = heapPeak(func() error {
		_, err := client.Receive(t.Context(), ccr.DirSink(dir))
		return err
	})
	require.NoError(t, err)
	assert.Less(t, heap, uint64(maxHeap))
	st, err := os.Stat(filepath.Join(dir, "big.bin"))
	require.NoError(t, err)
	assert.Equal(t, int64(size), st.Size())
}

type endlessBytes struct{}

func (endlessBytes) Read(p []byte) (int, error) { return len(p), nil }

// BenchmarkUpload sends a file of 258 MiB (CCR_BENCH_MIB) in three ways: with the SDK, with
// plain code that streams the same base64 through net/http, and with
// json.Marshal of the whole body.
func BenchmarkUpload(b *testing.B) {
	p := startPeer(b, "big.bin", 0, false)
	path := filepath.Join(b.TempDir(), "big.bin")
	f, err := os.Create(path)
	require.NoError(b, err)
	size, block := benchSize(b), peerBlock(false)
	for left := size; left > 0; left -= int64(len(block)) {
		_, err := f.Write(block[:min(left, int64(len(block)))])
		require.NoError(b, err)
	}
	require.NoError(b, f.Close())
	client := benchClient(b, p)
	c := &contest{}
	c.add("ccr", func() error {
		_, err := client.Upload(b.Context(), gateway.UploadRequest{Files: []ccr.File{ccr.FileFromPath(path)}})
		return err
	})
	c.add("plain", func() error { return plainUpload(p, path) })
	c.add("marshal", func() error { return marshalUpload(p, path) })
	for b.Loop() {
		c.round(b)
	}
	c.report(b, size)
}

func plainUpload(p *peer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	head := []byte(`{"apikey":"k","secret":"s","action":"upload","resultsformat":"JSON","files":[{"name":"big.bin","data":"`)
	tail := []byte(`"}]}`)
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(w, 64<<10)
		enc := base64.NewEncoder(base64.StdEncoding, out)
		_, err := io.Copy(enc, f)
		w.CloseWithError(errors.Join(err, enc.Close(), out.Flush()))
	}()
	req, err := http.NewRequest(http.MethodPost, p.url, io.MultiReader(bytes.NewReader(head), r, bytes.NewReader(tail)))
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(head)) + (st.Size()+2)/3*4 + int64(len(tail))
	req.Header.Set("Content-Type", "application/json")
	return plainDo(p, req)
}

func marshalUpload(p *peer, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	type file struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	body, err := json.Marshal(map[string]any{"apikey": "k", "secret": "s", "action": "upload", "files": []file{{"big.bin", data}}})
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return plainDo(p, req)
}

func plainDo(p *peer, req *http.Request) error {
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Message []struct{ Status string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Message[0].Status != "OK" {
		return errors.New("not OK")
	}
	return nil
}

// BenchmarkReceive brings in a report of 258 MiB (CCR_BENCH_MIB; for XML a
// multiple of three) in three ways, each of which
// ends with a file that is synced and renamed: Receive of the SDK (list, fetch
// with checksum and checks, ledger, archive), plain code that streams the same
// base64 from net/http, and json.Unmarshal of the whole answer.
func BenchmarkReceive(b *testing.B) {
	for _, kind := range []struct {
		name string
		xml  bool
	}{{"xml", true}, {"binary", false}} {
		b.Run(kind.name, func(b *testing.B) {
			name := map[bool]string{true: "big", false: "big.bin"}[kind.xml]
			size := benchSize(b)
			p := startPeer(b, name, size, kind.xml)
			client := benchClient(b, p)
			dir := b.TempDir()
			c := &contest{}
			n := 0
			c.add("ccr", func() error {
				n++
				into := filepath.Join(dir, fmt.Sprint("ccr", n))
				defer os.RemoveAll(into)
				_, err := client.Receive(b.Context(), ccr.DirSink(into))
				return err
			})
			c.add("plain", func() error { return plainReceive(p, filepath.Join(dir, "plain")) })
			c.add("unmarshal", func() error { return unmarshalReceive(p, filepath.Join(dir, "unmarshal")) })
			for b.Loop() {
				c.round(b)
			}
			c.report(b, size)
		})
	}
}

func askForReport(p *peer) (*http.Response, error) {
	body := fmt.Sprintf(`{"apikey":"k","secret":"s","action":"testByName","resultsformat":"JSON","names":[%q]}`, p.name)
	return p.client.Post(p.url, "application/json", bytes.NewReader([]byte(body)))
}

func plainReceive(p *peer, path string) error {
	resp, err := askForReport(p)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := bufio.NewReaderSize(resp.Body, 64<<10)
	if _, err := in.Discard(len(`{"files":[{"name":"","data":"`) + len(p.name)); err != nil {
		return err
	}
	return persist(path, func(w io.Writer) error {
		_, err := io.Copy(w, base64.NewDecoder(base64.StdEncoding, &unescaped{r: in}))
		return err
	})
}

// unescaped ends at the quote and drops the backslashes that PHP writes.
type unescaped struct {
	r    *bufio.Reader
	over bool
}

func (u *unescaped) Read(p []byte) (int, error) {
	if u.over {
		return 0, io.EOF
	}
	n, err := u.r.Read(p)
	if end := bytes.IndexByte(p[:n], '"'); end >= 0 {
		u.over, n, err = true, end, nil
	}
	kept := 0
	for rest := p[:n]; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			i = len(rest)
		}
		kept += copy(p[kept:], rest[:i])
		rest = rest[min(i+1, len(rest)):]
	}
	return kept, err
}

func unmarshalReceive(p *peer, path string) error {
	resp, err := askForReport(p)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Files []struct {
			Name string
			Data []byte
		}
	}
	if err := json.Unmarshal(all, &answer); err != nil {
		return err
	}
	return persist(path, func(w io.Writer) error {
		_, err := w.Write(answer.Files[0].Data)
		return err
	})
}

func persist(path string, write func(io.Writer) error) error {
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	defer os.Remove(path)
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

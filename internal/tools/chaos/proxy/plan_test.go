package proxy_test

import (
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	good := []proxy.Fault{
		{Kind: proxy.Cut}, {Kind: proxy.Reset, Dir: proxy.ToClient, At: 5, Within: 10}, {Kind: proxy.HalfClose, At: 3},
		{Kind: proxy.Stall, For: time.Second, Every: 100}, {Kind: proxy.Slow, Rate: 1}, {Kind: proxy.Slow, Chunk: 1, Pause: 1},
		{Kind: proxy.Slow, Rate: 1, Bytes: 1, Every: 2}, {Kind: proxy.Corrupt, Bytes: 3, Mask: 1, Every: 9}, {Kind: proxy.Refuse},
	}
	for _, f := range good {
		assert.NoError(t, f.Validate(), "%+v", f)
	}
	bad := map[string]proxy.Fault{
		"unknown kind":            {},
		`unknown kind of fault "`: {Kind: "melt"},
		"unknown direction":       {Kind: proxy.Cut, Dir: 2},
		"negative":                {Kind: proxy.Cut, At: -1},
		"no offset":               {Kind: proxy.Refuse, At: 1},
		"cannot repeat":           {Kind: proxy.Cut, Every: 1},
		"no For":                  {Kind: proxy.Cut, For: 1},
		"no Mask":                 {Kind: proxy.Stall, Mask: 1},
		"no Bytes":                {Kind: proxy.Stall, Bytes: 1},
		"needs Rate":              {Kind: proxy.Slow, Chunk: 1},
		"not both":                {Kind: proxy.Slow, Rate: 1, Chunk: 1},
		"only with Bytes":         {Kind: proxy.Slow, Rate: 1, Every: 1},
		"no Rate, Chunk or Pause": {Kind: proxy.Corrupt, Rate: 1},
	}
	for want, f := range bad {
		assert.ErrorContains(t, f.Validate(), want)
	}
	err := proxy.Fault{Kind: proxy.Cut, At: -1, For: 1, Mask: 1}.Validate()
	for _, want := range []string{"negative", "For", "Mask"} {
		assert.ErrorContains(t, err, want, "every fault at once")
	}
}

func TestBadPlanIsReported(t *testing.T) {
	t.Parallel()
	plans := map[string]func(*proxy.Proxy){
		"next": func(p *proxy.Proxy) { p.Next(proxy.Fault{Kind: proxy.Cut, At: -1}) },
		"policy": func(p *proxy.Proxy) {
			p.Policy(func(int, *rand.Rand) []proxy.Fault { return []proxy.Fault{{Kind: "melt"}} })
		},
	}
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := proxy.Start(proxy.Config{Target: proxy.TCP("127.0.0.1:1")})
			require.NoError(t, err)
			plan(p)
			c, err := p.DialContext(t.Context(), "tcp", "")
			if err == nil {
				_, err = io.ReadAll(c)
				_ = c.Close()
			}
			require.Error(t, err, "the connection goes nowhere")
			require.ErrorContains(t, p.Close(), "proxy:")
			require.Zero(t, p.Stats().Injected())
			require.Zero(t, p.Stats().DialFailures, "the target was not asked")
		})
	}
}

// outcome sends 100 bytes to the server and says how many came through.
func outcome(t *testing.T, w world) int {
	t.Helper()
	client, server := w.connect(t)
	_, err := client.Write(make([]byte, 100))
	require.NoError(t, err)
	require.NoError(t, client.(halfCloser).CloseWrite())
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	return len(got)
}

func outcomes(t *testing.T, w world, n int) []int {
	t.Helper()
	var all []int
	for range n {
		all = append(all, outcome(t, w))
	}
	return all
}

func endAt(n int64) proxy.Fault { return proxy.Fault{Kind: proxy.HalfClose, At: n} }

func TestPlans(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		plan func(*proxy.Proxy)
		want []int
	}{
		"next":           {func(p *proxy.Proxy) { p.Next(endAt(10)) }, []int{10, 100, 100}},
		"next, chained":  {func(p *proxy.Proxy) { p.Next(endAt(10)).Next(endAt(20)) }, []int{10, 20, 100}},
		"next, a pass":   {func(p *proxy.Proxy) { p.Next().Next(endAt(20)) }, []int{100, 20, 100}},
		"next, several":  {func(p *proxy.Proxy) { p.Next(endAt(10), endAt(5)) }, []int{5, 100, 100}},
		"by number":      {func(p *proxy.Proxy) { p.Conn(1, endAt(10)) }, []int{100, 10, 100}},
		"always":         {func(p *proxy.Proxy) { p.Always(endAt(10)) }, []int{10, 10, 10}},
		"they add up":    {func(p *proxy.Proxy) { p.Always(endAt(10)).Conn(1, endAt(5)).Next(endAt(2)) }, []int{2, 5, 10}},
		"never by draw":  {func(p *proxy.Proxy) { p.Chance(0, endAt(10)) }, []int{100, 100, 100}},
		"always by draw": {func(p *proxy.Proxy) { p.Chance(1, endAt(10)) }, []int{10, 10, 10}},
		"policy": {func(p *proxy.Proxy) {
			p.Policy(func(conn int, _ *rand.Rand) []proxy.Fault { return []proxy.Fault{endAt(int64(conn))} })
		}, []int{0, 1, 2}},
		"cleared": {func(p *proxy.Proxy) { p.Always(endAt(1)).Next(endAt(2)).Conn(2, endAt(3)).Clear() }, []int{100, 100, 100}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := overMemory(t, proxy.Config{})
			tt.plan(w.Proxy)
			require.Equal(t, tt.want, outcomes(t, w, len(tt.want)))
		})
	}
}

func TestRandomOffsetsRepeatWithTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) []int {
		w := overMemory(t, proxy.Config{Seed: seed})
		w.Chance(0.5, proxy.Fault{Kind: proxy.HalfClose, At: 20, Within: 50})
		w.Policy(func(_ int, r *rand.Rand) []proxy.Fault {
			if r.IntN(3) > 0 {
				return nil
			}
			return []proxy.Fault{endAt(r.Int64N(20))}
		})
		return outcomes(t, w, 60)
	}
	first := run(1)
	require.Equal(t, first, run(1))
	require.NotEqual(t, first, run(2))
	low, mid, whole := 0, 0, 0
	for _, n := range first {
		switch {
		case n < 20:
			low++
		case n < 70:
			mid++
		default:
			require.Equal(t, 100, n)
			whole++
		}
	}
	assert.Greater(t, low, 5)
	assert.Greater(t, mid, 5)
	assert.Greater(t, whole, 5)
}

// Within covers every byte of the range and no other.
func TestWithinIsTheWholeRange(t *testing.T) {
	t.Parallel()
	w := overMemory(t, proxy.Config{Seed: 3})
	w.Always(proxy.Fault{Kind: proxy.HalfClose, At: 7, Within: 3})
	seen := map[int]bool{}
	for _, n := range outcomes(t, w, 60) {
		seen[n] = true
	}
	require.Equal(t, map[int]bool{7: true, 8: true, 9: true}, seen)
}

// What was planned first strikes first when the offset is the same; the cut
// waits for the stall.
func TestOrderAtTheSameByte(t *testing.T) {
	t.Parallel()
	var order []proxy.Kind
	done := make(chan struct{})
	w := overMemory(t, proxy.Config{OnFault: func(s proxy.Strike) {
		order = append(order, s.Kind)
		if s.Kind == proxy.Cut {
			close(done)
		}
	}})
	w.Next(
		proxy.Fault{Kind: proxy.Slow, At: 4, Rate: 1 << 30},
		proxy.Fault{Kind: proxy.Stall, At: 4, For: time.Millisecond},
		proxy.Fault{Kind: proxy.Cut, At: 4},
	)
	var client, server net.Conn
	client, server = w.connect(t)
	_, err := client.Write([]byte("12345"))
	require.NoError(t, err)
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.Equal(t, "1234", string(got))
	<-done
	require.Equal(t, []proxy.Kind{proxy.Slow, proxy.Stall, proxy.Cut}, order)
}

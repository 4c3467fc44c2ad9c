package proxy

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Dialer connects to the target; memnet's Listener.Dial is one.
type Dialer func(ctx context.Context) (net.Conn, error)

// TCP dials the server at "host:port".
func TCP(addr string) Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
}

// Config says what a proxy stands between.
type Config struct {
	// Target connects to the server, once for each accepted connection.
	// Required.
	Target Dialer
	// Listen opens the listener: with nil in Start, with the former address
	// in Up. Default: a free port on 127.0.0.1, the same one again in Up.
	Listen func(former net.Addr) (net.Listener, error)
	// Seed is where everything random comes from.
	Seed uint64
	// Latency holds every byte that long, each way: a round trip takes twice
	// that. Default 0. Timers are good to about a millisecond, and late
	// rather than early.
	Latency time.Duration
	// Window is how many bytes may be under way in each direction of a
	// connection when there is latency: it bounds the bandwidth to Window per
	// Latency. Default 32 MiB.
	Window int
	// OnFault is told each fault as it strikes. It is called by several
	// goroutines at once and must not block.
	OnFault func(Strike)
}

// On lets the proxy listen on l, such as a memnet.Listener. Down ends it; Up
// then needs a Listen function of the caller's own.
func On(l net.Listener) func(net.Addr) (net.Listener, error) {
	return func(former net.Addr) (net.Listener, error) {
		if former != nil {
			return nil, errors.New("proxy: a listener given by On cannot be opened again; set Config.Listen to a function that can")
		}
		return l, nil
	}
}

func loopback(former net.Addr) (net.Listener, error) {
	addr := "127.0.0.1:0"
	if former != nil {
		addr = former.String()
	}
	return new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
}

// Proxy forwards connections and breaks them. Its methods may be called at any
// time from any goroutine.
type Proxy struct {
	config   Config
	counters counters
	buffers  sync.Pool // of *buffer

	ctx    context.Context //nolint:containedctx // ends dials when the proxy closes
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine of the proxy

	mu       sync.Mutex
	listener net.Listener  // nil while down
	loop     chan struct{} // closed when the listener's accept loop has ended
	addr     net.Addr
	plan     plan
	accepted int
	links    map[*link]struct{}
	closed   bool
	faults   []error // what was wrong with plans

	delay    time.Duration
	held     bool
	released chan struct{} // closed by Release, which then makes a new one
}

// Start listens and forwards until Close.
func Start(config Config) (*Proxy, error) {
	if config.Target == nil {
		return nil, errors.New("proxy: Config.Target is required")
	}
	if config.Latency < 0 || config.Window < 0 {
		return nil, errors.New("proxy: Config.Latency and Config.Window must not be negative")
	}
	if config.Listen == nil {
		config.Listen = loopback
	}
	if config.Window == 0 {
		config.Window = 32 << 20
	}
	p := &Proxy{config: config, delay: config.Latency, links: make(map[*link]struct{}), released: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.listen(); err != nil {
		p.cancel()
		return nil, err
	}
	return p, nil
}

// listen opens the listener and starts its accept loop; the caller holds mu.
func (p *Proxy) listen() error {
	l, err := p.config.Listen(p.addr)
	if err != nil {
		return err
	}
	p.listener, p.addr, p.loop = l, l.Addr(), make(chan struct{})
	loop := p.loop
	p.wg.Go(func() {
		defer close(loop)
		p.accept(l)
	})
	return nil
}

// Addr is where clients connect; while the proxy is down, where they did.
func (p *Proxy) Addr() net.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addr
}

// DialContext connects to the proxy whatever the address, in the shape of
// http.Transport.DialContext: the client keeps its URL and host checks.
func (p *Proxy) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	p.mu.Lock()
	l, addr := p.listener, p.addr
	p.mu.Unlock()
	if in, ok := l.(interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	}); ok {
		return in.DialContext(ctx, addr.Network(), addr.String())
	}
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: addr.Network(), Addr: addr, Err: syscall.ECONNREFUSED}
	}
	return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
}

// Stats is a copy of the counters.
func (p *Proxy) Stats() Stats { return p.counters.snapshot() }

// SetLatency changes [Config.Latency] for what arrives from now on. Bytes stay
// in order.
func (p *Proxy) SetLatency(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = max(0, d)
}

func (p *Proxy) latency() (d time.Duration, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.delay == 0 {
		return 0, chunkSize
	}
	return p.delay, p.config.Window
}

// Hold forwards nothing more on any connection, present or future, until
// Release. Connections stay open and new ones are accepted: a partition.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
}

// Release ends Hold and every present Stall that has no time of its own.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	close(p.released)
	p.released = make(chan struct{})
}

// releases is closed by the next Release.
func (p *Proxy) releases() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.released
}

// passGate waits while Hold is on. It returns false if done was closed.
func (p *Proxy) passGate(done <-chan struct{}) bool {
	for {
		p.mu.Lock()
		held, released := p.held, p.released
		p.mu.Unlock()
		if !held {
			return true
		}
		select {
		case <-released:
		case <-done:
			return false
		}
	}
}

// CutAll strikes every open connection with a Cut and returns how many.
func (p *Proxy) CutAll() int { return p.endAll(Cut) }

// ResetAll strikes every open connection with a Reset and returns how many.
func (p *Proxy) ResetAll() int { return p.endAll(Reset) }

func (p *Proxy) endAll(kind Kind) int {
	n := 0
	for _, l := range p.open() {
		if l.end(kind == Reset, &Strike{Conn: l.number, Kind: kind}) {
			n++
		}
	}
	return n
}

func (p *Proxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.links))
}

// Down closes the listener, so that connects are refused; open connections
// live on.
func (p *Proxy) Down() error {
	p.mu.Lock()
	l, loop := p.listener, p.loop
	p.listener = nil
	p.mu.Unlock()
	if l == nil {
		return nil
	}
	err := l.Close()
	<-loop
	return err
}

// Up listens again after Down, at the same address.
func (p *Proxy) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return net.ErrClosed
	case p.listener != nil:
		return nil
	}
	return p.listen()
}

// Close stops listening, ends every connection and waits for every goroutine
// of the proxy. Its error is what was wrong with planned faults; a test should
// look at it. Closing again returns it again.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	err := p.Down()
	for _, l := range p.open() {
		l.end(false, nil)
	}
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(append(slices.Clone(p.faults), err)...)
}

// complain remembers a fault of a plan; the caller holds mu.
func (p *Proxy) complain(err error) {
	if err != nil {
		p.faults = append(p.faults, err)
	}
}

// accept takes connections until l is closed.
func (p *Proxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.counters.add(func(s *Stats) { s.AcceptFailures++ })
			select { // out of file descriptors, say
			case <-time.After(5 * time.Millisecond):
				continue
			case <-p.ctx.Done():
				return
			}
		}
		p.mu.Lock()
		number := p.accepted
		p.accepted++
		faults, refuse, planned := p.take(number)
		p.mu.Unlock()
		p.counters.add(func(s *Stats) { s.Connections++ })
		if refuse {
			if planned {
				p.struck(Strike{Conn: number, Kind: Refuse})
			}
			resetConn(conn)
			continue
		}
		p.wg.Go(func() { p.serve(conn, number, faults) })
	}
}

// serve carries one connection to its end.
func (p *Proxy) serve(client net.Conn, number int, faults []*pending) {
	server, err := p.config.Target(p.ctx)
	if err != nil {
		p.counters.add(func(s *Stats) { s.DialFailures++ })
		resetConn(client)
		return
	}
	l := newLink(p, number, client, server, faults)
	p.mu.Lock()
	closed := p.closed
	p.links[l] = struct{}{}
	p.mu.Unlock()
	p.counters.add(func(s *Stats) { s.Active++ })
	if closed {
		l.end(false, nil)
	}
	l.run()
	p.counters.add(func(s *Stats) { s.Active-- })
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func (p *Proxy) struck(s Strike) {
	p.counters.struck(s.Kind)
	if p.config.OnFault != nil {
		p.config.OnFault(s)
	}
}

func (p *Proxy) buffer() *buffer {
	if b, ok := p.buffers.Get().(*buffer); ok {
		return b
	}
	return new(buffer)
}

func (p *Proxy) recycle(b *buffer) {
	if b != nil {
		p.buffers.Put(b)
	}
}

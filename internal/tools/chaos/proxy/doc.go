// Package proxy is a TCP proxy that breaks connections on purpose, for tests.
//
// It forwards what it accepts to a target and injects the [Fault]s it was told
// to: at an exact byte of a direction or at a random one, on one connection or
// on many. What is random comes from [Config.Seed] and the connection's number
// alone, so a failed run can be repeated.
//
//	p, err := proxy.Start(proxy.Config{Target: proxy.TCP(server.Listener.Addr().String())})
//	defer p.Close()
//	p.Next(proxy.Fault{Kind: proxy.Cut, Dir: proxy.ToClient, At: 1000})
//
// # Plans
//
// A plan is made before a connection is accepted; its faults add up:
//
//   - [Proxy.Next] is for one connection: each call for the next one that has
//     none (one shot).
//   - [Proxy.Conn] is for the connection with that number; the first is 0.
//   - [Proxy.Always] is for every connection, [Proxy.Chance] for some of them.
//   - [Proxy.Policy] decides by program.
//   - [Proxy.Clear] forgets all of these. Connections keep what they got.
//
// Beside plans, [Proxy.Hold] stops all traffic (a partition), [Proxy.CutAll]
// and [Proxy.ResetAll] end what is open, and [Proxy.Down] and [Proxy.Up] take
// the listener away, so that connects are refused.
//
// # What an offset means
//
// Bytes are counted in each direction of a connection from 0, as the proxy
// writes them to the receiver. A fault at offset n lets the bytes 0 … n-1 pass
// and then strikes. [Cut], [Reset] and [HalfClose] strike as soon as these n
// bytes were written; [Stall], [Slow] and [Corrupt] on byte n itself, so only
// if there is one (for Stall, the end of the stream counts too). Bytes written
// just before a Reset may be lost with it, as on a real network.
//
// # Latency
//
// [Config.Latency] is a delay line: every byte, and the end of the stream, is
// held that long and bandwidth is not touched, up to [Config.Window] bytes
// under way in each direction. The TCP handshake is not delayed.
//
// # Fake time
//
// Over internal/memnet everything here blocks durably, so the proxy works
// inside a testing/synctest bubble; start it there.
package proxy

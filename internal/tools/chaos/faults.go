package main

import (
	"math/rand/v2"
	"time"

	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

// faultKinds are the kinds in the order of the table.
var faultKinds = []string{string(proxy.Cut), string(proxy.Reset), string(proxy.Stall), string(proxy.Slow), string(proxy.HalfClose), string(proxy.Corrupt), string(proxy.Refuse)}

// misfortune gives most connections one fault, at a random byte. Within spans
// the handshake and a few calls; large transfers meet it in the middle.
func misfortune(_ int, r *rand.Rand) []proxy.Fault {
	if r.IntN(10) == 0 {
		return nil // some connections must live
	}
	dir := proxy.ToServer
	if r.IntN(2) == 0 {
		dir = proxy.ToClient
	}
	within := int64(1) << (9 + r.IntN(9)) // up to 512 bytes … 128 KiB
	f := proxy.Fault{Dir: dir, Within: within}
	switch r.IntN(12) {
	case 0, 1, 2:
		f.Kind = proxy.Cut
	case 3, 4, 5:
		f.Kind = proxy.Reset
	case 6:
		f.Kind, f.For = proxy.Stall, time.Duration(50+r.IntN(3000))*time.Millisecond
	case 7:
		f.Kind, f.Rate, f.Bytes = proxy.Slow, 20_000, 20_000
	case 8, 9:
		f.Kind = proxy.HalfClose
	case 10:
		f.Kind = proxy.Corrupt // TLS or SSH is above, and notices
	default:
		return []proxy.Fault{{Kind: proxy.Refuse}}
	}
	return []proxy.Fault{f}
}

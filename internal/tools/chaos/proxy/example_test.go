package proxy_test

import (
	"context"
	"fmt"
	"io"

	"github.com/ccr-sdk/ccr/internal/memnet"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

// A download that is cut after 1000 bytes.
func Example() {
	server := memnet.Listen() // or a real one, with proxy.TCP(addr)
	p, err := proxy.Start(proxy.Config{Target: server.Dial, Listen: proxy.On(memnet.Listen())})
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Next(proxy.Fault{Kind: proxy.Cut, Dir: proxy.ToClient, At: 1000})

	client, err := p.DialContext(context.Background(), "tcp", "drop.example:22")
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := server.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = conn.Write(make([]byte, 5000))

	got, err := io.ReadAll(client)
	fmt.Println(len(got), err)
	fmt.Println(p.Stats().Faults, p.Close())
	// Output:
	// 1000 <nil>
	// map[cut:1] <nil>
}

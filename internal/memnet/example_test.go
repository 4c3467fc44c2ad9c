package memnet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr/internal/memnet"
)

// A server and a client that share a listener instead of the real network.
func ExampleListen() {
	l := memnet.Listen()
	srv := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "hello %s", r.URL.Path)
		}),
	}
	go func() { _ = srv.Serve(l) }()

	client := &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://anything.example/there", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(res.Body)
	fmt.Println(string(body), err)
	_ = res.Body.Close()
	client.CloseIdleConnections()
	_ = srv.Shutdown(context.Background())
	// Output: hello /there <nil>
}

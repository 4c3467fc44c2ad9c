package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// exampleBureau stands in for the real one.
func exampleBureau() (*gatewaytest.Server, *gateway.Client) {
	srv, err := gatewaytest.NewServer(gatewaytest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	client, err := srv.Client()
	if err != nil {
		log.Fatal(err)
	}
	return srv, client
}

func ExampleNewClient() {
	key, err := ccr.SecretFromEnv(gateway.EnvAPIKey) // or gateway.FromEnv for all of it
	if err != nil {
		fmt.Println("no key in the environment")
	}
	_, err = gateway.NewClient(
		auth.APIKey{Key: key, Username: "demouser", IP: "192.0.2.10"},
		ccr.WithApplication("collections", "1.4.0"),
		ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3}),
	)
	fmt.Println(errors.Is(err, ccr.ErrInvalid))
	// Output:
	// no key in the environment
	// true
}

func ExampleClient_Upload() {
	srv, client := exampleBureau()
	defer srv.Close()
	result, err := client.Upload(context.Background(), gateway.UploadRequest{
		Files: []ccr.File{ccr.FileFromBytes("COLLECTIONS_20261121.csv", []byte("as agreed with the bureau\r\n"))},
	})
	if errors.Is(err, ccr.ErrOutcomeUnknown) {
		// It may have arrived: err says how to find out. Do not just repeat it.
		log.Fatal(err)
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range result.Files {
		fmt.Println(f.Name, f.Size, f.State)
	}
	// Output:
	// COLLECTIONS_20261121.csv 27 accepted
}

// With a ledger a job can be run again after a crash: what was accepted is not
// sent again.
func ExampleClient_Upload_ledger() {
	srv, client := exampleBureau()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ledger, err := ccr.OpenLedger(filepath.Join(dir, "sent.ledger"))
	if err != nil {
		log.Fatal(err)
	}
	defer ledger.Close()
	req := gateway.UploadRequest{
		Files:  []ccr.File{ccr.FileFromBytes("COLLECTIONS_20261121.csv", []byte("…"))},
		Ledger: ledger,
	}
	for range 2 {
		result, err := client.Upload(context.Background(), req)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Files[0].State)
	}
	// Output:
	// accepted
	// accepted before
}

func ExampleClient_Receive() {
	srv, client := exampleBureau()
	defer srv.Close()
	srv.AddReport("123456-21112026-2013-1.xml", []byte("<BACSDocument/>"))
	dir, err := os.MkdirTemp("", "reports")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	received, err := client.Receive(context.Background(), ccr.DirSink(dir))
	for _, r := range received {
		fmt.Println(r.Name, r.State, filepath.Base(r.Location))
	}
	fmt.Println(err, len(srv.Waiting()))
	// Output:
	// 123456-21112026-2013-1.xml delivered 123456-21112026-2013-1.xml
	// <nil> 0
}

func ExampleClient_Watch() {
	srv, client := exampleBureau()
	defer srv.Close()
	srv.AddReport("123456-21112026-2013-1.xml", []byte("<BACSDocument/>"))
	dir, err := os.MkdirTemp("", "reports")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for received, err := range client.Watch(context.Background(), ccr.DirSink(dir), 5*time.Minute) {
		if err != nil {
			log.Print(err) // and go on
		}
		for _, r := range received {
			fmt.Println(r.Name, r.State)
		}
		break // or go on until the context ends
	}
	// Output:
	// 123456-21112026-2013-1.xml delivered
}

package ccr_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/auth"
)

func ExampleAmount() {
	owed, err := ccr.ParseAmount("1049.90")
	if err != nil {
		fmt.Println(err)
		return
	}
	paid := ccr.AmountFromMinor(104990, 2)
	cents, err := owed.MinorUnits(2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(owed, cents, owed.Equal(paid), owed.Sign())

	_, err = owed.MinorUnits(1) // it never rounds: 1049.90 fits, 1049.95 would not
	fmt.Println(err)
	_, err = ccr.ParseAmount("1,049.90")
	fmt.Println(err)
	// Output:
	// 1049.90 104990 true 1
	// <nil>
	// ccr: not a decimal amount (want digits with an optional sign, point and exponent, 64 characters at most)
}

func ExampleParseDateTime() {
	at, err := ccr.ParseDateTime("2022-09-06T20:43:31.772+10") // as Credit Clear writes it
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(at)
	fmt.Println(at.Time().UTC().Format(time.RFC3339Nano))
	fmt.Println(ccr.DateOf(at.Time()))
	// Output:
	// 2022-09-06T20:43:31.772+10
	// 2022-09-06T10:43:31.772Z
	// 2022-09-06
}

func ExampleSecret() {
	key := ccr.NewSecret("a real key comes from the environment or a file")
	config := struct {
		User string
		Key  ccr.Secret
	}{"acme", key}
	fmt.Printf("%+v\n", config)
	// Output:
	// {User:acme Key:[redacted]}
}

func ExampleFile() {
	// A file of the disk, of memory, or of anything that can be opened again.
	for _, f := range []ccr.File{
		ccr.FileFromBytes("debtors.csv", []byte("reference,amount\nA-1,10.50\n")),
		ccr.NewFile("generated.csv", 4, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("rows")), nil }),
	} {
		sum, size, err := f.SHA256(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %d bytes %x\n", f.Name(), size, sum[:4])
	}
	_, err := ccr.FileFromPath("no such file.csv").Open()
	fmt.Println(errors.Is(err, os.ErrNotExist))
	// Output:
	// debtors.csv 27 bytes 1abe425f
	// generated.csv 4 bytes bc51e9e6
	// true
}

// What a Receive of gateway or sftp does with a sink: content becomes visible
// whole, names of the vendor cannot leave the folder, nothing is overwritten.
func ExampleDirSink() {
	dir, err := os.MkdirTemp("", "reports")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	sink := ccr.DirSink(dir)
	deliver := func(name, content string) error {
		f, err := sink.Create(context.Background(), ccr.Item{Name: name, Size: int64(len(content)), Token: rand.Text()})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, content); err != nil {
			return errors.Join(err, f.Abort(context.Background()))
		}
		location, err := f.Commit(context.Background())
		if err != nil {
			return err
		}
		shown, err := filepath.Rel(dir, location)
		fmt.Println(shown)
		return err
	}
	err = errors.Join(
		deliver("ARUDD.xml", "<monday/>"),
		deliver("ARUDD.xml", "<tuesday/>"), // the same name with other content
		deliver("../../etc/passwd", "<x/>"),
	)
	fmt.Println(err)
	// Output:
	// ARUDD.xml
	// ARUDD.other-27e5bcfcce85be71.xml
	// %2E.%2F..%2Fetc%2Fpasswd
	// <nil>
}

// A ledger on a local disk, given to Upload and Receive, makes a rerun after
// a crash send nothing twice. A fleet implements the two methods of
// [ccr.Ledger] over a database.
func ExampleOpenLedger() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ledger, err := ccr.OpenLedger(filepath.Join(dir, "sent.ledger"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ledger.Close()
	ctx := context.Background()

	_, err = ledger.Load(ctx, "key")
	fmt.Println(err)
	err = ledger.Store(ctx, ccr.LedgerEntry{Key: "key", State: ccr.StateIntent})
	fmt.Println(err)
	err = ledger.Store(ctx, ccr.LedgerEntry{Key: "key", State: ccr.StateIntent}) // somebody else, who did not see ours
	fmt.Println(err)
	entry, err := ledger.Load(ctx, "key")
	fmt.Println(entry.State, entry.Version, err)

	_, err = ccr.OpenLedger(filepath.Join(dir, "sent.ledger"))
	fmt.Println(errors.Is(err, ccr.ErrLedgerInUse))
	// Output:
	// ccr: no such ledger entry
	// <nil>
	// ccr: the ledger entry was changed by another writer
	// intent 1 <nil>
	// true
}

func ExamplePages() {
	pages := ccr.NewPages(func(_ context.Context, number int) (ccr.Page[string], error) {
		// A service package asks the vendor here.
		all := [][]string{{"a", "b"}, {"c"}}
		return ccr.Page[string]{Items: all[number-1], Number: number, TotalPages: len(all), TotalItems: 3}, nil
	})
	for item, err := range pages.All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(item)
	}
	// Output:
	// a
	// b
	// c
}

// In a test, a double returns pages without a server.
func ExamplePagesOf() {
	for item := range ccr.PagesOf(1, 2).All(context.Background()) {
		fmt.Println(item)
	}
	// Output:
	// 1
	// 2
}

func ExamplePoller() {
	poller := ccr.PollerOf("CREATED", "IN_PROGRESS", "COMPLETED").
		WithInterval(ccr.PollInterval{Start: time.Millisecond, Max: 5 * time.Millisecond}).
		WithProgress("analysis", func(p ccr.Progress) { fmt.Println("look", p.Items, "done", p.Done) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	state, err := poller.Wait(ctx)
	fmt.Println(state, err)
	// Output:
	// look 1 done false
	// look 2 done false
	// look 3 done true
	// COMPLETED <nil>
}

// A caller who moves money asks first what is known about the effect.
func ExampleError() {
	call := func() error { // any call of a service package
		return &ccr.Error{Service: "gateway", Operation: "Upload", Outcome: ccr.OutcomeUnknown, Attempts: 1, Classes: []error{ccr.ErrUnavailable},
			Err: io.ErrUnexpectedEOF, Advice: "Look at the Input report before sending the file again."}
	}
	err := call()
	switch {
	case err == nil:
	case errors.Is(err, ccr.ErrOutcomeUnknown):
		fmt.Println("settle it first:", err)
	case errors.Is(err, ccr.ErrNotSent):
		fmt.Println("nothing reached the vendor:", err)
	default:
		fmt.Println("the vendor refused it:", err)
	}
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		fmt.Println(e.Operation, e.Temporary())
	}
	// Output:
	// settle it first: ccr gateway Upload: unavailable (outcome unknown): unexpected EOF. Look at the Input report before sending the file again.
	// Upload true
}

// Validate and every call report all faults at once, by path.
func ExampleFaults() {
	var faults ccr.Faults
	faults.Add("accounts[3].outstandingAmount", "must not be negative")
	faults.Addf("accounts[7].reference", "must have at most %d characters", 50)
	err := faults.Err("accounts", "UpsertAccounts")
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		for _, f := range e.Fields {
			fmt.Println(f.Path, "-", f.Message)
		}
	}
	// Output:
	// accounts[3].outstandingAmount - must not be negative
	// accounts[7].reference - must have at most 50 characters
}

func ExampleOption() {
	token, err := auth.NewStaticBearer(ccr.NewSecret("from a vault"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = accounts.NewClient(token,
		ccr.WithBaseURL("http://api.example.com"), // refused: not https
		ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 5}),
		ccr.WithLogger(slog.New(slog.DiscardHandler)),
		ccr.WithEnvironment("uat"),
	)
	fmt.Println(err)
	// Output:
	// accounts: ccr: the base URL must use https; credentials and personal data are never sent in clear
}

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// verify holds the vendors' books and the clients' folder against what should
// be there.
func (r *referee) verify(t *tally) error {
	done, err := r.begun()
	if err != nil {
		return err
	}
	for kind, n := range done {
		t.operations[kind] = n
	}
	r.verifyAccounts(t, done[kindAccounts])
	r.verifyPayments(t, done[kindPayments])
	r.verifyUploads(t, done[kindUpload], done[kindDrop])
	r.verifyDecisions(t, done[kindDecision])
	if err := r.verifyReceived(t); err != nil {
		return err
	}
	if t.leaked, err = leaks(r.setup.Dir, r.secrets); err != nil {
		return err
	}
	return r.readLogs(t)
}

// verifyAccounts: every row of every finished job took effect once, with the
// right amount.
func (r *referee) verifyAccounts(t *tally, jobs int) {
	applied := r.accounts.Applied("UpsertAccounts")
	for job := range jobs {
		for row := range jobRows {
			key := accountKey(job, row)
			switch n := applied[key]; {
			case n == 0:
				t.lost = append(t.lost, "account "+key)
			case n > 1:
				t.duplicated = append(t.duplicated, fmt.Sprintf("account %s, %d times", key, n))
			}
			if a, ok := r.accounts.Account(key); ok && a.OutstandingAmount.String() != fmt.Sprintf("%d.%02d", (job*1000+row)/100, (job*1000+row)%100) {
				t.corrupted = append(t.corrupted, "account "+key)
			}
			delete(applied, key)
		}
	}
	for key := range applied {
		t.duplicated = append(t.duplicated, "account "+key+", which no finished job holds")
	}
}

// verifyPayments: every payment of every finished job was taken once.
func (r *referee) verifyPayments(t *tally, jobs int) {
	applied := r.accounts.Applied("ReportPayments")
	for job := range jobs {
		for row := range jobRows {
			key := paymentKey(job, row)
			switch n := applied[key]; {
			case n == 0:
				t.lost = append(t.lost, "payment "+key)
			case n > 1:
				t.duplicated = append(t.duplicated, fmt.Sprintf("payment %s, %d times", key, n))
			}
			delete(applied, key)
		}
	}
	for key := range applied {
		t.duplicated = append(t.duplicated, "payment "+key+", which no finished job holds")
	}
	for _, b := range r.accounts.Batches() {
		if b.Operation == "ReportPayments" && b.Repeated > 0 {
			t.duplicated = append(t.duplicated, "batch of payments "+b.Reference)
		}
	}
}

func (r *referee) verifyUploads(t *tally, toBureau, toGate int) {
	check := func(kind, name string, got []byte, ok bool, want []byte) {
		switch {
		case !ok:
			t.lost = append(t.lost, kind+" "+name)
		case !bytes.Equal(got, want):
			t.corrupted = append(t.corrupted, kind+" "+name)
		}
	}
	for n := range toBureau {
		got, ok := r.bureau.Uploaded(uploadName(n))
		check("upload", uploadName(n), got, ok, content(kindUpload, n))
	}
	if all := r.bureau.Uploads(); len(all) > toBureau {
		t.duplicated = append(t.duplicated, fmt.Sprintf("%d uploads beyond those that were finished", len(all)-toBureau))
	}
	for n := range toGate {
		got, ok := r.gate.ReadFile("/uploads/" + dropName(n))
		check("drop", dropName(n), got, ok, content(kindDrop, n))
	}
	final := 0
	for _, name := range r.gate.Files("/uploads") {
		if strings.HasPrefix(name, "debtors_") && strings.HasSuffix(name, ".csv") {
			final++
		}
	}
	if final > toGate {
		t.duplicated = append(t.duplicated, fmt.Sprintf("%d dropped files beyond those that were finished", final-toGate))
	}
}

// verifyDecisions: one customer an applicant, one analysis a customer.
func (r *referee) verifyDecisions(t *tally, applicants int) {
	analyses := r.algoan.AnalysesByCustomer()
	for n := range applicants {
		switch got := analyses[customerName(n)]; {
		case got == 0:
			t.lost = append(t.lost, "decision "+customerName(n))
		case got > 1:
			t.duplicated = append(t.duplicated, fmt.Sprintf("decision %s, %d analyses", customerName(n), got))
		}
	}
}

// verifyReceived: every report and return was delivered once, byte for byte,
// and the vendor was told.
func (r *referee) verifyReceived(t *tally) error {
	consumed, err := os.ReadDir(filepath.Join(r.setup.Dir, "consumed"))
	if err != nil {
		return err
	}
	// "reports 2-0 report-00001.csv": the sink, the client and its how-manieth copy, the name
	// (perhaps with .other- and a checksum before the extension).
	copies := map[string][]string{}
	for _, e := range consumed {
		sink, rest, _ := strings.Cut(e.Name(), " ")
		_, name, _ := strings.Cut(rest, " ")
		stem, _, _ := strings.Cut(name, ".")
		copies[sink+" "+stem] = append(copies[sink+" "+stem], filepath.Join(r.setup.Dir, "consumed", e.Name()))
	}
	for _, k := range []struct {
		sink, kind, content string
		count               int
		name                func(int) string
		waiting             []string
	}{
		{"reports", kindReports, "report", r.reports, reportName, r.bureau.Waiting()},
		{"returns", kindReturns, "return", r.returns, returnName, r.gate.Files("/downloads")},
	} {
		for _, name := range k.waiting {
			t.lost = append(t.lost, k.sink+": "+name+" is still waiting at the vendor")
		}
		for n := range k.count {
			got := copies[k.sink+" "+strings.TrimSuffix(k.name(n), ".csv")]
			switch {
			case len(got) == 0:
				t.lost = append(t.lost, k.sink+": "+k.name(n))
				continue
			case len(got) > 1:
				t.duplicated = append(t.duplicated, fmt.Sprintf("%s: %s, %d times", k.sink, k.name(n), len(got)))
			}
			text, err := os.ReadFile(got[0])
			if err != nil {
				return err
			}
			if !bytes.Equal(text, content(k.content, n)) {
				t.corrupted = append(t.corrupted, k.sink+": "+k.name(n))
			}
			t.operations[k.kind]++
		}
	}
	return nil
}

// readLogs counts retries, settled outcomes and spurious failures in the
// clients' logs.
func (r *referee) readLogs(t *tally) error {
	paths, err := filepath.Glob(filepath.Join(r.setup.Dir, "client-*.log"))
	for _, path := range paths {
		err = errors.Join(err, readLog(path, t))
	}
	return err
}

func readLog(path string, t *tally) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var e struct {
			Msg     string `json:"msg"`
			Attempt int    `json:"attempt"`
			Kind    string `json:"kind"`
			Error   string `json:"error"`
		}
		if json.Unmarshal(s.Bytes(), &e) != nil {
			continue // a line that a kill cut off
		}
		if e.Attempt > 1 {
			t.retries++
		}
		switch e.Msg {
		case "settled":
			t.settled++
		case "elsewhere":
			t.elsewhere++
		case "spurious":
			t.spurious = append(t.spurious, e.Kind+": "+e.Error)
		}
	}
	return s.Err()
}

// Package worker is the part of the example to copy: the jobs of a fleet on
// River, over whatever of PostgreSQL and SQLite it has. What is specific to
// the example (the vendors in the process, kills, counts) is in package
// referee.
package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/gateway"
)

// Lease is the fleet's: its work is short and its clocks are synchronised, so
// what a killed worker held is free again after 17 s.
var Lease = ccr.LeasePolicy{Lease: 15 * time.Second}

// Worker is what the jobs need.
type Worker struct {
	DB     *sql.DB
	SQL    func(string) string // writes ? as the database has it
	Ledger ccr.Ledger
	Sink   ccr.Sink

	Accounts *accounts.Client
	Bureau   *gateway.Client
	Algoan   *decisioning.Client

	Rows  func(shard int) iter.Seq2[accounts.Row[accounts.Account], error] // the same ones at each run
	File  func(name string) ccr.File
	Input func(application string) decisioning.AnalysisInput
}

// Migrate creates the example's own tables.
func Migrate(ctx context.Context, db *sql.DB, bytes string) error {
	_, err := db.ExecContext(ctx, tables)
	_, err2 := db.ExecContext(ctx, strings.ReplaceAll(sinkTable, "{bytes}", bytes))
	return errors.Join(err, err2)
}

// The jobs. Tokens hold no secret.
type (
	LoadShard struct {
		Night string `json:"night"`
		Shard int    `json:"shard"`
	}
	FollowBatch struct {
		Token string `json:"token"`
	}
	UploadFile struct {
		Name string `json:"name"`
	}
	ReceiveReports struct {
		Run int `json:"run"`
	}
	Decide struct {
		Application string `json:"application"`
	}
	FollowAnalysis struct {
		Application string `json:"application"`
		Token       string `json:"token"`
	}
)

func (LoadShard) Kind() string      { return "load_shard" }
func (FollowBatch) Kind() string    { return "follow_batch" }
func (UploadFile) Kind() string     { return "upload_file" }
func (ReceiveReports) Kind() string { return "receive_reports" }
func (Decide) Kind() string         { return "decide" }
func (FollowAnalysis) Kind() string { return "follow_analysis" }

func (w *Worker) workers() *river.Workers {
	all := river.NewWorkers()
	river.AddWorker(all, river.WorkFunc(w.loadShard))
	river.AddWorker(all, river.WorkFunc(w.followBatch))
	river.AddWorker(all, river.WorkFunc(w.uploadFile))
	river.AddWorker(all, river.WorkFunc(w.receiveReports))
	river.AddWorker(all, river.WorkFunc(w.decide))
	river.AddWorker(all, river.WorkFunc(w.followAnalysis))
	return all
}

const (
	stall = 10 * time.Second
	poll  = 2 * time.Second
)

// loadShard sends one part of the nightly load. A run that follows a kill
// sends what the ledger does not know.
func (w *Worker) loadShard(ctx context.Context, job *river.Job[LoadShard]) error {
	ctx, progress, stop := watched(ctx, stall)
	defer stop()
	name := fmt.Sprintf("%s/%d", job.Args.Night, job.Args.Shard)
	load := w.Accounts.SubmitAccounts(w.Rows(job.Args.Shard), accounts.SubmitOptions{Name: name, Ledger: w.Ledger, MaxRows: 20, Progress: progress})
	var next []river.JobArgs
	var errs []error
	for receipt, err := range load.Batches(ctx) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		next = append(next, FollowBatch{Token: w.Accounts.BatchPoller(receipt).ResumeToken()})
	}
	return w.done(ctx, errors.Join(errs...), "load", name, next...)
}

// followBatch looks once. The token is all that the next run needs.
func (w *Worker) followBatch(ctx context.Context, job *river.Job[FollowBatch]) error {
	poller, err := w.Accounts.ResumeBatch(job.Args.Token)
	if err != nil {
		return w.done(ctx, err, "batch", job.Args.Token)
	}
	if _, err = poller.Poll(ctx); err == nil && !poller.Done() {
		return river.JobSnooze(poll)
	}
	return w.done(ctx, err, "batch", job.Args.Token)
}

func (w *Worker) uploadFile(ctx context.Context, job *river.Job[UploadFile]) error {
	ctx, progress, stop := watched(ctx, stall)
	defer stop()
	_, err := w.Bureau.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{w.File(job.Args.Name)}, Ledger: w.Ledger, Progress: progress})
	return w.done(ctx, err, "upload", job.Args.Name)
}

// receiveReports takes what no other worker is at, and comes again for the rest.
func (w *Worker) receiveReports(ctx context.Context, job *river.Job[ReceiveReports]) error {
	ctx, progress, stop := watched(ctx, stall)
	defer stop()
	received, err := w.Bureau.Receive(ctx, w.Sink, gateway.ReceiveOptions{Ledger: w.Ledger, SkipClaimed: true, Progress: progress})
	if err == nil && !ccr.Complete(received) {
		return river.JobSnooze(poll)
	}
	return w.done(ctx, err, "receive", fmt.Sprint(job.Args.Run))
}

// decide creates the analysis of an application, which costs money, once.
func (w *Worker) decide(ctx context.Context, job *river.Job[Decide]) error {
	application := job.Args.Application
	customer, err := w.Algoan.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: application})
	if err != nil {
		return w.done(ctx, err, "decide", application)
	}
	analysis, err := w.Algoan.EnsureAnalysis(ctx, customer.ID, application, w.Input(application), decisioning.EnsureOptions{Ledger: w.Ledger})
	if err != nil {
		return w.done(ctx, err, "decide", application)
	}
	token := w.Algoan.AnalysisPoller(customer.ID, analysis.ID).ResumeToken()
	return w.done(ctx, nil, "decide", application, FollowAnalysis{Application: application, Token: token})
}

func (w *Worker) followAnalysis(ctx context.Context, job *river.Job[FollowAnalysis]) error {
	poller, err := w.Algoan.ResumeAnalysis(job.Args.Token)
	if err != nil {
		return w.done(ctx, err, "decision", job.Args.Application)
	}
	if _, err = poller.Poll(ctx); err == nil && !poller.Done() {
		return river.JobSnooze(poll)
	}
	return w.done(ctx, err, "decision", job.Args.Application)
}

package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/ccr-sdk/ccr"
)

// EngineConfig is what matters of River's configuration.
func (w *Worker) EngineConfig() *river.Config {
	return &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 6}},
		Workers: w.workers(),
		// A killed worker's jobs are taken for stuck after this; the default is
		// an hour. River never rescues a job without a timeout, and wants it to
		// be the shorter one: choose both beyond the longest run of a job. One
		// that is rescued while its first run still lives finds the claim held,
		// and is put off.
		RescueStuckJobsAfter: 20 * time.Second,
		JobTimeout:           19 * time.Second,
		// Retries cost nothing, so no job is discarded for its number of runs.
		MaxAttempts:       1000,
		RetryPolicy:       retrySoon{},
		FetchPollInterval: 250 * time.Millisecond,
		Logger:            slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError + 1})),
	}
}

type retrySoon struct{}

func (retrySoon) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(min(time.Duration(job.Attempt)*time.Second, time.Minute))
}

// done ends a job. Without an error its result is recorded and the next jobs
// are enqueued, in one transaction; a run that is cut right after it records
// the same again and enqueues nothing twice. An error becomes what the engine
// understands.
func (w *Worker) done(ctx context.Context, err error, kind, name string, next ...river.JobArgs) error {
	switch d := ccr.DispositionOf(err); d.Action {
	case ccr.ActionDone:
		return w.record(ctx, kind, name, next)
	case ccr.ActionElsewhere: // another worker has it
		return river.JobSnooze(max(d.After, time.Second))
	case ccr.ActionRetry:
		if d.After > 0 {
			return river.JobSnooze(d.After)
		}
		return err
	case ccr.ActionSettle: // a person looks at the vendor's side, settles, and enqueues the job again
		return w.stop(ctx, "open", kind, name, err)
	default:
		return w.stop(ctx, "failed", kind, name, err)
	}
}

const tables = `CREATE TABLE IF NOT EXISTS fleet_result (state TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
	times BIGINT NOT NULL, PRIMARY KEY (state, kind, name))`

func (w *Worker) put(ctx context.Context, tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, state, kind, name, text string) error {
	_, err := tx.ExecContext(ctx, w.SQL(`INSERT INTO fleet_result AS r (state, kind, name, text, times) VALUES (?, ?, ?, ?, 1)
		ON CONFLICT (state, kind, name) DO UPDATE SET times = r.times + 1`), state, kind, name, text)
	return err
}

func (w *Worker) record(ctx context.Context, kind, name string, next []river.JobArgs) error {
	tx, err := w.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := w.put(ctx, tx, "done", kind, name, ""); err != nil {
		return err
	}
	for _, args := range next {
		once := &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
		if _, err := river.ClientFromContext[*sql.Tx](ctx).InsertTx(ctx, tx, args, once); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// stop ends a job for good, and says so in the table that people look at.
func (w *Worker) stop(ctx context.Context, state, kind, name string, err error) error {
	if err := w.put(ctx, w.DB, state, kind, name, err.Error()); err != nil {
		return err
	}
	return river.JobCancel(err)
}

var errStalled = errors.New("fleet: no progress")

// watched makes progress the heartbeat of a job: ctx ends when there was none
// for the time given, long before the timeout of the job.
func watched(ctx context.Context, stall time.Duration) (context.Context, ccr.ProgressFunc, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := time.AfterFunc(stall, func() { cancel(fmt.Errorf("%w for %v", errStalled, stall)) })
	return ctx, func(ccr.Progress) { t.Reset(stall) }, func() { t.Stop(); cancel(nil) }
}

// Package referee is the other side of the example: the vendors, which count,
// who kills workers, and the person who settles what nobody knows.
package referee

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/examples/fleet/worker"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/sqlstore"
)

// Game is one run of the example.
type Game struct {
	URL, SQLite string        // the database: one of them
	Workers     int           // processes
	For         time.Duration // kills, one each second or two, while there is new work
	Finish      time.Duration // until everything must be done
	Restart     func()        // restarts the database, once; nil: cuts all its connections (PostgreSQL)
	Log         io.Writer
}

type game struct {
	Game
	config   config
	store    store
	accounts *accountstest.Server
	bureau   *gatewaytest.Server
	algoan   *decisioningtest.Server
	queue    *river.Client[*sql.Tx]
	person   *worker.Worker // settles
	procs    []*exec.Cmd
	ended    []chan struct{}

	waves                   int
	kills, unknown, settled int
}

// Play runs everything and returns what was counted.
func (g Game) Play(ctx context.Context) (*Table, error) {
	x := &game{Game: g}
	defer x.close()
	if err := x.prepare(ctx); err != nil {
		return nil, err
	}
	for i := range g.Workers {
		if err := x.start(i); err != nil {
			return nil, err
		}
	}
	if err := x.storm(ctx); err != nil {
		return nil, err
	}
	if err := x.finish(ctx); err != nil {
		return nil, err
	}
	return x.table(ctx)
}

func (x *game) close() {
	for i := range x.procs {
		x.kill(i)
	}
	if x.store.db != nil {
		x.store.db.Close() //nolint:errcheck // the end
	}
	if x.accounts != nil {
		x.accounts.Close()
	}
	if x.bureau != nil {
		x.bureau.Close()
	}
	if x.algoan != nil {
		x.algoan.Close()
	}
}

// slow is how long the vendors take: there are moments to choose from.
const slow = 400 * time.Millisecond

func (x *game) prepare(ctx context.Context) (err error) {
	if x.accounts, err = accountstest.NewServer(accountstest.Config{}); err != nil {
		return err
	}
	if x.bureau, err = gatewaytest.NewServer(gatewaytest.Config{}); err != nil {
		return err
	}
	if x.algoan, err = decisioningtest.NewServer(decisioningtest.Config{}); err != nil {
		return err
	}
	x.accounts.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Delay, Delay: slow, Times: -1})
	for _, op := range []string{"Upload", "DownloadByName", "ArchiveByName"} {
		x.bureau.Inject(gatewaytest.Fault{Operation: op, Kind: gatewaytest.Delay, Delay: slow, Times: -1})
	}
	x.algoan.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.Delay, Delay: slow, Times: -1})
	key := x.bureau.Credential()
	secret, err := key.Key.Reveal()
	if err != nil {
		return err
	}
	x.config = config{
		URL: x.URL, SQLite: x.SQLite, Key: make([]byte, 32),
		Accounts: vendor{
			URL: x.accounts.URL(), CA: string(x.accounts.CAPEM()), TokenURL: x.accounts.TokenURL(),
			ID: x.accounts.ClientID(), Secret: x.accounts.ClientSecret(), Audience: x.accounts.Audience(),
		},
		Bureau:   vendor{URL: x.bureau.URL(), CA: string(x.bureau.CAPEM()), ID: key.Username, Secret: secret, IP: key.IP},
		Decision: vendor{URL: x.algoan.URL(), CA: string(x.algoan.CAPEM()), TokenURL: x.algoan.TokenURL(), ID: decisioningtest.ClientID, Secret: decisioningtest.ClientSecret},
	}
	rand.Read(x.config.Key) //nolint:errcheck // it never fails
	if x.store, err = x.config.open(); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(x.store.driver, nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	if err := errors.Join(sqlstore.Migrate(ctx, x.store.db, x.store.dialect), worker.Migrate(ctx, x.store.db, x.store.bytes)); err != nil {
		return err
	}
	if x.queue, err = river.NewClient(x.store.driver, &river.Config{}); err != nil { // only inserts
		return err
	}
	x.person, err = x.config.worker(ctx, x.store)
	return err
}

func (x *game) start(i int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(x.config)
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), WorkerEnv+"="+string(text))
	cmd.Stderr = x.Log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }() //nolint:errcheck // killed, mostly
	if i == len(x.procs) {
		x.procs, x.ended = append(x.procs, cmd), append(x.ended, ended)
	} else {
		x.procs[i], x.ended[i] = cmd, ended
	}
	return nil
}

func (x *game) kill(i int) {
	x.procs[i].Process.Kill() //nolint:errcheck // it may have ended
	<-x.ended[i]
}

// revive starts workers that ended by themselves, as whatever runs them does:
// one that starts while the database does not.
func (x *game) revive() error {
	for i, ended := range x.ended {
		select {
		case <-ended:
			if err := x.start(i); err != nil {
				return err
			}
		default:
		}
	}
	return nil
}

// storm brings new work and kills a worker each second or two.
func (x *game) storm(ctx context.Context) error {
	end, half := time.Now().Add(x.For), time.Now().Add(x.For/2)
	for time.Now().Before(end) && ctx.Err() == nil {
		if err := x.retry(func() error { return x.wave(ctx) }); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second + mrand.N(time.Second)):
		}
		if err := x.revive(); err != nil {
			return err
		}
		i := mrand.IntN(len(x.procs))
		x.kill(i)
		x.kills++
		if err := x.start(i); err != nil {
			return err
		}
		if x.SQLite == "" && !half.IsZero() && time.Now().After(half) {
			half = time.Time{}
			x.restart(ctx)
		}
	}
	return ctx.Err()
}

// retry is for the referee's own statements: the database may be restarting.
func (x *game) retry(f func() error) (err error) {
	for range 20 {
		if err = f(); err == nil {
			return nil
		}
		time.Sleep(250 * time.Millisecond)
	}
	return err
}

func (x *game) restart(ctx context.Context) {
	fmt.Fprintln(x.Log, "the database is restarted")
	if x.Restart != nil {
		x.Restart()
		return
	}
	x.store.db.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()`) //nolint:errcheck // its own connection, too
}

// There is always some work under way when a worker is killed.
const shardsInWave, uploadsInWave, reportsInWave, decisionsInWave = 3, 6, 6, 4

// wave is new work of every kind, enqueued in one transaction.
func (x *game) wave(ctx context.Context) error {
	n := x.waves
	jobs := []river.InsertManyParams{{Args: worker.ReceiveReports{Run: n}}}
	add := func(many int, args func(i int) river.JobArgs) {
		for i := range many {
			jobs = append(jobs, river.InsertManyParams{Args: args(n*many + i)})
		}
	}
	add(shardsInWave, func(i int) river.JobArgs { return worker.LoadShard{Night: "nightly-2026-11-21", Shard: i} })
	add(uploadsInWave, func(i int) river.JobArgs { return worker.UploadFile{Name: fmt.Sprintf("payments-%03d.csv", i)} })
	add(decisionsInWave, func(i int) river.JobArgs { return worker.Decide{Application: fmt.Sprintf("application-%03d", i)} })
	if _, err := x.queue.InsertMany(ctx, jobs); err != nil {
		return err
	}
	for i := range reportsInWave {
		x.bureau.AddReport(fmt.Sprintf("report-%03d-%d.xml", n, i), fmt.Appendf(nil, "<Report>%d %d</Report>", n, i))
	}
	x.waves++
	return nil
}

// finish waits until nothing is left, and settles what only a person can.
func (x *game) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, x.Finish, errors.New("not everything was done in time"))
	defer cancel()
	if err := x.retry(func() error {
		_, err := x.queue.Insert(ctx, worker.ReceiveReports{Run: x.waves}, nil)
		return err
	}); err != nil {
		return err
	}
	for {
		left := -1
		err := x.retry(func() (err error) {
			if err := errors.Join(x.revive(), x.settle(ctx)); err != nil {
				return err
			}
			left, err = x.count(ctx, `SELECT COUNT(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')`)
			return err
		})
		if err == nil && left == 0 {
			if left, err = x.count(ctx, `SELECT COUNT(*) FROM fleet_result WHERE state = 'open'`); err == nil && left == 0 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%d jobs are left: %w", left, context.Cause(ctx)), err, x.describe())
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// describe says which jobs are left.
func (x *game) describe() error {
	rows, err := x.store.db.Query(`SELECT kind, state, attempt, COUNT(*) FROM river_job WHERE state <> 'completed' GROUP BY kind, state, attempt`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var errs []error
	for rows.Next() {
		var kind, state string
		var attempt, n int
		errs = append(errs, rows.Scan(&kind, &state, &attempt, &n), fmt.Errorf("%s %s, attempt %d: %d", kind, state, attempt, n))
	}
	return errors.Join(append(errs, rows.Err())...)
}

func (x *game) count(ctx context.Context, query string, args ...any) (n int, err error) {
	err = x.store.db.QueryRowContext(ctx, x.store.text(query), args...).Scan(&n)
	return n, err
}

// settle does what a person does with each open row: looks at the vendor's
// side, says what is there, and enqueues the job again.
func (x *game) settle(ctx context.Context) error {
	open, err := x.names(ctx, `SELECT kind || ' ' || name FROM fleet_result WHERE state = 'open'`)
	if err != nil {
		return err
	}
	for _, row := range open {
		var kind, name string
		fmt.Sscan(row, &kind, &name) //nolint:errcheck // its own
		var again river.JobArgs
		switch kind {
		case "upload":
			again = worker.UploadFile{Name: name}
			err = x.person.Bureau.SettleUpload(ctx, gateway.SettleOptions{
				Ledger: x.person.Ledger, File: file(name), Arrived: slices.Contains(x.bureau.Uploads(), name),
			})
		case "decide":
			again = worker.Decide{Application: name}
			err = x.settleAnalysis(ctx, name)
		default:
			err = fmt.Errorf("nobody knows how to settle %s %s", kind, name)
		}
		if ccr.DispositionOf(err).Action == ccr.ActionElsewhere {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := x.queue.Insert(ctx, again, nil); err != nil {
			return err
		}
		if _, err := x.store.db.ExecContext(ctx, x.store.text(`UPDATE fleet_result SET state = 'settled' WHERE state = 'open' AND kind = ? AND name = ?`), kind, name); err != nil {
			return err
		}
		x.unknown++
		x.settled++
	}
	return nil
}

func (x *game) settleAnalysis(ctx context.Context, application string) error {
	customer, err := x.person.Algoan.FindCustomer(ctx, application)
	if err != nil {
		return err
	}
	id := ""
	for a, err := range x.person.Algoan.Analyses(customer.ID, decisioning.ListOptions{}).All(ctx) {
		if err != nil {
			return err
		}
		id = a.ID
	}
	return x.person.Algoan.SettleAnalysis(ctx, decisioning.SettleOptions{Ledger: x.person.Ledger, CustomerID: customer.ID, Key: application, AnalysisID: id})
}

func (x *game) names(ctx context.Context, query string) (names []string, err error) {
	rows, err := x.store.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

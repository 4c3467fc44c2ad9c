package referee

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // a database
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	_ "modernc.org/sqlite" // a database

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/examples/fleet/worker"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/sqlstore"
)

// WorkerEnv makes the program a worker. It holds what a worker of yours has
// from its configuration and its secrets.
const WorkerEnv = "CCR_FLEET_WORKER"

// vendor is one test server, as a worker reaches it.
type vendor struct{ URL, CA, TokenURL, ID, Secret, Audience, IP string }

func (v vendor) options() ([]ccr.Option, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(v.CA)) {
		return nil, errors.New("no certificate")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	return []ccr.Option{ccr.WithBaseURL(v.URL), ccr.WithHTTPClient(client), ccr.WithLease(worker.Lease)}, nil
}

// config is what a worker has.
type config struct {
	URL, SQLite                string
	Key                        []byte // tokens are sealed with it
	Accounts, Bureau, Decision vendor
}

type store struct {
	db      *sql.DB
	dialect sqlstore.Dialect
	driver  riverdriver.Driver[*sql.Tx]
	bytes   string // the type of a column of bytes
}

func (c config) open() (store, error) {
	if c.SQLite == "" {
		db, err := sql.Open("pgx", c.URL)
		if err != nil {
			return store{}, err
		}
		db.SetMaxOpenConns(12)
		return store{db, sqlstore.Postgres, riverdatabasesql.New(db), "BYTEA"}, nil
	}
	db, err := sql.Open("sqlite", "file:"+c.SQLite+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=synchronous(NORMAL)&_txlock=immediate")
	if err != nil {
		return store{}, err
	}
	db.SetMaxOpenConns(1) // as River's driver wants it
	return store{db, sqlstore.SQLite, riversqlite.New(db), "BLOB"}, nil
}

// text writes a statement's parameters as the database has them.
func (s store) text(statement string) string {
	if s.bytes == "BLOB" {
		return statement
	}
	parts := strings.Split(statement, "?")
	for i := range parts[1:] {
		parts[i] += fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(parts, "")
}

// Work is a worker's life.
func Work(ctx context.Context, text string) error {
	var c config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	s, err := c.open()
	if err != nil {
		return err
	}
	w, err := c.worker(ctx, s)
	if err != nil {
		return err
	}
	client, err := river.NewClient(s.driver, w.EngineConfig())
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return client.Stop(stop)
}

// worker connects everything.
func (c config) worker(ctx context.Context, s store) (*worker.Worker, error) {
	ledger, err := sqlstore.NewLedger(ctx, s.db, s.dialect)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(c.Key)
	if err != nil {
		return nil, err
	}
	sealing, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	tokens, err := sqlstore.NewTokenStore(ctx, s.db, s.dialect, sealing)
	if err != nil {
		return nil, err
	}
	limit, err := sqlstore.NewLimiter(ctx, s.db, s.dialect, "creditclear", 20, 5*time.Second) // the vendor's is 20 in 60 s
	if err != nil {
		return nil, err
	}
	w := &worker.Worker{DB: s.db, SQL: s.text, Ledger: ledger, Sink: worker.Sink{DB: s.db, SQL: s.text}, Rows: rows, File: file, Input: input}
	err = errors.Join(
		c.Accounts.connect(auth.EncodingJSON, tokens, func(cred auth.Credential, o ...ccr.Option) (err error) {
			w.Accounts, err = accounts.NewClient(cred, append(o, ccr.WithLimiter(limit))...)
			return err
		}),
		c.Decision.connect(auth.EncodingForm, tokens, func(cred auth.Credential, o ...ccr.Option) (err error) {
			w.Algoan, err = decisioning.NewClient(cred, o...)
			return err
		}),
	)
	if err != nil {
		return nil, err
	}
	options, err := c.Bureau.options()
	if err != nil {
		return nil, err
	}
	w.Bureau, err = gateway.NewClient(auth.APIKey{Key: ccr.NewSecret(c.Bureau.Secret), Username: c.Bureau.ID, IP: c.Bureau.IP}, options...)
	return w, err
}

func (v vendor) connect(e auth.Encoding, tokens auth.TokenStore, use func(auth.Credential, ...ccr.Option) error) error {
	credential, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: v.TokenURL, ClientID: v.ID, ClientSecret: ccr.NewSecret(v.Secret), Audience: v.Audience, Encoding: e, Store: tokens,
	})
	if err != nil {
		return err
	}
	options, err := v.options()
	if err != nil {
		return err
	}
	return use(credential, options...)
}

// What the example loads, uploads and has decided: the same at each run.

const rowsInShard, batchesInShard = 40, 2

func account(shard, i int) string { return fmt.Sprintf("A-%03d-%03d", shard, i) }

func rows(shard int) iter.Seq2[accounts.Row[accounts.Account], error] {
	var all []accounts.Account
	for i := range rowsInShard {
		all = append(all, accounts.Account{
			ClientReferenceID: account(shard, i), OutstandingAmount: ccr.AmountFromMinor(int64(1000+i), 2), Status: accounts.StatusActive,
			Debtor: accounts.Party{LastName: "Debtor"},
		})
	}
	return accounts.RowsOf(all...)
}

func file(name string) ccr.File {
	return ccr.FileFromBytes(name, []byte(strings.Repeat(name+"\r\n", 500)))
}

func input(string) decisioning.AnalysisInput { return decisioningtest.SampleProfile() }

package worker

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Sink puts reports into a table, since a fleet has no common folder. A report
// is one row, under the token of its delivery; ccrtest.TestSink holds it to
// what Receive relies on. Reports are held in memory until they are staged.
type Sink struct {
	DB  *sql.DB
	SQL func(string) string // writes ? as the database has it
}

const sinkTable = `CREATE TABLE IF NOT EXISTS fleet_report (token TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, content {bytes})`

const sinkRef = "fleet_report/"

type delivery struct {
	Sink
	bytes.Buffer
	token, name string
}

// Create implements [ccr.Sink]. Names hold any bytes: they are escaped.
func (s Sink) Create(_ context.Context, item ccr.Item) (ccr.Delivery, error) {
	return &delivery{Sink: s, token: item.Token, name: url.PathEscape(item.Name)}, nil
}

// Resume implements [ccr.Sink].
func (s Sink) Resume(ctx context.Context, item ccr.Item, ref string) (ccr.Delivery, ccr.Staging, error) {
	if strings.TrimPrefix(ref, sinkRef) != item.Token {
		return nil, "", errors.New("fleet: the record is of another sink")
	}
	d := &delivery{Sink: s, token: item.Token, name: url.PathEscape(item.Name)}
	state, err := d.state(ctx)
	return d, state, err
}

func (d *delivery) state(ctx context.Context) (state ccr.Staging, err error) {
	err = d.DB.QueryRowContext(ctx, d.SQL(`SELECT state FROM fleet_report WHERE token = ?`), d.token).Scan(&state)
	return state, err
}

// put writes the row, unless the token has one.
func (d *delivery) put(ctx context.Context, state ccr.Staging, content []byte) error {
	_, err := d.DB.ExecContext(ctx, d.SQL(`INSERT INTO fleet_report (token, name, state, content) VALUES (?, ?, ?, ?)
		ON CONFLICT (token) DO NOTHING`), d.token, d.name, state, content)
	return err
}

func (d *delivery) change(ctx context.Context, to ccr.Staging) error {
	_, err := d.DB.ExecContext(ctx, d.SQL(`UPDATE fleet_report SET state = ? WHERE token = ? AND state = ?`), to, d.token, ccr.Staged)
	return err
}

// Stage implements [ccr.Delivery]: the row is there; consumers read committed
// ones alone.
func (d *delivery) Stage(ctx context.Context) (string, error) {
	return sinkRef + d.token, d.put(ctx, ccr.Staged, append([]byte{}, d.Bytes()...))
}

// Commit implements [ccr.Delivery]. Consumers never delete rows, they mark
// them: a row that is no longer staged tells what became of it.
func (d *delivery) Commit(ctx context.Context) (string, error) {
	if err := d.change(ctx, ccr.Committed); err != nil {
		return "", err
	}
	state, err := d.state(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		if err = d.put(ctx, ccr.Committed, append([]byte{}, d.Bytes()...)); err == nil {
			state, err = d.state(ctx)
		}
	}
	if err == nil && state != ccr.Committed {
		err = errors.New("fleet: the delivery was discarded")
	}
	return sinkRef + d.token, err
}

// Abort implements [ccr.Delivery]: the row stays as proof.
func (d *delivery) Abort(ctx context.Context) error {
	return errors.Join(d.put(ctx, ccr.Discarded, nil), d.change(ctx, ccr.Discarded))
}

package worker_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/ccr-sdk/ccr/ccrtest"
	"github.com/ccr-sdk/ccr/examples/fleet/worker"
)

func TestSinkHoldsWhatIsAsked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fleet.db")
	open := func() worker.Sink {
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
		require.NoError(t, err)
		t.Cleanup(func() { db.Close() }) //nolint:errcheck // the test's own
		return worker.Sink{DB: db, SQL: func(s string) string { return s }}
	}
	s := open()
	require.NoError(t, worker.Migrate(t.Context(), s.DB, "BLOB"))
	require.NoError(t, ccrtest.TestSink(t.Context(), ccrtest.SinkUnderTest{
		Sink: s, Another: open(),
		Visible: func(ctx context.Context) (map[string][]byte, error) {
			rows, err := s.DB.QueryContext(ctx, `SELECT 'fleet_report/' || token, content FROM fleet_report WHERE state = 'committed'`)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			seen := map[string][]byte{}
			for rows.Next() {
				var location string
				var content []byte
				if err := rows.Scan(&location, &content); err != nil {
					return nil, err
				}
				seen[location] = content
			}
			return seen, rows.Err()
		},
	}))
}

package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/ccrtest"
	"github.com/ccr-sdk/ccr/sqlstore"
)

// each runs a test on both databases; open gives another handle of the same one.
func each(t *testing.T, test func(t *testing.T, d sqlstore.Dialect, open func() *sql.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "ccr.db")
		test(t, sqlstore.SQLite, func() *sql.DB { return openSQLite(t, path) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		p := startPostgres(t)
		test(t, sqlstore.Postgres, p.open)
	})
}

func newLedger(t testing.TB, db *sql.DB, d sqlstore.Dialect) *sqlstore.Ledger {
	t.Helper()
	l, err := sqlstore.NewLedger(ctxOf(t), db, d)
	require.NoError(t, err)
	return l
}

func TestLedgerHoldsWhatIsAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d sqlstore.Dialect, open func() *sql.DB) {
		a, b := open(), open()
		_, err := sqlstore.NewLedger(t.Context(), a, d)
		require.ErrorContains(t, err, "Migrate")
		require.NoError(t, errors.Join(parallel(
			func() error { return sqlstore.Migrate(t.Context(), a, d) },
			func() error { return sqlstore.Migrate(t.Context(), b, d) },
		)...), "two workers at once")
		require.NoError(t, sqlstore.Migrate(t.Context(), a, d), "again")
		require.NoError(t, ccrtest.TestLedger(t.Context(), newLedger(t, a, d), newLedger(t, b, d)))

		other := d.WithPrefix("uat_")
		require.NoError(t, sqlstore.Migrate(t.Context(), a, other))
		l := newLedger(t, a, other)
		for e := range l.List(t.Context(), ccr.LedgerQuery{}) {
			t.Fatalf("another prefix has entries of its own, not %q", e.Key)
		}
	})
}

func parallel(fs ...func() error) []error {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	return errs
}

func TestPrefixIsChecked(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "x; DROP TABLE y; --", "Upper", "1", "a b"} {
		require.ErrorContains(t, sqlstore.Migrate(t.Context(), nil, sqlstore.SQLite.WithPrefix(prefix)), "prefix")
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d sqlstore.Dialect, open func() *sql.DB) {
		db := open()
		require.NoError(t, sqlstore.Migrate(t.Context(), db, d))
		l := newLedger(t, db, d)
		const n = 1203
		for i := range n {
			require.NoError(t, l.Store(t.Context(), ccr.LedgerEntry{Key: fmt.Sprintf("k.%d", i), State: ccr.StateSent, At: time.Unix(int64(i), 0)}))
		}
		seen := map[string]bool{}
		for e, err := range l.List(t.Context(), ccr.LedgerQuery{KeyPrefix: "k."}) {
			require.NoError(t, err)
			seen[e.Key] = true
		}
		assert.Len(t, seen, n)
		pruned, err := l.Prune(t.Context(), time.Since(time.Unix(999, 500_000_000)))
		require.NoError(t, err)
		assert.EqualValues(t, 1000, pruned)
	})
}

// The server is killed and restarted again and again while workers count:
// nothing is lost, nothing counted twice, and no call fails.
func TestLedgerSurvivesRestarts(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	db := p.open()
	require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.Postgres))
	const workers, times = 4, 150
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		l := newLedger(t, p.open(), sqlstore.Postgres)
		wg.Go(func() { errs[w] = count(t.Context(), l, strconv.Itoa(w), times) })
	}
	restarts := make(chan int)
	go func() {
		n := 0
		defer func() { restarts <- n }()
		for n < 8 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(200 * time.Millisecond):
			}
			p.kill()
			p.start()
			n++
		}
	}()
	wg.Wait()
	cancel()
	n := <-restarts
	require.NoError(t, errors.Join(errs...))
	e, err := newLedger(t, p.open(), sqlstore.Postgres).Load(t.Context(), "counter")
	require.NoError(t, err)
	assert.EqualValues(t, workers*times, e.Size, "each count exactly once")
	assert.EqualValues(t, workers*times, e.Version)
	assert.Positive(t, n, "restarts")
	t.Logf("%d restarts", n)
}

// count adds one to the counter, n times. The entry holds how far each worker
// has come, by which one that was not told can tell what became of its store.
func count(ctx context.Context, l ccr.Ledger, worker string, n int) error {
	for i := 1; i <= n; {
		e, err := l.Load(ctx, "counter")
		if err != nil && !errors.Is(err, ccr.ErrNoEntry) {
			return err
		}
		if e.Attributes[worker] == strconv.Itoa(i) {
			i++ // the store whose answer was lost
			continue
		}
		if e.Attributes == nil {
			e.Attributes = map[string]string{}
		}
		e.Attributes[worker] = strconv.Itoa(i)
		e.Key, e.State, e.Token = "counter", ccr.StateIntent, fmt.Sprint(worker, i)
		e.Size++
		switch err = l.Store(ctx, e); {
		case err == nil:
			i++
		case !errors.Is(err, ccr.ErrLedgerConflict) && !strings.Contains(err.Error(), "not known"):
			return err
		}
	}
	return nil
}

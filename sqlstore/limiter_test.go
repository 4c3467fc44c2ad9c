package sqlstore_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/ccrtest"
	"github.com/ccr-sdk/ccr/sqlstore"
)

func TestLimiterHoldsWhatIsAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d sqlstore.Dialect, open func() *sql.DB) {
		require.NoError(t, sqlstore.Migrate(t.Context(), open(), d))
		const n, window = 5, 2 * time.Second
		limiter := func(n int) *sqlstore.Limiter {
			l, err := sqlstore.NewLimiter(t.Context(), open(), d, "creditclear", n, window)
			require.NoError(t, err)
			return l
		}
		limiter(9) // an older configuration allowed more
		l := ccrtest.LimiterUnderTest{Limiter: limiter(n), N: n, Window: window}
		l.Others = append(l.Others, limiter(n), limiter(n))
		require.NoError(t, ccrtest.TestLimiter(t.Context(), l))

		other, err := sqlstore.NewLimiter(t.Context(), open(), d, "another credential", 1, time.Hour)
		require.NoError(t, err)
		require.NoError(t, other.Wait(t.Context()))
		_, err = sqlstore.NewLimiter(t.Context(), open(), d, "", 1, time.Hour)
		require.Error(t, err)
	})
}

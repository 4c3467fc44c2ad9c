// Package ccrtest holds a user's own parts against what the SDK relies on: a
// [ccr.Ledger] over a database, a [ccr.Sink] over an object store, a token
// store, a limiter for a fleet.
//
// Each Test function runs every case it knows and returns an error that names
// those that failed and the guarantee that each of them stands for; nil if all
// passed. It does not import package testing, as testing/fstest does not:
//
//	func TestLedger(t *testing.T) {
//		a, b := openLedger(t), openLedger(t) // two handles of one store
//		if err := ccrtest.TestLedger(t.Context(), a, b); err != nil {
//			t.Fatal(err)
//		}
//	}
//
// # What the cases stand for
//
// For a ledger:
//
//	missing, create, update     a fact that was stored is read back as it was
//	stale, create twice, ahead  of two workers one wins; the other's knowledge is never stored
//	race, counter               the same among many, from several processes
//	keys, near keys             one file's fact is never taken for another's
//	values, times, cleared      claims end when they say, on every worker
//	not shared                  what a caller changes in memory changes nothing that is stored
//	visible elsewhere           a worker that was told "stored" can tell another one to go on
//	ended context, cut context  an error means "not known", and a later Load tells
//	list                        operators and sweepers see what is open
package ccrtest

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
//
// For a sink:
//
//	commit, content             what was received is there, every byte of it
//	out of sight, abort         a consumer never sees a part, nor what failed its check
//	staged, discarded, foreign  after a crash it is known what became of a delivery
//	commit twice, commit race   one delivery, whoever finishes it and how often
//	taken                       what a consumer has taken is not delivered again
//	same name, names            nothing is replaced, nothing goes elsewhere, whatever a vendor calls it
//	ended context               a commit that was cut can be finished
//
// For a limiter:
//
//	window                      the vendor never sees more than it allows, from the fleet as a whole
//	deadline                    a call learns at once that its turn does not come in time
//	ended context               a call that was given up holds nobody's place
package ccrtest

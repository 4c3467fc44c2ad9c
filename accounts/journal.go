package accounts

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Journal is the write-ahead memory of jobs: what is about to be sent is
// noted before it is, so that a rerun after a crash sends again only what was
// not accepted, under the same references. It holds references, hashes,
// counts, times and status URIs; never rows.
//
// [OpenJournal] is the one for a single process on a local disk, and
// [NewJournal] makes one of any [ccr.Ledger], such as one over a database
// that a fleet shares. An implementation of your own has optimistic
// concurrency and must be safe for concurrent use.
type Journal interface {
	// Load returns the entry of the batch that begins at a row of a job, or
	// an error that is [ccr.ErrNoEntry].
	Load(ctx context.Context, job string, firstRow int64) (JournalEntry, error)
	// Store writes an entry durably before it returns. e.Version must be the
	// version that Load returned (0 to create), else nothing is stored and
	// the error is [ccr.ErrLedgerConflict]; the stored entry has the next one.
	Store(ctx context.Context, e JournalEntry) error
}

// JournalEntry is one batch of a job in a [Journal].
type JournalEntry struct {
	Job       string       // environment, operation and name of the job
	FirstRow  int64        // counted from 1 in the job's source
	Version   int64        // 1 for the first entry stored of a batch
	State     JournalState // how far the batch got
	Rows      int          // in the batch
	Bytes     int64        // of the request's body
	SHA256    string       // of the request
	Reference string       // the batch's referenceId, the same in every run
	StatusURL string       // from the Location header; "" until accepted
	RequestID string       // of the answer, if the vendor sent one
	Presumed  bool         // accepted, as far as a refused repetition tells
	At        time.Time    // of the last change
}

// JournalState is what is known of a batch.
type JournalState string

const (
	// JournalIntent: about to be sent; found in a later run, its fate is not
	// known, and it is sent again under its reference.
	JournalIntent JournalState = ccr.StateIntent
	// JournalAccepted: accepted by Credit Clear; never sent again.
	JournalAccepted JournalState = ccr.StateSent
	// JournalRefused: refused, or never sent; sent again by a rerun.
	JournalRefused JournalState = ccr.StateRefused
)

// NewJournal keeps a journal in a ledger; [ccr.NewMemoryLedger] does for tests.
func NewJournal(l ccr.Ledger) Journal { return ledgerJournal{l} }

// FileJournal is a [Journal] in one local file; see [ccr.FileLedger].
type FileJournal struct {
	Journal
	file *ccr.FileLedger
}

// OpenJournal opens or creates a journal file (mode 0600). One process at a
// time holds it; a crash releases it, and a line torn by one is dropped.
func OpenJournal(path string) (*FileJournal, error) {
	l, err := ccr.OpenLedger(path)
	if err != nil {
		return nil, err
	}
	return &FileJournal{NewJournal(l), l}, nil
}

// Close releases the file.
func (j *FileJournal) Close() error { return j.file.Close() }

// ledgerJournal writes entries as those of a ledger.
type ledgerJournal struct{ l ccr.Ledger }

func journalKey(job string, firstRow int64) string {
	return "submit|" + service + "|" + job + "|" + strconv.FormatInt(firstRow, 10)
}

func (j ledgerJournal) Load(ctx context.Context, job string, firstRow int64) (JournalEntry, error) {
	e, err := j.l.Load(ctx, journalKey(job, firstRow))
	if err != nil {
		return JournalEntry{}, err
	}
	rows, err := strconv.Atoi(e.Attributes["rows"])
	if err != nil {
		return JournalEntry{}, errors.New("accounts: the ledger entry is not one of a journal")
	}
	return JournalEntry{
		Job: job, FirstRow: firstRow, Version: e.Version, State: JournalState(e.State), Rows: rows, Bytes: e.Size, SHA256: e.SHA256,
		Reference: e.Attributes["reference"], StatusURL: e.Attributes["statusUrl"], RequestID: e.Attributes["requestId"],
		Presumed: e.Attributes["presumed"] != "", At: e.At,
	}, nil
}

func (j ledgerJournal) Store(ctx context.Context, e JournalEntry) error {
	attributes := map[string]string{"rows": strconv.Itoa(e.Rows), "reference": e.Reference}
	for name, v := range map[string]string{"statusUrl": e.StatusURL, "requestId": e.RequestID} {
		if v != "" {
			attributes[name] = v
		}
	}
	if e.Presumed {
		attributes["presumed"] = "true"
	}
	return j.l.Store(ctx, ccr.LedgerEntry{
		Key: journalKey(e.Job, e.FirstRow), Version: e.Version, State: string(e.State), Service: service, Name: e.Job,
		Size: e.Bytes, SHA256: e.SHA256, At: e.At, Attributes: attributes,
	})
}

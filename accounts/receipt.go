package accounts

import "time"

// Receipt says that Credit Clear ACCEPTED a batch (202). Accepted is not
// processed: rows may still fail, which only the batch's status tells
// ([Client.BatchStatus]). It holds no personal data; store it as JSON.
type Receipt struct {
	// Reference of the batch.
	Reference string `json:"reference"`
	// StatusURL is where the status of the batch is, absolute; empty if the
	// response had no Location header.
	StatusURL string `json:"statusUrl,omitempty"`
	// Operation that was called, such as "UpsertAccounts".
	Operation string `json:"operation"`
	// Rows in the batch.
	Rows int `json:"rows"`
	// FirstRow and LastRow are the rows of a job's source, counted from 1,
	// that the batch covers, without those in Skipped. Zero outside jobs.
	FirstRow int64 `json:"firstRow,omitempty"`
	LastRow  int64 `json:"lastRow,omitempty"`
	// Skipped are the rows between FirstRow and LastRow that are not in the
	// batch, because they were invalid.
	Skipped []int64 `json:"skipped,omitempty"`
	// AcceptedAt is when the response came.
	AcceptedAt time.Time `json:"acceptedAt,omitzero"`
	// RequestID is the vendor's id of the request, if it sent one.
	RequestID string `json:"requestId,omitempty"`
	// PresumedAccepted: an attempt got no response, and the retry was refused
	// because the reference was used already. So it must have arrived, but
	// nobody said so; there is no status URL unless the refusal had one.
	PresumedAccepted bool `json:"presumedAccepted,omitempty"`
	// Recorded: accepted in an earlier run of the job; known from its ledger.
	Recorded bool `json:"recorded,omitempty"`
}

package accounts

import "time"

// AccountBatch is one request of [Client.UpsertAccounts].
type AccountBatch struct {
	// ReferenceID identifies the batch; 1 to 150 characters, unique for each
	// payload. A repetition of the same payload keeps its reference: Credit
	// Clear tells repetitions by it. Inferred name.
	ReferenceID string
	// Accounts is at least one account. Their number is not limited, the
	// size of the request is: [MaxBatchBytes].
	Accounts []Account
	// Extra adds members beside the two, and wins over them: see [Extra].
	Extra Extra
}

// PaymentBatch is one request of [Client.ReportPayments].
type PaymentBatch struct {
	ReferenceID string    // as in AccountBatch
	Payments    []Payment // at least one; the array's name is inferred
	Extra       Extra     // adds members beside the two, and wins over them
}

// ClaimBatch is one request of [Client.UpsertClaims].
type ClaimBatch struct {
	ReferenceID string  // as in AccountBatch
	Claims      []Claim // at least one
	Extra       Extra   // adds members beside the two, and wins over them
}

// MaxBatchBytes is the largest request that Credit Clear takes: "30 MB" in
// both pages on limits, taken as the smaller reading. Larger ones are refused
// before they are sent.
const MaxBatchBytes = 30_000_000

func (b *AccountBatch) encode(e *encoder) {
	o := e.open(kindAccountBatch, b.Extra)
	o.text(mBatchReferenceID, b.ReferenceID)
	list(&o, mBatchItems, b.Accounts)
	o.close()
}

func (b *PaymentBatch) encode(e *encoder) {
	o := e.open(kindPaymentBatch, b.Extra)
	o.text(mBatchReferenceID, b.ReferenceID)
	list(&o, mBatchItems, b.Payments)
	o.close()
}

func (b *ClaimBatch) encode(e *encoder) {
	o := e.open(kindClaimBatch, b.Extra)
	o.text(mBatchReferenceID, b.ReferenceID)
	list(&o, mBatchItems, b.Claims)
	o.close()
}

// Receipt says that Credit Clear ACCEPTED a batch (202). Accepted is not
// processed: rows may still fail, which only the batch's status tells
// ([Client.BatchStatus]). It holds no personal data; store it as JSON.
type Receipt struct {
	// Reference of the batch.
	Reference string `json:"reference"`
	// StatusURL is where the status of the batch is, absolute; empty if the
	// answer had no Location header.
	StatusURL string `json:"statusUrl,omitempty"`
	// Operation that was called, such as "UpsertAccounts".
	Operation string `json:"operation"`
	// Rows in the batch.
	Rows int `json:"rows"`
	// FirstRow is the number, in a job, of the batch's first row (from 1).
	FirstRow int64 `json:"firstRow,omitempty"`
	// AcceptedAt is when the answer came.
	AcceptedAt time.Time `json:"acceptedAt,omitzero"`
	// RequestID is the vendor's id of the request, if it sent one.
	RequestID string `json:"requestId,omitempty"`
	// PresumedAccepted: an attempt got no answer, and its repetition was
	// refused because the reference was used already. So it must have
	// arrived, but nobody said so; there is no status URL unless the refusal
	// had one.
	PresumedAccepted bool `json:"presumedAccepted,omitempty"`
	// Recorded: accepted in an earlier run of the job; known from its journal.
	Recorded bool `json:"recorded,omitempty"`
}

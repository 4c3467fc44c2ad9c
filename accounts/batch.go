package accounts

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

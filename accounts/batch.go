package accounts

// AccountBatch is one request of [Client.UpsertAccounts].
type AccountBatch struct {
	// ReferenceID identifies the batch; 1 to 150 characters, unique for each
	// payload. A repetition of the same payload keeps its reference: Credit
	// Clear tells repetitions by it. Inferred name.
	ReferenceID string `json:"batchReferenceId" rule:"max=150" evidence:"prose"`
	// Accounts is at least one account. Their number is not limited, the
	// size of the request is: [MaxBatchBytes].
	Accounts []Account `json:"accounts" evidence:"shown"`
	// Extra adds members beside the two, and wins over them: see [Extra].
	Extra Extra `json:"-"`
}

// PaymentBatch is one request of [Client.ReportPayments].
type PaymentBatch struct {
	// ReferenceID as in AccountBatch. Inferred name.
	ReferenceID string `json:"batchReferenceId" rule:"max=150" evidence:"prose"`
	// Payments is at least one payment. Inferred name.
	Payments []Payment `json:"payments" evidence:"by analogy with the array called accounts"`
	// Extra adds members beside the two, and wins over them: see [Extra].
	Extra Extra `json:"-"`
}

// ClaimBatch is one request of [Client.UpsertClaims].
type ClaimBatch struct {
	// ReferenceID as in AccountBatch. Inferred name.
	ReferenceID string `json:"batchReferenceId" rule:"max=150" evidence:"prose"`
	// Claims is at least one claim.
	Claims []Claim `json:"thirdPartyClaims" evidence:"shown"`
	// Extra adds members beside the two, and wins over them: see [Extra].
	Extra Extra `json:"-"`
}

// MaxBatchBytes is the largest request that Credit Clear takes: "30 MB" in
// both pages on limits, taken as the smaller reading. Larger ones are refused
// before they are sent.
const MaxBatchBytes = 30_000_000

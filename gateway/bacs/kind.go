package bacs

// Kind names a report. It is read from the XML, never from a file name.
// A kind this package does not know is [KindUnknown].
type Kind string

// The kinds of report. The comment says what in the XML makes it one.
const (
	// KindUnknown is a well-formed document of any other kind. It is delivered
	// raw: as a tree by [Parse], as [Other] records by [Reader].
	KindUnknown Kind = ""
	// KindInput tells what Bacs made of a submission (InputReport, REFT2013).
	KindInput Kind = "Input"
	// KindWithdrawal tells what was withdrawn from processing
	// (WithdrawalReport). Only its submission facts and day totals are publicly
	// known; the rest mirrors the Input report. Inferred.
	KindWithdrawal Kind = "Withdrawal"
	// KindARUDD lists collections that paying banks returned unpaid (ARUDD).
	KindARUDD Kind = "ARUDD"
	// KindADDACS lists changes that paying banks made to instructions
	// (MessagingAdvices, advice-type ADDACS or records of type A).
	KindADDACS Kind = "ADDACS"
	// KindAUDDIS lists instructions that paying banks returned
	// (MessagingAdvices, advice-type AUDDIS or records of type N, D or S).
	KindAUDDIS Kind = "AUDDIS"
	// KindAUDACC says that a file of instructions was accepted
	// (MessagingAdvices, advice-type AUDACC or records of type V).
	KindAUDACC Kind = "AUDACC"
	// KindAUDREJ says that a file of instructions was rejected
	// (MessagingAdvices, advice-type AUDREJ or records of type R).
	KindAUDREJ Kind = "AUDREJ"
	// KindAWACS lists corrected details of accounts that were credited
	// (MessagingAdvices, advice-type AWACS or records of type W). Inferred.
	KindAWACS Kind = "AWACS"
	// KindMessaging is a MessagingAdvices document of no kind named above. Its
	// records are typed as far as their attributes are known.
	KindMessaging Kind = "MessagingAdvices"
	// KindDDIC lists indemnity claims and cancelled claims (VocaDocument with
	// NewAdvices or Cancellations).
	KindDDIC Kind = "DDIC"
	// KindARUCS lists credits that banks returned. No public description of its
	// XML was found: it is delivered raw, like KindUnknown, and is named only so
	// that its reason codes can be looked up, by the element ARUCS. Inferred.
	KindARUCS Kind = "ARUCS"
)

// String returns the name, "unknown" for [KindUnknown].
func (k Kind) String() string {
	if k == KindUnknown {
		return "unknown"
	}
	return string(k)
}

// Typed reports whether reports of this kind are delivered as typed records;
// all others are delivered raw.
func (k Kind) Typed() bool { return k != KindUnknown && k != KindARUCS }

// decisive maps the element that makes a document one of a family.
func decisive(element string) (Kind, bool) {
	switch element {
	case "InputReport":
		return KindInput, true
	case "WithdrawalReport":
		return KindWithdrawal, true
	case "ARUDD":
		return KindARUDD, true
	case "ARUCS":
		return KindARUCS, true
	case "MessagingAdvices":
		return KindMessaging, true
	case "NewAdvices", "Cancellations", "DDICAdvice", "DDICCancellation":
		return KindDDIC, true
	}
	return KindUnknown, false
}

// messagingKind maps an advice-type, a report number or a record type.
func messagingKind(word string) Kind {
	switch word {
	case "ADDACS", "7001", "A":
		return KindADDACS
	case "AUDDIS", "7002", "N", "D", "S":
		return KindAUDDIS
	case "AUDACC", "7003", "V":
		return KindAUDACC
	case "AUDREJ", "7004", "R":
		return KindAUDREJ
	case "AWACS", "W":
		return KindAWACS
	}
	return KindUnknown
}

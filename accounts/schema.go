package accounts

import (
	"reflect"
	"sync"

	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

// schema is the member table: the tags of the request structs, read once.
var schema = sync.OnceValue(func() *member.Schema {
	return member.Of(
		reflect.TypeFor[AccountBatch](), reflect.TypeFor[PaymentBatch](), reflect.TypeFor[ClaimBatch](),
		reflect.TypeFor[Account](), reflect.TypeFor[Payment](), reflect.TypeFor[Claim](), reflect.TypeFor[Party](),
	)
})

// objectKind numbers the batches, in the order of the types in schema.
type objectKind int

const (
	kindAccountBatch objectKind = iota
	kindPaymentBatch
	kindClaimBatch
)

// The members of a batch.
const (
	mBatchReferenceID = iota
	mBatchItems
)

func (k objectKind) object() *member.Object { return schema().Objects[k] }

// sendInstantMessages is the member that may message a person.
const sendInstantMessages = "sendInstantMessages"

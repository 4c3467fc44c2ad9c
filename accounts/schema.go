package accounts

import (
	"reflect"
	"sync"

	"github.com/ccr-sdk/ccr/accounts/internal/member"
	"github.com/ccr-sdk/ccr/internal/transport"
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

// members are the names of the schema, by their folded forms.
func members() map[string]string {
	out := map[string]string{}
	for _, o := range schema().Objects {
		for _, m := range o.Members {
			out[transport.FoldName(m.Name)] = m.Name
		}
	}
	return out
}

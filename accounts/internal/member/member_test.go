package member_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

func TestTheTagsOfTheRequests(t *testing.T) {
	t.Parallel()
	s := member.Of(reflect.TypeFor[accounts.AccountBatch](), reflect.TypeFor[accounts.PaymentBatch](), reflect.TypeFor[accounts.ClaimBatch]())
	require.NoError(t, s.Err)
	var names []string
	for _, o := range s.Objects {
		names = append(names, o.Name)
	}
	assert.Equal(t, []string{"accountBatch", "paymentBatch", "claimBatch", "accounts", "debtor", "additionalInfo", "sendInstantMessages", "identityChallenges", "payments", "thirdPartyClaims", "claimExcess"}, names)
	account := s.Object(reflect.TypeFor[accounts.Account]())
	for i, want := range map[int]member.Column{
		4:  {Name: "ClientReference", Position: 1},
		10: {Name: "OutstandingAmount", Position: 8},
		16: {}, // the debtor
		3:  {Name: "Segment", Inferred: true},
	} {
		assert.Equal(t, want, account.Members[i].Columns[member.AccountsFile], account.Members[i].Name)
	}
}

type extra map[string]any

func TestTagsThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]reflect.Type{
		"no name": reflect.TypeFor[struct {
			A     string `evidence:"page"`
			Extra extra
		}](),
		"no evidence": reflect.TypeFor[struct {
			A     string `json:"a"`
			Extra extra
		}](),
		"no such rule": reflect.TypeFor[struct {
			A     string `json:"a" rule:"longest=4" evidence:"page"`
			Extra extra
		}](),
		"no number": reflect.TypeFor[struct {
			A     string `json:"a" rule:"max=four" evidence:"page"`
			Extra extra
		}](),
		"no Extra": reflect.TypeFor[struct {
			A string `json:"a" evidence:"page"`
		}](),
	} {
		assert.Error(t, member.Of(of).Err, name)
	}
}

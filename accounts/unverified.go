package accounts

import (
	"context"
	"log/slog"
	"math/bits"
	"sync/atomic"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

// Unverified lists every name on the wire that is inferred, as
// "the name of account.brand", and the routes whose path is. Compare it with
// what Credit Clear gives you at onboarding before the first live call;
// [Extra] takes what differs. The client logs, once for each, which of the
// members it uses.
func Unverified() []ccr.Assumption {
	const (
		address    = "the address of the page about it, as it is for payments"
		middleware = "rewrite the path in a ccr.WithMiddleware"
	)
	out := []ccr.Assumption{
		{Claim: "the route " + routeAccounts.String(), Source: address, IfWrong: middleware},
		{Claim: "the route " + routeClaims.String(), Source: address, IfWrong: middleware},
		{Claim: "the route " + routeStatus.String(), Source: "the Location header, which leads to it; method, answer and states are not shown anywhere", IfWrong: "read BatchStatus.Raw"},
		{Claim: "an account sent again under its batch reference has no further effect", Source: "the claims page, which says so of claims", IfWrong: "set ccr.WithRetry with MaxAttempts 1; payments and messages are sent once anyway"},
	}
	for _, o := range schema().Objects {
		for _, m := range o.Members {
			if m.Evidence != "" {
				out = append(out, ccr.Assumption{Claim: "the name of " + o.Name + "." + m.Name, Source: m.Evidence, IfWrong: `put "` + m.Name + `": RenamedTo(…) or Omitted() into Extra`})
			}
		}
	}
	return out
}

// usedMembers is a set of members, a bit for each.
type usedMembers [member.MaxObjects]uint64

// inferred keeps the members whose names are not confirmed.
func (u *usedMembers) inferred() usedMembers {
	var out usedMembers
	for k := range u {
		for rest := u[k]; rest != 0; rest &= rest - 1 {
			if i := bits.TrailingZeros64(rest); schema().Objects[k].Members[i].Evidence != "" {
				out[k] |= 1 << i
			}
		}
	}
	return out
}

// inferredLog remembers which members were logged.
type inferredLog struct {
	logged [member.MaxObjects]atomic.Uint64
}

// note logs the names, never the values, of inferred members that were not
// logged before.
func (l *inferredLog) note(ctx context.Context, log *slog.Logger, u *usedMembers) {
	var names []string
	for k := range u {
		if u[k]&^l.logged[k].Load() == 0 {
			continue
		}
		fresh := u.inferred()[k]
		fresh &^= l.logged[k].Or(fresh)
		for ; fresh != 0; fresh &= fresh - 1 {
			names = append(names, schema().Objects[k].Name+"."+schema().Objects[k].Members[bits.TrailingZeros64(fresh)].Name)
		}
	}
	if len(names) > 0 {
		log.LogAttrs(ctx, slog.LevelInfo, "request members with inferred names in use; see accounts.Unverified", slog.Any("members", names))
	}
}

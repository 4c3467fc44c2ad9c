package accounts

import (
	"context"
	"log/slog"
	"math/bits"
	"sync/atomic"

	"github.com/ccr-sdk/ccr"
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
		{What: "the route " + routeAccounts.String(), From: address, If: middleware},
		{What: "the route " + routeClaims.String(), From: address, If: middleware},
		{What: "the route " + routeStatus.String(), From: "the Location header, which leads to it; method, answer and states are not shown anywhere", If: "read BatchStatus.Raw"},
	}
	for i := range schema {
		for _, m := range schema[i].members {
			if !m.seen {
				out = append(out, ccr.Assumption{What: "the name of " + schema[i].name + "." + m.name, From: m.note, If: `put "` + m.name + `": RenamedTo(…) or Omitted() into Extra`})
			}
		}
	}
	return out
}

// usedMembers is a set of members, a bit for each.
type usedMembers [kinds]uint64

// inferred keeps the members whose names are not confirmed.
func (u *usedMembers) inferred() usedMembers {
	var out usedMembers
	for k := range u {
		for rest := u[k]; rest != 0; rest &= rest - 1 {
			if i := bits.TrailingZeros64(rest); !schema[k].members[i].seen {
				out[k] |= 1 << i
			}
		}
	}
	return out
}

// inferredLog remembers which members were logged.
type inferredLog struct{ logged [kinds]atomic.Uint64 }

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
			names = append(names, schema[k].name+"."+schema[k].members[bits.TrailingZeros64(fresh)].name)
		}
	}
	if len(names) > 0 {
		log.LogAttrs(ctx, slog.LevelInfo, "request members with inferred names in use; see accounts.Unverified", slog.Any("members", names))
	}
}

// Package limit holds client-side rate limiters that fit [ccr.Limiter].
//
// A vendor that publishes "20 requests per minute" may count in any way; a
// client that never starts more than 20 in any 60 s stays below all of them,
// as far as its own clock and the network's delays allow. A token bucket does
// not: it lets a full bucket out and refills meanwhile.
package limit

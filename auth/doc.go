// Package auth holds the credentials of the HTTP services.
//
//   - [NewClientCredentials]: OAuth 2 client credentials with a token cache,
//     for Credit Clear (JSON body with an audience) and Algoan (form body);
//     also client_secret_basic and parameters such as resource.
//   - [NewStaticBearer]: a bearer token of your own, such as a JWT that was
//     handed to you; it fails early once its exp has passed.
//   - [NewTokenSource]: tokens from a place of your own, in the same cache.
//   - [NewHeaderKey]: a key in a header. Credit Clear's onboarding pages speak
//     of an "API key" while its reference shows bearer tokens; whether a key
//     is accepted anywhere is not verified.
//   - [APIKey]: the key and the secret of the Clear Direct Debit gateway.
//
// A credential is bound to the service and origin of the first client that it
// is given to; any other client refuses it with [ErrWrongAPI]. It is attached
// to requests of that origin only, below any middleware. None of them prints
// its secrets, in any form; all are safe for concurrent use, and constructors
// do no I/O. Secrets from files are read again at each use, so that a rotated
// one is picked up.
//
// # The token cache
//
// A token is used for nearly all of its life and renewed in the background in
// its last 5 minutes (the last fifth of a short one), while the old one still
// serves; calls wait only when there is none that serves, which is from 30
// seconds before its end (a tenth of a short one's life), since clocks differ.
// However many calls wait, one request is under way. A caller that gives up
// leaves alone: the request goes on for the others, for 2 minutes at most.
//
// A failed renewal is not repeated for 1 second, then 2, 4 and so on up to a
// minute, or for as long as the endpoint's Retry-After asks (15 minutes at
// most); meanwhile calls that need a token fail at once with that error.
//
// A 401 of the API drops the token, if it still is the cached one, and the
// call is repeated once with a new one. If that is refused as well, the next
// 401s stand as they are, for a time that doubles from 1 second to a minute:
// so a wrong audience does not flood the token endpoint.
//
// Lifetimes count from when a token was asked for, by this machine's clock
// alone. Without expires_in they are 24 hours, as Credit Clear documents, or
// what a JWT says of itself if that is less.
//
// Tokens are kept in memory; the SDK never writes them to disk. A fleet that
// must share them (Credit Clear limits its token endpoint) implements
// [TokenStore]; [Token.Seal] encrypts what is kept elsewhere.
//
// # Errors
//
// A call that got no token was not sent. Its error is of class
// [ccr.ErrUnauthorized] if the login was refused, [ccr.ErrRateLimited] or
// [ccr.ErrUnavailable] if the endpoint was busy or away; Code and Problem are
// the endpoint's.
package auth

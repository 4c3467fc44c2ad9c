// Package auth holds the credentials of the HTTP services.
//
//   - [NewClientCredentials]: OAuth 2 client credentials with a token cache,
//     for Credit Clear (JSON body with an audience) and Algoan (form body).
//   - [NewStaticBearer]: a bearer token of your own, such as a JWT that was
//     handed to you; it fails early once its exp has passed.
//   - [NewHeaderKey]: a key in a header. Credit Clear's onboarding pages speak
//     of an "API key" while its reference shows bearer tokens; whether a key
//     is accepted anywhere is not verified.
//   - [APIKey]: the key and the secret of the Clear Direct Debit gateway.
//
// A credential is bound to the API of the first client it is given to, and
// refused by a client of another one. It is attached to requests of that
// origin only, below any middleware. None of them prints its secrets, in any
// form; all are safe for concurrent use, and constructors do no I/O.
//
// # The token cache
//
// A token is used for nearly all of its life and renewed in the background
// shortly before it ends, while the old one still serves; calls wait only when
// there is none that serves. However many calls wait, one request is under way.
// A caller that gives up leaves alone: the request goes on for the others. A
// failed renewal backs off. A 401 of the API drops the token, if it is still
// the cached one, and the call is repeated once with a new one.
//
// Tokens are kept in memory; the SDK never writes them to disk. A fleet that
// must share them (Credit Clear limits its token endpoint) implements
// [TokenStore].
package auth

// Package transport is the one HTTP pipeline of the SDK: routes as data,
// retry classes, bodies of known length, credentials on their own origin,
// capped answers, and errors that say what is known about the outcome.
//
// # One attempt
//
// The duties of an attempt, in order: the credential is fetched (which may
// call a token endpoint), the limiter waited for, the attempt timeout started;
// then come the caller's middleware, the origin guard, which asks the check of
// [WithBefore] and attaches the credential below any middleware, and the
// caller's transport. The retry engine around it is go-retryablehttp with every default replaced.
//
// An attempt ends when no byte has moved for the attempt timeout, and when
// fewer than 1,024 bytes a second moved over such a time of waiting. Only time
// that is spent on the network counts: a reader of a streamed answer may take
// as long as it likes between two reads. The Timeout of a caller's
// http.Client bounds an attempt as a whole, its answer's body included.
//
// # The pipeline and go-retryablehttp
//
//	Client.Do ── call: the state of all attempts; an engine of its own
//	  │
//	  retryablehttp.Client.Do ─────────────────────────── one turn an attempt
//	  │   http.Client.Do ── redirects of reads on the origin
//	  │     outer.RoundTrip ── attempt: credential, limiter, timer
//	  │       the caller's middleware
//	  │         guard.RoundTrip ── origin, WithBefore, credential, once
//	  │           the caller's transport ── httptrace: one connection
//	  ├── CheckRetry = check ── again? then drain; the wait is left in RetryWaitMin
//	  ├── ResponseHandler = handle ── a final answer: read, into call.resp or call.err
//	  ├── Backoff = backoff ── the wait that check left
//	  ├── PrepareRetry = renew ── a header map of its own for the next attempt
//	  └── ErrorHandler = PassthroughErrorHandler
//	  │
//	  settle ── what Do returns
//
// The engine keeps no error type, no logger and no limit of its own: check
// counts attempts, and finds its call in the request's context.
//
// # What is repeated
//
//	                                   Idempotent  UnsentOnly  Destructive
//	no connection was had              yes         yes         no
//	connected, and no answer came      yes         no          no
//	an answer broke off                yes         no          no
//	408, 425, 500, 502, 503, 504       yes         no          no
//	429; 403 with Retry-After (*)      yes         yes         no
//	401 (once, with a new credential)  yes         yes         yes
//	any other answer                   no          no          no
//
// (*) where Config.ForbiddenMayBeLimit says that the vendor answers 403 for
// limits. Route.NoAnswerRetry rules out every row with an answer. The replay
// after a 401 is not counted against RetryPolicy.MaxAttempts.
//
// # One connection per attempt
//
// net/http sends some requests again by itself, on another connection: under
// HTTP/2 after GOAWAY and REFUSED_STREAM, whatever the method and without end.
// An attempt gets one connection: a second one ends it before a byte is
// written there. A transport that does not speak httptrace gets the request
// once. A retry, with its limits and its pause, is the pipeline's decision.
//
// Unsent-only and destructive requests go over connections of their own, which
// are closed afterwards: on a kept one, a server that closes it just as the
// request is written leaves the outcome unknown. Where the transport is hidden
// (wrapped by instrumentation, say), a kept connection that was idle for two
// seconds is closed instead of used.
//
// Redirects are followed for GET and HEAD, on the client's own origin. 307 and
// 308 with a body are not followed: that would send it a second time.
//
// # What is said of the outcome
//
// "Not sent" if no connection was ever handed to the request, or if its own
// source failed before the last byte, so that it never was whole. "Unknown"
// once there was a connection and no answer, or a 408 or a 5xx (501 apart).
// "Rejected" for other answers. An attempt of unknown outcome makes the whole
// call's unknown, unless a later answer objects to the request itself (400,
// 411, 413, 415): the same bytes were refused then, too. EarlierUnknown
// says so either way.
//
// # What is printed
//
// Errors and log events show texts of this package and of the standard
// library that hold no data of the request, the answer or a proxy's URL;
// errors.Is and errors.As still reach what was hidden.
package transport

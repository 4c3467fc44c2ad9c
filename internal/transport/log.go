package transport

import (
	"log/slog"
	"time"

	"github.com/ccr-sdk/ccr"
)

// log writes the one event of an attempt that ends its call; err is nil for a
// success.
func (k *call) log(err *ccr.Error) {
	a := k.cur
	if a == nil || a.logged {
		return
	}
	a.logged = true
	if err == nil {
		if k.c.log.Enabled(k.ctx.Context, slog.LevelDebug) {
			k.event(slog.LevelDebug, "request")
		}
		return
	}
	if a.number == 0 {
		k.logUnsent(a.stopped, err)
		return
	}
	k.event(slog.LevelWarn, "request failed", failureAttrs(err)...)
}

// logUnsent writes the event of an attempt that was stopped before it became
// a request: by the context, the limiter, the credential or the body's source.
func (k *call) logUnsent(reason string, err *ccr.Error) {
	k.event(slog.LevelWarn, "request not sent", append(failureAttrs(err), slog.String("stopped_by", reason))...)
}

// logRetry writes the one event of an attempt that another one follows.
func (k *call) logRetry(err error) {
	k.cur.logged = true
	attrs := []slog.Attr{slog.Duration("retry_in", k.engine.RetryWaitMin)}
	if err != nil {
		attrs = append(attrs, slog.String("error", k.safeCause(err).Error()))
	}
	k.event(slog.LevelWarn, "request failed", attrs...)
}

func failureAttrs(err *ccr.Error) []slog.Attr {
	return []slog.Attr{slog.String("outcome", string(err.Outcome)), slog.String("error", err.Error())}
}

func (k *call) event(level slog.Level, msg string, more ...slog.Attr) {
	if !k.c.log.Enabled(k.ctx.Context, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10+len(more))
	attrs = append(attrs,
		slog.String("service", k.c.cfg.Service),
		slog.String("operation", k.req.Route.Operation),
		slog.String("method", k.req.Route.Method),
		slog.String("route", k.req.Route.Path))
	if id := k.req.Call.CorrelationID; id != "" {
		attrs = append(attrs, slog.String("correlation_id", id))
	}
	if a := k.cur; a != nil && a.number > 0 {
		attrs = append(attrs, slog.Int("attempt", a.number), slog.Duration("duration", time.Since(a.started)))
		if a.status != 0 {
			attrs = append(attrs, slog.Int("status", a.status))
		}
		if a.requestID != "" {
			attrs = append(attrs, slog.String("request_id", a.requestID))
		}
	}
	if k.note != "" {
		attrs = append(attrs, slog.String("no_retry", k.note))
	}
	k.c.log.LogAttrs(k.ctx.Context, level, msg, append(attrs, more...)...)
}

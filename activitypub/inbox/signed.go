package inbox

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Reader finds who has signed a request that brings no activity: a GET. Its
// errors are answers for c: 401 without a good signature, 403 for a blocked
// host, 429 after too many failures.
func (b *Inbox) Reader(c echo.Context) (*actor.Actor, error) {
	in := &incoming{req: c.Request(), remote: c.RealIP()}
	if err := b.readSigned(in); err != nil {
		return nil, b.problem(c, err)
	}
	return in.signer, nil
}

func (b *Inbox) readSigned(in *incoming) (err error) {
	ctx := in.req.Context()
	if b.failures.over(network(in.remote)) { // SEC-33
		return refuse(http.StatusTooManyRequests, "limited", errors.New("too many failures from this address"))
	}
	if in.params, err = signature.Parse(in.req); err != nil {
		if signature.ReasonOf(err) == signature.ReasonMissing {
			return refuse(http.StatusUnauthorized, string(signature.ReasonMissing), err) // no failure: nothing was tried
		}
		return b.unsigned(in, err)
	}
	if err := b.o.Policy.Check(in.req, in.params, nil); err != nil {
		return b.unsigned(in, err)
	}
	if b.blocked(ctx, b.o.Actors.KeyHost(in.params.KeyID)) { // SEC-19: before any fetch
		return refuse(http.StatusForbidden, "blocked", errors.New("host is blocked"))
	}
	if err := b.verify(ctx, in); err != nil {
		return err
	}
	if b.blocked(ctx, in.signer.Host) {
		return refuse(http.StatusForbidden, "blocked", errors.New("host is blocked"))
	}
	return nil
}

// problem makes the answer of a refusal; other errors stay what they are. A
// 401 says how to sign (RFC 9421 5.1).
func (b *Inbox) problem(c echo.Context, err error) error {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	b.metrics.requests.WithLabelValues(r.label).Inc()
	level := slog.LevelInfo
	if r.status == http.StatusTooManyRequests {
		level = slog.LevelDebug // a flood of requests must not be one of lines
	}
	b.log.Log(c.Request().Context(), level, "request refused", "method", c.Request().Method, "reason", r.label, "error", r.err)
	p := &rest.Problem{Status: r.status, Detail: http.StatusText(r.status)}
	switch r.status {
	case http.StatusTooManyRequests:
		p.Header = map[string]string{"Retry-After": retryAfter(cmp.Or(r.after, time.Minute))}
	case http.StatusUnauthorized:
		c.Response().Header().Set("Vary", "Accept, Signature")
		p.Header = map[string]string{"Accept-Signature": signature.Challenge(c.Request().Method)}
	}
	return p
}

package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"
)

// Problem is an error that the client may read. It is answered as
// application/problem+json with PeerTube's fields (RFC 9457).
type Problem struct { //nolint:errname // RFC 9457 calls it a problem
	Status int    // HTTP status
	Detail string // one sentence for people
	Code   string // machine-readable, PeerTube's where one exists; may be empty
	// Invalid names the inputs that were refused.
	Invalid map[string]InvalidParam
	// Header is added to the answer.
	Header map[string]string
}

// InvalidParam says what was wrong with one input.
type InvalidParam struct {
	Location string `json:"location"` // params, body, query, header
	Msg      string `json:"msg"`
	Path     string `json:"path"`
	Type     string `json:"type"`
	Value    any    `json:"value,omitempty"`
}

// Error implements error.
func (p *Problem) Error() string { return fmt.Sprintf("%d: %s", p.Status, p.Detail) }

// NotFound is 404.
func NotFound(detail string) *Problem { return &Problem{Status: http.StatusNotFound, Detail: detail} }

// Forbidden is 403.
func Forbidden(detail string) *Problem { return &Problem{Status: http.StatusForbidden, Detail: detail} }

// Conflict is 409.
func Conflict(detail string) *Problem { return &Problem{Status: http.StatusConflict, Detail: detail} }

// BadRequest is 400.
func BadRequest(detail string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Detail: detail}
}

// Invalid is 400 for one input: location is params, body, query or header; msg
// says what is allowed.
func Invalid(location, param, msg string, value any) *Problem {
	var c Checker
	c.Refuse(location, param, msg, value)
	return c.problem()
}

// Checker collects refused inputs, so that one answer names them all. The zero
// value is ready.
type Checker struct{ invalid map[string]InvalidParam }

// Refuse notes that an input is not acceptable.
func (c *Checker) Refuse(location, param, msg string, value any) {
	if c.invalid == nil {
		c.invalid = map[string]InvalidParam{}
	}
	if s, ok := value.(string); ok && len(s) > 200 {
		value = s[:200]
	}
	c.invalid[param] = InvalidParam{Location: location, Msg: msg, Path: param, Type: "field", Value: value}
}

// Err is nil when nothing was refused, else a *Problem.
func (c *Checker) Err() error {
	if len(c.invalid) == 0 {
		return nil
	}
	return c.problem()
}

func (c *Checker) problem() *Problem {
	names := ""
	for k := range c.invalid {
		if names != "" {
			names += ", "
		}
		names += k
	}
	return &Problem{Status: http.StatusBadRequest, Detail: "Incorrect request parameters: " + names, Invalid: c.invalid}
}

const docsURL = "https://docs.joinpeertube.org/api-rest-reference.html#section/Errors/"

// WriteProblem answers err. What is neither a *Problem nor one of echo's own
// errors is answered as 500 without detail (SEC-53). What [Failed] is logged with
// the request's id, unless the client went before its answer was ready.
func WriteProblem(c echo.Context, log *slog.Logger, err error) {
	if c.Response().Committed {
		return
	}
	p := AsProblem(err)
	switch gone := errors.Is(context.Cause(c.Request().Context()), context.Canceled); {
	case gone:
		log.DebugContext(c.Request().Context(), "client went", "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
	case Failed(err):
		log.ErrorContext(c.Request().Context(), "request failed", "method", c.Request().Method,
			"path", c.Request().URL.Path, "request", c.Response().Header().Get(echo.HeaderXRequestID), "error", err)
	}
	body := map[string]any{
		"type": "about:blank", "title": http.StatusText(p.Status), "status": p.Status,
		"detail": p.Detail, "error": p.Detail,
	}
	if p.Code != "" {
		body["type"], body["code"] = docsURL+p.Code, p.Code
	}
	if p.Invalid != nil {
		body["invalid-params"], body["instance"] = p.Invalid, c.Request().URL.RequestURI()
	}
	for k, v := range p.Header {
		c.Response().Header().Set(k, v)
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json; charset=utf-8")
	c.Response().WriteHeader(p.Status)
	if c.Request().Method == http.MethodHead {
		return
	}
	if err := json.NewEncoder(c.Response()).Encode(body); err != nil {
		log.DebugContext(c.Request().Context(), "answer not written", "error", err)
	}
}

// Failed tells whether err is a failure of the server: everything that would be
// answered as 500 or above, but for a *Problem of another status such as 501 or
// 503, which is what a handler has to say to the client.
func Failed(err error) bool {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Status == http.StatusInternalServerError
	}
	return AsProblem(err).Status >= http.StatusInternalServerError
}

// AsProblem finds the *Problem in err, turns echo's errors into one, and makes
// a bare 500 of anything else.
func AsProblem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if h, ok := errors.AsType[*echo.HTTPError](err); ok {
		return &Problem{Status: h.Code, Detail: fmt.Sprint(h.Message)}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Detail: "The request body is too large"}
	}
	return &Problem{Status: http.StatusInternalServerError, Detail: "Internal server error"}
}

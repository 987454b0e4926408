// Package input reads what clients send to the routes of accounts: bounded JSON
// bodies into structs that name what may be set (SEC-45), fields that tell
// "absent" from "null", text without invisible characters (SEC-38), and the
// rules for names and addresses.
package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// maxBody is far above what any form of this module needs.
const maxBody = 100 << 10

// JSON decodes the body of a request into v. Unknown fields are ignored, as
// clients send more than a server knows; anything but one JSON object is a
// *rest.Problem, and so is a field of the wrong type.
func JSON(c echo.Context, v any) error { return JSONUpTo(c, v, maxBody) }

// JSONUpTo is JSON for a body that may have so many bytes.
func JSONUpTo(c echo.Context, v any, most int64) error {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationJSON {
		return &rest.Problem{Status: http.StatusUnsupportedMediaType, Detail: "The request body should be application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, most))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return &rest.Problem{Status: http.StatusRequestEntityTooLarge, Detail: "The request body is too large"}
		}
		return rest.BadRequest("The request body could not be read")
	}
	if b := bytes.TrimSpace(body); len(b) == 0 || b[0] != '{' {
		return rest.BadRequest("The request body should be a JSON object")
	}
	err = json.Unmarshal(body, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return rest.Invalid("body", wrong.Field, "Should not be a "+wrong.Value, nil)
	}
	if err != nil {
		return rest.BadRequest("The request body is not valid JSON")
	}
	return nil
}

// Optional is a field of a JSON body that may be absent, null or a value.
type Optional[T any] struct {
	Set   bool // the field was there
	Null  bool // and was null
	Value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	o.Set = true
	if string(bytes.TrimSpace(b)) == "null" {
		o.Null = true
		return nil
	}
	return json.Unmarshal(b, &o.Value)
}

// Given tells whether the field held a value.
func (o Optional[T]) Given() bool { return o.Set && !o.Null }

// Or is the value, or def without one.
func (o Optional[T]) Or(def T) T {
	if o.Given() {
		return o.Value
	}
	return def
}

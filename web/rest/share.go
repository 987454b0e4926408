package rest

import "github.com/labstack/echo/v4"

const shared = "kinemesh shared"

// Share says that the answer to a request depends on its address and on the
// database alone, so that for a moment everybody may get it who sends no
// credentials. Only the handler knows that: what depends on who asks is never
// shared (SEC-31).
func Share(c echo.Context) {
	if Current(c.Request().Context()) == nil {
		c.Set(shared, true)
	}
}

// IsShared tells whether [Share] was called.
func IsShared(c echo.Context) bool { return c.Get(shared) == true }

package instance

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/web/rest"
)

func (i *Instance) debug(c echo.Context) error {
	n, err := i.o.Waiting(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, object{"ip": i.o.ClientIP(c.Request()), "activityPubMessagesWaiting": n})
}

// runCommand has something done at once that is done at intervals anyway.
func (i *Instance) runCommand(c echo.Context) error {
	var in struct{ Command string }
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	run := i.o.Commands[in.Command]
	if run == nil {
		return rest.Invalid("body", "command", "Should be one of "+strings.Join(slices.Sorted(maps.Keys(i.o.Commands)), ", "), in.Command)
	}
	if err := run(c.Request().Context()); err != nil {
		return err
	}
	return rest.NoContent(c)
}

// plugins lists none: there is no way to install one.
func (i *Instance) plugins(c echo.Context) error {
	if _, err := rest.ParsePage(c, "-createdAt", "createdAt", "updatedAt", "name"); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList[object](0, nil))
}

package notification

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers the routes of notifications.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/users/me/notifications", rest.SignedIn, s.list)
	r.API.POST("/users/me/notifications/read", rest.SignedIn, s.read)
	r.API.POST("/users/me/notifications/read-all", rest.SignedIn, s.readAll)
	r.API.PUT("/users/me/notification-settings", rest.SignedIn, s.putSettings)
}

func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt", "read")
	if err != nil {
		return err
	}
	var check rest.Checker
	f := Filter{Page: page, Unread: rest.QueryBool(c, &check, "unread")}
	for _, text := range rest.QueryValues(c, "typeOneOf") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > lastType {
			check.Refuse("query", "typeOneOf", "Should be numbers of types of notifications, from 1 to "+strconv.Itoa(lastType), text)
			continue
		}
		f.Types = append(f.Types, n)
	}
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	items, total, err := s.List(ctx, rest.Current(ctx), f)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, jsonOf(items)))
}

// maxIDs is how many notifications can be marked at once: ten of the longest
// pages.
const maxIDs = 1000

func (s *Service) read(c echo.Context) error {
	var in struct {
		IDs input.Optional[[]int64] `json:"ids"`
	}
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if n := len(in.IDs.Value); n == 0 || n > maxIDs {
		return rest.Invalid("body", "ids", "Should be 1 to "+strconv.Itoa(maxIDs)+" ids of notifications", nil)
	}
	ctx := c.Request().Context()
	if err := s.MarkRead(ctx, rest.Current(ctx).UserID, in.IDs.Value); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) readAll(c echo.Context) error {
	ctx := c.Request().Context()
	if err := s.MarkRead(ctx, rest.Current(ctx).UserID, nil); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) putSettings(c echo.Context) error {
	var in map[string]json.RawMessage
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	var check rest.Checker
	values := map[string]int{}
	for _, set := range settings() {
		raw, given := in[set.name]
		if !given && !set.required {
			continue
		}
		var n int
		if json.Unmarshal(raw, &n) != nil || n < 0 || n > Web|Mail || string(raw) == "null" {
			check.Refuse("body", set.name, "Should be 0 for none, 1 for web, 2 for mail or 3 for both", nil)
			continue
		}
		values[set.name] = n
	}
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.ChangeSettings(ctx, rest.Current(ctx).UserID, values); err != nil {
		return err
	}
	return rest.NoContent(c)
}

package inbox

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers what administrators see and mend of received activities.
func (b *Inbox) Routes(r *rest.Router) {
	r.API.GET("/server/federation/deadletters/received", rest.Admin, b.listDead)
	r.API.POST("/server/federation/deadletters/received/retry", rest.Admin, b.retry)
}

func deadColumns() map[string]string {
	return map[string]string{"id": "id", "receivedAt": "received_at", "attempts": "attempts", "host": "host"}
}

// maxText bounds a filter.
const maxText = 2000

func (f Filter) check(check *rest.Checker, where string) {
	for name, v := range map[string]string{"host": f.Host, "activity": f.Activity, "object": f.Object} {
		if len(v) > maxText {
			check.Refuse(where, name, "Should be shorter", nil)
		}
	}
}

func (b *Inbox) listDead(c echo.Context) error {
	page, err := rest.ParsePage(c, "-id", "id", "receivedAt", "attempts", "host")
	if err != nil {
		return err
	}
	f := Filter{Host: strings.ToLower(c.QueryParam("host")), Activity: c.QueryParam("activity"), Object: c.QueryParam("object")}
	var check rest.Checker
	if v := c.QueryParam("id"); v != "" {
		id, err := strconv.ParseInt(v, 10, 64)
		if err != nil || id < 1 {
			check.Refuse("query", "id", "Should be the id of a dead letter", v)
		}
		f.IDs = []int64{id}
	}
	f.check(&check, "query")
	if err := check.Err(); err != nil {
		return err
	}
	rows, total, err := b.DeadLetters(c.Request().Context(), f, page.Order(deadColumns()[page.Sort], "id"), page.Start, page.Count)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, rows))
}

// retry answers how many activities are tried again.
func (b *Inbox) retry(c echo.Context) error {
	var body struct {
		ID       int64  `json:"id"`
		Host     string `json:"host"`
		Activity string `json:"activity"`
		Object   string `json:"object"`
		All      bool   `json:"all"`
	}
	if err := c.Bind(&body); err != nil {
		return rest.BadRequest("The body should be JSON with id, host, activity, object or all")
	}
	f := Filter{Host: strings.ToLower(body.Host), Activity: body.Activity, Object: body.Object}
	if body.ID != 0 {
		f.IDs = []int64{body.ID}
	}
	var check rest.Checker
	f.check(&check, "body")
	if err := check.Err(); err != nil {
		return err
	}
	if f.empty() && !body.All {
		return rest.Invalid("body", "host", "Should narrow what is tried again: id, host, activity or object; or all", nil)
	}
	n, err := b.Retry(c.Request().Context(), f)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int64{"retried": n})
}

package delivery

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers what administrators see and mend of deliveries.
func (o *Outbox) Routes(r *rest.Router) {
	r.API.GET("/server/federation/hosts", rest.Admin, o.listHosts)
	r.API.GET("/server/federation/deliveries", rest.Admin, o.listDeliveries)
	r.API.POST("/server/federation/deliveries/resend", rest.Admin, o.resend)
	r.API.GET("/server/federation/deadletters", rest.Admin, o.listDead)
}

func hostColumns() map[string]string {
	return map[string]string{"host": "host", "failures": "failures", "downSince": "down_since", "lastSuccess": "last_success_at", "lastFailure": "last_failure_at"}
}

func deliveryColumns() map[string]string {
	return map[string]string{"id": "d.id", "createdAt": "d.created_at", "triedAt": "d.tried_at", "attempts": "d.attempts", "host": "d.host"}
}

// maxText bounds a filter.
const maxText = 2000

func (o *Outbox) listHosts(c echo.Context) error {
	page, err := rest.ParsePage(c, "host", "host", "failures", "downSince", "lastSuccess", "lastFailure")
	if err != nil {
		return err
	}
	f := HostFilter{Host: strings.ToLower(c.QueryParam("host")), Class: c.QueryParam("class")}
	var check rest.Checker
	if f.Class != "" && !slices.Contains(Classes(), f.Class) {
		check.Refuse("query", "class", "Should be "+strings.Join(Classes(), ", "), f.Class)
	}
	if len(f.Host) > maxText {
		check.Refuse("query", "host", "Should be a part of a host", nil)
	}
	if err := check.Err(); err != nil {
		return err
	}
	rows, total, err := o.Hosts(c.Request().Context(), f, page.Order(hostColumns()[page.Sort], "host"), page.Start, page.Count)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, rows))
}

func (o *Outbox) listDeliveries(c echo.Context) error { return o.list(c, "") }

// listDead lists what was given up.
func (o *Outbox) listDead(c echo.Context) error { return o.list(c, Failed) }

func (o *Outbox) list(c echo.Context, state string) error {
	page, err := rest.ParsePage(c, "-id", "id", "createdAt", "triedAt", "attempts", "host")
	if err != nil {
		return err
	}
	f := Filter{Host: strings.ToLower(c.QueryParam("host")), State: c.QueryParam("state"), Activity: c.QueryParam("activity"), Object: c.QueryParam("object")}
	var check rest.Checker
	if v := c.QueryParam("id"); v != "" {
		if f.ID, err = strconv.ParseInt(v, 10, 64); err != nil || f.ID < 1 {
			check.Refuse("query", "id", "Should be the id of a delivery", v)
		}
	}
	f.check(&check, "query")
	if state != "" {
		f.State = state
	}
	if err := check.Err(); err != nil {
		return err
	}
	rows, total, err := o.Deliveries(c.Request().Context(), f, page.Order(deliveryColumns()[page.Sort], "d.id"), page.Start, page.Count)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, rows))
}

func (f Filter) check(check *rest.Checker, where string) {
	if f.State != "" && !slices.Contains(States(), f.State) {
		check.Refuse(where, "state", "Should be "+strings.Join(States(), ", "), f.State)
	}
	for name, v := range map[string]string{"host": f.Host, "activity": f.Activity, "object": f.Object} {
		if len(v) > maxText {
			check.Refuse(where, name, "Should be shorter", nil)
		}
	}
}

// resend answers how many deliveries are made again.
func (o *Outbox) resend(c echo.Context) error {
	var f Filter
	if err := c.Bind(&f); err != nil {
		return rest.BadRequest("The body should be JSON with id, host, state, activity or object")
	}
	f.Host = strings.ToLower(f.Host)
	var check rest.Checker
	f.check(&check, "body")
	if f.State == Delivered || f.State == Superseded {
		check.Refuse("body", "state", "Should be failed or pending", f.State)
	}
	if err := check.Err(); err != nil {
		return err
	}
	if f.empty() {
		return rest.Invalid("body", "host", "Should narrow what is sent again: id, host, state, activity or object", nil)
	}
	n, err := o.Resend(c.Request().Context(), f)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int64{"resent": n})
}

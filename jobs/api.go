package jobs

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// apiStates are the states that clients ask for. The last two never hold
// anything here; paused are those that wait while jobs are paused.
func apiStates() []string {
	return []string{"active", "completed", "failed", "waiting", "delayed", "paused", "waiting-children", "prioritized"}
}

// Routes registers what administrators see of jobs and may do with them.
func (r *Runner) Routes(rt *rest.Router) {
	rt.API.GET("/jobs", rest.Admin, r.list)
	rt.API.GET("/jobs/:state", rest.Admin, r.list)
	rt.API.POST("/jobs/pause", rest.Admin, r.pause)
	rt.API.POST("/jobs/resume", rest.Admin, r.resume)
	rt.API.POST("/jobs/:type/:id/cancel", rest.Admin, r.cancel)
}

func (r *Runner) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt")
	if err != nil {
		return err
	}
	ctx, state := c.Request().Context(), c.Param("state")
	if state != "" && !slices.Contains(apiStates(), state) {
		return rest.Invalid("params", "state", "Should be one of the job states", state)
	}
	f := Filter{State: state, Type: c.QueryParam("jobType")}
	data, total, err := r.handlers.find(ctx, r.db, f, r.Paused(ctx), page.Order("created_at", "id"), page.Start, page.Count)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

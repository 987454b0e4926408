package jobs

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// apiJob is the job of PeerTube's API.
type apiJob struct {
	ID          int64           `json:"id"`
	State       string          `json:"state"`
	Type        string          `json:"type"`
	Data        json.RawMessage `json:"data"`
	Priority    int             `json:"priority"`
	Progress    int             `json:"progress"`
	Error       any             `json:"error"`
	Attempts    int             `json:"attempts"`
	CanCancel   bool            `json:"canCancel"`
	CreatedAt   time.Time       `json:"createdAt"`
	FinishedOn  *time.Time      `json:"finishedOn"`
	ProcessedOn *time.Time      `json:"processedOn"`
}

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
	q := r.db.Read(c.Request().Context()).Model(&Job{})
	now := db.Now()
	paused := r.Paused(c.Request().Context())
	state := c.Param("state")
	if state != "" && !slices.Contains(apiStates(), state) {
		return rest.Invalid("params", "state", "Should be one of the job states", state)
	}
	switch {
	case state == "waiting" && paused:
		state = "none"
	case state == "paused" && paused:
		state = "waiting"
	}
	switch state {
	case "":
	case "active":
		q = q.Where("state = ?", Active)
	case "completed":
		q = q.Where("state = ?", Finished)
	case "failed":
		q = q.Where("state = ?", Dead)
	case "waiting":
		q = q.Where("state = ? AND run_at <= ?", Waiting, now)
	case "delayed":
		q = q.Where("state = ? AND run_at > ?", Waiting, now)
	default:
		return c.JSON(http.StatusOK, rest.NewList[apiJob](0, nil))
	}
	if t := c.QueryParam("jobType"); t != "" {
		kinds := []string{t}
		for _, h := range r.handlers {
			if h.Label == t {
				kinds = append(kinds, h.Kind)
			}
		}
		q = q.Where("kind IN ?", kinds)
	}
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return err
	}
	var rows []Job
	if err := q.Order(page.Order("created_at", "id")).Offset(page.Start).Limit(page.Count).Find(&rows).Error; err != nil {
		return err
	}
	data := make([]apiJob, len(rows))
	for i, j := range rows {
		data[i] = r.toAPI(j, now, paused)
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

func (r *Runner) toAPI(j Job, now time.Time, paused bool) apiJob {
	a := apiJob{
		ID: j.ID, Type: j.Kind, Data: json.RawMessage(j.Args), Priority: 1, Progress: j.Progress, Attempts: j.Attempts,
		CreatedAt: j.CreatedAt.UTC(), FinishedOn: j.FinishedAt, ProcessedOn: j.StartedAt,
	}
	if h, ok := r.handlers[j.Kind]; ok {
		a.Type = h.Label
		a.CanCancel = j.State == Active && h.cancellable()
	}
	if j.LastError != "" {
		a.Error = map[string]string{"message": j.LastError}
	}
	switch {
	case j.State == Active:
		a.State = "active"
	case j.State == Finished:
		a.State = "completed"
	case j.State == Dead:
		a.State = "failed"
	case j.RunAt.After(now):
		a.State = "delayed"
	case paused:
		a.State = "paused"
	default:
		a.State = "waiting"
	}
	return a
}

package stats

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers the endpoints, which are for owners and moderators.
func (s *Service) Routes(r *rest.Router) {
	const path = "/videos/:id/stats/"
	r.API.GET(path+"overall", rest.Owner, s.own(s.overall))
	r.API.GET(path+"retention", rest.Owner, s.own(s.retention))
	r.API.GET(path+"timeseries/:metric", rest.Owner, s.own(s.series))
	r.API.GET(path+"user-agent", rest.Owner, s.own(s.agents))
}

// longest bounds a range, and so the points of a series.
const longest = 100 * 365 * 24 * time.Hour

// own finds the video and reads the range of the request.
func (s *Service) own(do func(echo.Context, *catalog.Video, Range) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		v, err := s.catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
		if err != nil {
			return err
		}
		var check rest.Checker
		r := Range{queryTime(c, &check, "startDate"), queryTime(c, &check, "endDate")}
		if !r.From.IsZero() && !r.To.IsZero() && r.To.Before(r.From) {
			check.Refuse("query", "endDate", "Should not be before startDate", c.QueryParam("endDate"))
		}
		if !r.From.IsZero() && r.From.Before(s.now().Add(-longest)) || r.To.After(s.now().Add(longest)) {
			check.Refuse("query", "startDate", "Should be within a hundred years", c.QueryParam("startDate"))
		}
		if err := check.Err(); err != nil {
			return err
		}
		return do(c, v, r)
	}
}

func queryTime(c echo.Context, check *rest.Checker, name string) time.Time {
	s := c.QueryParam(name)
	if s == "" {
		return time.Time{}
	}
	t, err := catalog.ParseTime(s)
	if err != nil {
		check.Refuse("query", name, "Should be a date and time, as 2026-01-31T12:00:00.000Z", s)
	}
	return t
}

type apiCountry struct {
	ISOCode string `json:"isoCode"`
	Viewers int64  `json:"viewers"`
}

type apiShare struct {
	Name    string `json:"name"`
	Viewers int64  `json:"viewers"`
}

func shares(list []Share) []apiShare {
	out := make([]apiShare, len(list))
	for i, s := range list {
		out[i] = apiShare(s)
	}
	return out
}

// apiOverall is an audience (OpenAPI VideoStatsOverall).
type apiOverall struct {
	Total        int64         `json:"totalWatchTime"`
	Average      float64       `json:"averageWatchTime"`
	Viewers      int64         `json:"totalViewers"`
	Peak         int64         `json:"viewersPeak"`
	PeakAt       *channel.Time `json:"viewersPeakDate"`
	Countries    []apiCountry  `json:"countries"`
	Subdivisions []apiShare    `json:"subdivisions"`
}

func (s *Service) overall(c echo.Context, v *catalog.Video, r Range) error {
	o, err := s.Overall(c.Request().Context(), v, r)
	if err != nil {
		return err
	}
	a := apiOverall{
		Total: o.WatchTime, Average: o.Average, Viewers: o.Viewers, Peak: o.Peak, PeakAt: channel.TimePtr(o.PeakAt),
		Countries: make([]apiCountry, len(o.Countries)), Subdivisions: shares(o.Regions),
	}
	for i, s := range o.Countries {
		a.Countries[i] = apiCountry{s.Name, s.Viewers}
	}
	return c.JSON(http.StatusOK, a)
}

type apiSecond struct {
	Second  int     `json:"second"`
	Percent float64 `json:"retentionPercent"`
}

func (s *Service) retention(c echo.Context, v *catalog.Video, _ Range) error {
	if v.IsLive {
		return rest.BadRequest("Cannot get retention stats of live video")
	}
	curve, err := s.Retention(c.Request().Context(), v)
	if err != nil {
		return err
	}
	var a struct {
		Data []apiSecond `json:"data"`
	}
	a.Data = make([]apiSecond, len(curve))
	for i, p := range curve {
		a.Data[i] = apiSecond{i, p}
	}
	return c.JSON(http.StatusOK, a)
}

type apiPoint struct {
	Date  channel.Time `json:"date"`
	Value int64        `json:"value"`
}

func (s *Service) series(c echo.Context, v *catalog.Video, r Range) error {
	metric := c.Param("metric")
	if metric != Viewers && metric != WatchTime {
		return rest.Invalid("params", "metric", "Should be viewers or aggregateWatchTime", metric)
	}
	if r.From.IsZero() != r.To.IsZero() {
		return rest.BadRequest("Both start date and end date should be defined if one of them is specified")
	}
	label, points, err := s.Series(c.Request().Context(), v, metric, r)
	if err != nil {
		return err
	}
	var a struct {
		Interval string     `json:"groupInterval"`
		Data     []apiPoint `json:"data"`
	}
	a.Interval, a.Data = label, make([]apiPoint, len(points))
	for i, p := range points {
		a.Data[i] = apiPoint{channel.Time(p.At), p.Value}
	}
	return c.JSON(http.StatusOK, a)
}

func (s *Service) agents(c echo.Context, v *catalog.Video, r Range) error {
	found, err := s.Agents(c.Request().Context(), v, r)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string][]apiShare{
		"clients": shares(found.Clients), "devices": shares(found.Devices), "operatingSystem": shares(found.Systems),
		"operatingSystems": shares(found.Systems), // PeerTube's document has the one name, its clients read the other
	})
}

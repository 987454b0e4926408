package report

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Filter narrows a list of reports; zero fields do not.
type Filter struct {
	rest.Page
	ID         int64
	State      State
	Type       string // video, comment, account
	Predefined string
	Search     string // in names of videos, reporters and the reported, and in reasons
	Reporter   string
	Reportee   string
	Video      string
	Channel    string
	VideoIs    string // deleted, blacklisted
	ReporterID int64  // actors

	Viewer *rest.Principal // a moderator, who does not want to hear of some
}

// List is a page of reports, and how many there are.
func (s *Service) List(ctx context.Context, f Filter) ([]*Report, int64, error) {
	q := s.query(ctx, f)
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count reports: %w", err)
	}
	column := map[string]string{"id": "abuses.id", "state": "abuses.state", "createdAt": "abuses.created_at"}[f.Sort]
	var out []*Report
	err := s.query(ctx, f).Order(f.Order(column, "abuses.id")).Offset(f.Start).Limit(f.Count).Find(&out).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list reports: %w", err)
	}
	return out, total, nil
}

const actorLike = `(lower(username) LIKE ? ESCAPE '\' OR lower(name) LIKE ? ESCAPE '\' OR host LIKE ? ESCAPE '\')`

func (s *Service) query(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx).Model(&Report{})
	like := func(text string) string { return "%" + db.Like(strings.ToLower(text)) + "%" }
	by := func(column, text string) {
		if text != "" {
			p := like(text)
			q = q.Where(column+" IN (SELECT id FROM actors WHERE "+actorLike+")", p, p, p)
		}
	}
	if f.Viewer != nil {
		if hidden, args, some := s.o.Mutes.Hidden(ctx, f.Viewer); some {
			q = q.Where("(reporter_id IS NULL OR reporter_id NOT IN ("+hidden+"))", args...)
		}
	}
	if f.ID != 0 {
		q = q.Where("abuses.id = ?", f.ID)
	}
	if f.State != 0 {
		q = q.Where("state = ?", f.State)
	}
	if f.Type != "" {
		q = q.Where("type = ?", f.Type)
	}
	if f.ReporterID != 0 {
		q = q.Where("reporter_id = ?", f.ReporterID)
	}
	if n, ok := reasonNumber(f.Predefined); ok { // the numbers have one digit
		q = q.Where("predefined LIKE ?", "%"+strconv.Itoa(n)+"%")
	}
	if f.Search != "" {
		p := like(f.Search)
		q = q.Where(`(lower(video_name) LIKE ? ESCAPE '\' OR lower(reason) LIKE ? ESCAPE '\'
			OR reporter_id IN (SELECT id FROM actors WHERE `+actorLike+`) OR flagged_id IN (SELECT id FROM actors WHERE `+actorLike+`))`,
			p, p, p, p, p, p, p, p)
	}
	by("reporter_id", f.Reporter)
	by("flagged_id", f.Reportee)
	if f.Video != "" {
		q = q.Where(`lower(video_name) LIKE ? ESCAPE '\'`, like(f.Video))
	}
	if f.Channel != "" {
		p := like(f.Channel)
		q = q.Where(`video_id IN (SELECT v.id FROM videos v JOIN channels ch ON ch.id = v.channel_id
			WHERE ch.actor_id IN (SELECT id FROM actors WHERE `+actorLike+`))`, p, p, p)
	}
	switch f.VideoIs {
	case "deleted":
		q = q.Where("video_id IS NOT NULL AND video_id NOT IN (SELECT id FROM videos)")
	case "blacklisted":
		q = q.Where("video_id IN (SELECT id FROM videos WHERE blocked)")
	}
	return q
}

// filter reads the query of a list.
func filter(c echo.Context) (Filter, error) {
	page, err := rest.ParsePage(c, "-createdAt", "id", "createdAt", "state")
	if err != nil {
		return Filter{}, err
	}
	f := Filter{
		Page: page, Search: c.QueryParam("search"), Reporter: c.QueryParam("searchReporter"), Reportee: c.QueryParam("searchReportee"),
		Video: c.QueryParam("searchVideo"), Channel: c.QueryParam("searchVideoChannel"),
		Type: c.QueryParam("filter"), Predefined: c.QueryParam("predefinedReason"), VideoIs: c.QueryParam("videoIs"),
	}
	var check rest.Checker
	number := func(name string, most int64) int64 {
		text := c.QueryParam(name)
		if text == "" {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 || n > most {
			check.Refuse("query", name, "Should be a number in range", text)
		}
		return n
	}
	one := func(name, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			check.Refuse("query", name, "Should be one of "+strings.Join(allowed, ", "), value)
		}
	}
	f.ID, f.State = number("id", 1<<53), State(number("state", int64(Accepted)))
	one("filter", f.Type, Video, Comment, Account)
	one("predefinedReason", f.Predefined, reasons...)
	one("videoIs", f.VideoIs, "deleted", "blacklisted")
	return f, check.Err()
}

func (s *Service) getAll(c echo.Context) error  { return s.list(c, true) }
func (s *Service) getMine(c echo.Context) error { return s.list(c, false) }

func (s *Service) list(c echo.Context, all bool) error {
	f, err := filter(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if f.Viewer = rest.Current(ctx); !all {
		f = Filter{Page: f.Page, ID: f.ID, State: f.State, Search: f.Search, ReporterID: rest.Current(ctx).ActorID}
	}
	rows, total, err := s.List(ctx, f)
	if err != nil {
		return err
	}
	out, err := s.toAPI(ctx, rows, all)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

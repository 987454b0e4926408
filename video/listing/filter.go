package listing

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxValues bounds an array parameter.
const maxValues = 50

// include bits of a list, for moderators.
const includeNotPublished = 1

// parseFilter reads the query of a list of videos.
func (s *Service) parseFilter(c echo.Context, defaultSort string) (Filter, error) {
	page, err := rest.ParsePage(c, defaultSort, Sorts()...)
	if err != nil {
		return Filter{}, err
	}
	var check rest.Checker
	q := params{c, &check}
	f := Filter{
		Page: page, Search: c.QueryParam("search"), Host: c.QueryParam("host"),
		Local: rest.QueryBool(c, &check, "isLocal"), Live: rest.QueryBool(c, &check, "isLive"),
		HasHLS: rest.QueryBool(c, &check, "hasHLSFiles"), HasWeb: rest.QueryBool(c, &check, "hasWebVideoFiles"),
		Categories: q.numbers("categoryOneOf"), Licences: q.numbers("licenceOneOf"), Languages: q.strings("languageOneOf"),
		TagsOneOf: q.strings("tagsOneOf"), TagsAllOf: q.strings("tagsAllOf"), UUIDs: q.uuids("uuids"),
		DurationMin: q.number("durationMin"), DurationMax: q.number("durationMax"),
		Since: q.time("startDate"), Until: q.time("endDate"),
		FirstSince: q.time("originallyPublishedStartDate"), FirstUntil: q.time("originallyPublishedEndDate"),
	}
	if skip := rest.QueryBool(c, &check, "skipCount"); skip != nil {
		f.SkipCount = *skip
	}
	switch nsfw := c.QueryParam("nsfw"); nsfw {
	case "":
		if s.hideNSFW() {
			f.NSFW = new(bool)
		}
	case "both":
	default:
		f.NSFW = rest.QueryBool(c, &check, "nsfw")
	}
	if err := q.privileged(&f); err != nil {
		return Filter{}, err
	}
	return f, check.Err()
}

type params struct {
	c     echo.Context
	check *rest.Checker
}

// privileged reads what only moderators may ask for.
func (q params) privileged(f *Filter) error {
	privacies, states := q.numbers("privacyOneOf"), q.numbers("stateOneOf")
	include := 0
	if n := q.number("include"); n != nil {
		include = *n
	}
	if include == 0 && len(privacies) == 0 && len(states) == 0 {
		return nil
	}
	if slices.Equal(privacies, []int{int(catalog.Public)}) && include == 0 && len(states) == 0 {
		return nil // what everyone gets
	}
	if p := rest.Current(q.c.Request().Context()); !p.IsModerator() {
		return &rest.Problem{Status: http.StatusUnauthorized, Detail: "You are not allowed to see all videos"}
	}
	f.All, f.Privacies, f.States = true, privacies, states
	if len(privacies) == 0 {
		f.Privacies = []int{int(catalog.Public)}
	}
	if len(states) == 0 && include&includeNotPublished == 0 {
		f.States = []int{int(catalog.Published)}
	}
	return nil
}

func (q params) strings(name string) []string {
	v := rest.QueryValues(q.c, name)
	if len(v) > maxValues {
		q.check.Refuse("query", name, "Has too many values", len(v))
		return nil
	}
	return slices.DeleteFunc(v, func(s string) bool { return s == "" })
}

func (q params) numbers(name string) []int {
	var out []int
	for _, s := range q.strings(name) {
		n, err := strconv.Atoi(s)
		if err != nil {
			q.check.Refuse("query", name, "Should be numbers", s)
			return nil
		}
		out = append(out, n)
	}
	return out
}

func (q params) number(name string) *int {
	s := q.c.QueryParam(name)
	if s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		q.check.Refuse("query", name, "Should be a number", s)
		return nil
	}
	return &n
}

func (q params) uuids(name string) []string {
	var out []string
	for _, s := range q.strings(name) {
		u, err := uuid.Parse(s)
		if err != nil {
			q.check.Refuse("query", name, "Should be UUIDs", s)
			return nil
		}
		out = append(out, u.String())
	}
	return out
}

func (q params) time(name string) *time.Time {
	s := q.c.QueryParam(name)
	if s == "" {
		return nil
	}
	t, err := catalog.ParseTime(s)
	if err != nil {
		q.check.Refuse("query", name, "Should be a date and time", s)
		return nil
	}
	return &t
}

package listing

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxValues bounds an array parameter.
const maxValues = 50

// What a list holds and tells besides, for moderators: a sum of these.
const (
	IncludeNotPublished  = 1
	IncludeBlocked       = 2
	IncludeBlockedOwner  = 4
	IncludeFiles         = 8
	IncludeCaptions      = 16
	IncludeSource        = 32
	IncludeAutomaticTags = 64
	IncludeTags          = 128

	includeAll = 2*IncludeTags - 1
)

// nsfwFlags is the sum of all flags of sensitive videos.
const nsfwFlags = 3

// parseFilter reads the query of a list of videos.
func (s *Service) parseFilter(c echo.Context, defaultSort string, sorts ...string) (Filter, error) {
	if len(sorts) == 0 {
		sorts = Sorts()
	}
	page, err := rest.ParsePage(c, defaultSort, sorts...)
	if err != nil {
		return Filter{}, err
	}
	var check rest.Checker
	q := params{c, &check}
	f := Filter{
		Page: page, Viewer: rest.Current(c.Request().Context()), Search: q.text("search"), Host: q.text("host"),
		Local: rest.QueryBool(c, &check, "isLocal"), Live: rest.QueryBool(c, &check, "isLive"),
		HasHLS: rest.QueryBool(c, &check, "hasHLSFiles"), HasWeb: rest.QueryBool(c, &check, "hasWebVideoFiles"),
		Categories: q.numbers("categoryOneOf"), Licences: q.numbers("licenceOneOf"), Languages: q.strings("languageOneOf"),
		TagsOneOf: q.strings("tagsOneOf"), TagsAllOf: q.strings("tagsAllOf"), AutoTags: q.strings("autoTagOneOf"),
		ChannelNames: q.strings("channelNameOneOf"),
		NSFWWith:     q.bits("nsfwFlagsIncluded", nsfwFlags), NSFWWithout: q.bits("nsfwFlagsExcluded", nsfwFlags), UUIDs: q.uuids("uuids"),
		DurationMin: q.number("durationMin"), DurationMax: q.number("durationMax"),
		Since: q.time("startDate"), Until: q.time("endDate"),
		FirstSince: q.time("originallyPublishedStartDate"), FirstUntil: q.time("originallyPublishedEndDate"),
	}
	rest.QueryBool(c, &check, "includeScheduledLive") // a live is listed when it runs
	if watched := rest.QueryBool(c, &check, "excludeAlreadyWatched"); watched != nil && *watched {
		if f.NotWatched = true; f.Viewer == nil {
			check.Refuse("query", "excludeAlreadyWatched", "Cannot be used without a token", true)
		}
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
	privacies, states, include := q.numbers("privacyOneOf"), q.numbers("stateOneOf"), q.bits("include", includeAll)
	if err := check.Err(); err != nil {
		return Filter{}, err
	}
	err = f.privileged(privacies, states, include)
	return f, err
}

type params struct {
	c     echo.Context
	check *rest.Checker
}

// privileged applies what only moderators may ask for.
func (f *Filter) privileged(privacies, states []int, include int) error {
	public := len(privacies) == 0 || slices.Equal(privacies, []int{int(catalog.Public)})
	if include == 0 && public && len(states) == 0 && len(f.AutoTags) == 0 {
		f.Privacies = privacies
		return nil // what everyone gets
	}
	f.Privacies, f.States, f.Include = privacies, states, include
	if !f.Viewer.IsModerator() {
		return errPrivileged
	}
	f.All, f.Moderated = true, true
	if len(privacies) == 0 {
		f.Privacies = []int{int(catalog.Public), int(catalog.Internal)}
	}
	if len(states) == 0 && include&IncludeNotPublished == 0 {
		f.States = []int{int(catalog.Published)}
	}
	return nil
}

// errPrivileged is what others get who ask for more than is listed.
var errPrivileged = &rest.Problem{Status: http.StatusUnauthorized, Detail: "You are not allowed to see all videos"}

func (q params) strings(name string) []string {
	v := rest.QueryValues(q.c, name)
	if len(v) > maxValues {
		q.check.Refuse("query", name, fmt.Sprintf("Should be at most %d values", maxValues), len(v))
		return nil
	}
	for _, s := range v {
		if !plain(s) {
			q.check.Refuse("query", name, fmt.Sprintf("Should be texts of at most %d bytes", maxText), nil)
			return nil
		}
	}
	return slices.DeleteFunc(v, func(s string) bool { return s == "" })
}

// maxText bounds a text that is looked for.
const maxText = 1000

func (q params) text(name string) string {
	s := q.c.QueryParam(name)
	if !plain(s) {
		q.check.Refuse("query", name, fmt.Sprintf("Should be text of at most %d bytes", maxText), nil)
		return ""
	}
	return s
}

// plain tells whether a database takes a text.
func plain(s string) bool {
	return len(s) <= maxText && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// bits reads a sum of flags, 0 when absent.
func (q params) bits(name string, all int) int {
	n := q.number(name)
	if n == nil {
		return 0
	}
	if *n > all {
		q.check.Refuse("query", name, fmt.Sprintf("Should be a sum of flags, at most %d", all), *n)
		return 0
	}
	return *n
}

func (q params) numbers(name string) []int {
	var out []int
	for _, s := range q.strings(name) {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			q.check.Refuse("query", name, "Should be numbers", s)
			return nil
		}
		out = append(out, int(n))
	}
	return out
}

func (q params) number(name string) *int {
	s := q.c.QueryParam(name)
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		q.check.Refuse("query", name, "Should be a number", s)
		return nil
	}
	out := int(n)
	return &out
}

func (q params) uuids(name string) []string { return QueryUUIDs(q.c, q.check, name) }

// QueryUUIDs reads a list of UUIDs, in full or short.
func QueryUUIDs(c echo.Context, check *rest.Checker, name string) []string {
	var out []string
	for _, s := range (params{c, check}).strings(name) {
		ref, ok := catalog.ParseRef(s)
		if !ok || ref.UUID == "" {
			check.Refuse("query", name, "Should be UUIDs", s)
			return nil
		}
		out = append(out, ref.UUID)
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

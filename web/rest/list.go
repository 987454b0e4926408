package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// List is the shape of every list answer.
type List[T any] struct {
	Total int64 `json:"total"`
	Data  []T   `json:"data"`
}

// NewList returns a list whose data is never null in JSON.
func NewList[T any](total int64, data []T) List[T] {
	if data == nil {
		data = []T{}
	}
	return List[T]{Total: total, Data: data}
}

// Page is which part of a list is asked for, and in which order.
type Page struct {
	Start, Count int
	Sort         string // one of the allowed fields
	Desc         bool
}

// MaxCount is the longest page that a list answers with.
const MaxCount = 100

// maxStart keeps OFFSET within what a database answers in good time.
const maxStart = 1_000_000

// ParsePage reads start, count and sort. allowed lists the sort fields and
// defaultSort, such as "-createdAt", applies when none is given. Anything else
// is a 400 that names what is allowed.
func ParsePage(c echo.Context, defaultSort string, allowed ...string) (Page, error) {
	var check Checker
	p := Page{
		Start: intParam(c, &check, "start", 0, 0, maxStart),
		Count: intParam(c, &check, "count", 15, 0, MaxCount),
	}
	p.Sort = c.QueryParam("sort")
	if p.Sort == "" {
		p.Sort = defaultSort
	}
	given := p.Sort
	p.Sort, p.Desc = strings.CutPrefix(p.Sort, "-")
	if !slices.Contains(allowed, p.Sort) {
		check.Refuse("query", "sort", "Should be one of "+strings.Join(allowed, ", ")+", with - before it for descending", given)
	}
	return p, check.Err()
}

// Order is the SQL order of the page: column must be a trusted name; ties are
// broken by id in the same direction.
func (p Page) Order(column, id string) string {
	dir := " ASC"
	if p.Desc {
		dir = " DESC"
	}
	if column == id {
		return id + dir
	}
	return column + dir + ", " + id + dir
}

func intParam(c echo.Context, check *Checker, name string, def, low, high int) int {
	s := c.QueryParam(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		check.Refuse("query", name, fmt.Sprintf("Should be a number from %d to %d", low, high), s)
		return def
	}
	return n
}

// QueryValues reads an array parameter in all the forms clients use: repeated,
// repeated with [], or a single value.
func QueryValues(c echo.Context, name string) []string {
	q := c.QueryParams()
	return append(append([]string(nil), q[name]...), q[name+"[]"]...)
}

// QuerySearchTarget refuses a searchTarget that PeerTube does not know. Both that it
// knows search here.
func QuerySearchTarget(c echo.Context, check *Checker) {
	switch s := c.QueryParam("searchTarget"); s {
	case "", "local", "search-index":
	default:
		check.Refuse("query", "searchTarget", "Should be local or search-index", s)
	}
}

// QueryBool reads an optional boolean: nil when absent, else a pointer; any
// value but true and false is noted in check.
func QueryBool(c echo.Context, check *Checker, name string) *bool {
	switch s := c.QueryParam(name); s {
	case "":
		return nil
	case "true", "1":
		v := true
		return &v
	case "false", "0":
		v := false
		return &v
	default:
		check.Refuse("query", name, "Should be true or false", s)
		return nil
	}
}

// ParamID reads a numeric path parameter; anything else is a 404 with detail,
// as an unknown id would be.
func ParamID(c echo.Context, name, detail string) (int64, error) {
	n, err := strconv.ParseInt(c.Param(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, NotFound(detail)
	}
	return n, nil
}

// NoContent is 204, the answer of most writes.
func NoContent(c echo.Context) error { return c.NoContent(http.StatusNoContent) }

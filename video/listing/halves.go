package listing

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// What moderators list is partly listed for everybody and partly not, and users
// are shown internal videos, too. No index holds both in an order, so each half is
// read from indexes of its own, and the two are merged. These are the words of the
// schema.
const (
	listedHalf   = "v.privacy = 1 AND v.state = 1 AND v.listed = TRUE"
	unlistedHalf = "(v.privacy <> 1 OR v.state <> 1 OR v.listed = FALSE)" // videos_unlisted
	internalHalf = "v.privacy <> 1 AND v.privacy = 4"                     // videos_privacy
)

// shownToUsers is what those who are signed in see in lists.
const shownToUsers = "v.privacy IN (1, 4) AND v.state = 1 AND v.listed = TRUE"

// So it is with the size of files here, which videos of other servers do not have.
const (
	sizedHalf   = "v.files_size IS NOT NULL"          // videos_files_size
	unsizedHalf = "v.id > 0 AND v.files_size IS NULL" // the primary key
)

// inHalves tells whether a list is better read in a listed and an unlisted half: it
// holds some of each, and no condition has an index of its own.
func (f *Filter) inHalves() bool {
	some := func(values []int, value int) bool { return len(values) == 0 || slices.Contains(values, value) }
	both := f.Moderated && some(f.Privacies, int(catalog.Public)) && some(f.States, int(catalog.Published))
	return (both || f.internal()) && !f.indexed()
}

// internal tells whether a list holds internal videos besides what is listed for
// everybody.
func (f *Filter) internal() bool {
	return !f.All && f.Viewer != nil && (len(f.Privacies) == 0 || slices.Contains(f.Privacies, int(catalog.Internal)))
}

// indexed tells whether a condition has an index of its own.
func (f *Filter) indexed() bool {
	return f.ChannelID != 0 || f.AccountID != 0 || f.FollowedBy != 0 || f.Host != "" ||
		len(f.ChannelNames)+len(f.words)+len(f.TagsOneOf)+len(f.TagsAllOf)+len(f.UUIDs)+len(f.AutoTags) > 0
}

// half is a part of a list that an index has in its order.
type half struct {
	*query
	column, order string
}

// halves are the parts that q is read in, nil if it is read as a whole.
func (f *Filter) halves(q *query) []half {
	switch {
	case f.Page.Sort == bySize && !f.indexed() && (!f.All || f.inHalves()):
		sized, unsized := &query{}, &query{}
		sized.and(sizedHalf)
		unsized.and(unsizedHalf)
		for _, h := range []*query{sized, unsized} {
			h.all(q)
			h.all(q.private)
		}
		both := []half{
			{sized, "v.files_size", f.Page.Order("v.files_size", "v.id")},
			{unsized, "0", f.Page.Order("v.id", "v.id")},
		}
		switch {
		case f.Local == nil:
			return both
		case *f.Local:
			return both[:1]
		}
		return both[1:]
	case f.inHalves():
		listed, unlisted := q.listed()
		order := f.order() // first: it may choose the column
		return []half{{listed, f.column(), order}, {unlisted, f.column(), order}}
	}
	return nil
}

// listed are q for what is listed and for the other half. The first needs nothing
// of a video that its indexes do not hold.
func (q *query) listed() (listed, unlisted *query) {
	listed, unlisted = &query{}, &query{}
	listed.and(listedHalf)
	unlisted.and(q.half)
	unlisted.all(q.private)
	listed.all(q)
	unlisted.all(q)
	return listed, unlisted
}

// idsSQL is the query of the ids of a list in their order, from start on.
func (f *Filter) idsSQL(d db.Dialect, q *query, start, count int) (string, []any) {
	limit := " LIMIT " + strconv.Itoa(count) // a number, so that planners see how little is asked for
	halves := f.halves(q)
	if halves == nil {
		args := q.args
		if start > 0 && d == db.Postgres { // which keeps plans by text
			limit += " OFFSET ?"
			args = append(slices.Clip(args), start)
		} else if start > 0 {
			limit += " OFFSET " + strconv.Itoa(start)
		}
		return "SELECT v.id FROM videos v" + q.sql() + " ORDER BY " + f.order() + limit, args
	}
	var parts []string
	var args []any
	for _, h := range halves {
		parts = append(parts, "SELECT * FROM (SELECT v.id AS id, "+h.column+" AS k FROM videos v"+h.sql()+
			" ORDER BY "+h.order+" LIMIT "+strconv.Itoa(start+count)+") h")
		args = append(args, h.args...)
	}
	return "SELECT u.id FROM (" + strings.Join(parts, " UNION ALL ") + ") u ORDER BY " +
		f.Page.Order("u.k", "u.id") + limit + " OFFSET " + strconv.Itoa(start), args
}

// countSQL is the query of how many videos a list holds.
func (f *Filter) countSQL(q *query) (string, []any) {
	if !f.inHalves() {
		return "SELECT COUNT(*) FROM videos v" + q.sql(), q.args
	}
	listed, unlisted := q.listed()
	count := func(q *query) string { return "(SELECT COUNT(*) FROM videos v" + q.sql() + ")" }
	return "SELECT " + count(listed) + " + " + count(unlisted), slices.Concat(listed.args, unlisted.args)
}

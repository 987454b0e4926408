package listing

import (
	"slices"
	"strconv"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// What moderators list is partly listed for everybody and partly not. No index
// holds both in an order, so each half is read from indexes of its own, and the
// two are merged. These are the words of the schema.
const (
	listedHalf   = "v.privacy = 1 AND v.state = 1 AND v.listed = TRUE"
	unlistedHalf = "(v.privacy <> 1 OR v.state <> 1 OR v.listed = FALSE)" // videos_unlisted
)

// inHalves tells whether a list is better read in halves: it holds some of each,
// and no condition has an index of its own.
func (f *Filter) inHalves() bool {
	some := func(values []int, value int) bool { return len(values) == 0 || slices.Contains(values, value) }
	return f.Moderated && some(f.Privacies, int(catalog.Public)) && some(f.States, int(catalog.Published)) &&
		f.ChannelID == 0 && f.AccountID == 0 && f.Host == "" &&
		len(f.ChannelNames)+len(f.words)+len(f.TagsOneOf)+len(f.TagsAllOf)+len(f.UUIDs)+len(f.AutoTags) == 0
}

// halves are q for what is listed and for what is not. The first needs nothing of
// a video that its indexes do not hold.
func (q *query) halves() (listed, unlisted *query) {
	listed, unlisted = &query{}, &query{}
	listed.and(listedHalf)
	unlisted.and(unlistedHalf)
	if q.private.where.Len() > 0 {
		unlisted.and(q.private.where.String(), q.private.args...)
	}
	if q.where.Len() > 0 {
		listed.and(q.where.String(), q.args...)
		unlisted.and(q.where.String(), q.args...)
	}
	return listed, unlisted
}

// idsSQL is the query of the ids of a list in their order, from start on.
func (f *Filter) idsSQL(d db.Dialect, q *query, start, count int) (string, []any) {
	limit := " LIMIT " + strconv.Itoa(count) // a number, so that planners see how little is asked for
	args := q.args
	if !f.inHalves() {
		if start > 0 && d == db.Postgres { // which keeps plans by text
			limit += " OFFSET ?"
			args = append(slices.Clip(args), start)
		} else if start > 0 {
			limit += " OFFSET " + strconv.Itoa(start)
		}
		return "SELECT v.id FROM videos v" + q.sql() + " ORDER BY " + f.order() + limit, args
	}
	order := f.order() // first: it may choose the column
	half := func(q *query) string {
		return "SELECT * FROM (SELECT v.id AS id, " + f.column() + " AS k FROM videos v" + q.sql() +
			" ORDER BY " + order + " LIMIT " + strconv.Itoa(start+count) + ") h"
	}
	listed, unlisted := q.halves()
	return "SELECT u.id FROM (" + half(listed) + " UNION ALL " + half(unlisted) + ") u ORDER BY " +
		f.Page.Order("u.k", "u.id") + limit + " OFFSET " + strconv.Itoa(start), slices.Concat(listed.args, unlisted.args)
}

// countSQL is the query of how many videos a list holds.
func (f *Filter) countSQL(q *query) (string, []any) {
	if !f.inHalves() {
		return "SELECT COUNT(*) FROM videos v" + q.sql(), q.args
	}
	listed, unlisted := q.halves()
	count := func(q *query) string { return "(SELECT COUNT(*) FROM videos v" + q.sql() + ")" }
	return "SELECT " + count(listed) + " + " + count(unlisted), slices.Concat(listed.args, unlisted.args)
}

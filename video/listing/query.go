package listing

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Filter says which videos a list holds.
type Filter struct {
	Page      rest.Page
	SkipCount bool            // total is not asked for
	Viewer    *rest.Principal // who asks; nil: anonymous

	AccountID    int64 // 0: any
	ChannelID    int64 // 0: any
	FollowedBy   int64 // account that has subscribed to the channels, listed or not; 0: any
	ChannelNames []string
	All          bool  // any privacy, any state: the owner's own list, moderators
	Privacies    []int // of these only; without All there are two: public, and for users internal
	States       []int // with All: of these only
	Moderated    bool  // with All: what is blocked and muted stays out, unless Include says otherwise
	Include      int   // with All: what the answer tells besides, see the Include constants

	Local                    *bool
	Live                     *bool
	Search                   string
	Categories, Licences     []int
	Languages                []string // "_unknown": none
	TagsOneOf, TagsAllOf     []string
	AutoTags                 []string // one of these was given by the server
	NSFW                     *bool    // nil: both
	NSFWWith, NSFWWithout    int      // flags: show nevertheless, hide in any case
	NotWatched               bool     // by Viewer
	Host                     string
	DurationMin, DurationMax *int
	Since, Until             *time.Time // of publication
	FirstSince, FirstUntil   *time.Time // of the original publication
	HasHLS, HasWeb           *bool
	UUIDs                    []string

	words fulltext.Query // of Search
}

// query collects the conditions of a list; every value becomes a parameter
// (SEC-51).
type query struct {
	where   strings.Builder
	args    []any
	half    string // read in halves: what the other one holds than what is listed
	private *query // more conditions, of that half: what is listed fulfils them
	version string // of other tables that the conditions read; what is kept of another one is of no use
}

// sql is the WHERE clause, empty without conditions.
func (q *query) sql() string {
	if q.where.Len() == 0 {
		return ""
	}
	return " WHERE " + q.where.String()
}

func (q *query) and(cond string, args ...any) {
	if q.where.Len() > 0 {
		q.where.WriteString(" AND ")
	}
	q.where.WriteString(cond)
	q.args = append(q.args, args...)
}

// all adds the conditions of another query, nil: none.
func (q *query) all(other *query) {
	if other != nil && other.where.Len() > 0 {
		q.and(other.where.String(), other.args...)
	}
}

// in adds "column IN (…)".
func in[T any](q *query, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	q.and(column+" IN (?"+strings.Repeat(",?", len(values)-1)+")", args...)
}

func (f *Filter) query(d db.Dialect, host string) *query {
	q := &query{}
	switch {
	case f.inHalves() && !f.All:
		q.half, q.private = internalHalf, &query{}
		q.private.and(shownToUsers)
	case f.inHalves():
		q.half, q.private = unlistedHalf, &query{}
		in(q.private, "v.privacy", f.Privacies)
		in(q.private, "v.state", f.States)
	case f.All:
		in(q, "v.privacy", f.Privacies)
		in(q, "v.state", f.States)
		// There are indexes of these.
		if len(f.Privacies) > 0 && !slices.Contains(f.Privacies, int(catalog.Public)) {
			q.and("v.privacy <> 1")
		}
		if len(f.States) > 0 && !slices.Contains(f.States, int(catalog.Published)) {
			q.and("v.state <> 1")
		}
	case f.FollowedBy != 0 && f.internal():
		q.and("v.privacy IN (1, 4) AND v.state = 1 AND v.blocked = FALSE")
	case f.FollowedBy != 0:
		q.and("v.privacy = 1 AND v.state = 1 AND v.blocked = FALSE")
	case f.internal():
		q.and(shownToUsers)
	default:
		// What the indexes of lists hold, in the words of the schema.
		q.and("v.privacy = 1 AND v.state = 1 AND v.listed = TRUE")
	}
	f.followed(q)
	f.owner(q, host)
	switch {
	case f.Local == nil:
	case *f.Local: // no parameter: there is an index of these
		q.and("v.local = TRUE")
	default:
		q.and("v.local = FALSE")
	}
	if f.Live != nil {
		q.and("v.is_live = ?", *f.Live)
	}
	f.sensitive(q)
	in(q, "v.category", f.Categories)
	in(q, "v.licence", f.Licences)
	in(q, "v.uuid", f.UUIDs)
	f.languages(q)
	f.tags(q)
	if len(f.words) > 0 {
		cond, arg := f.words.Condition(d, searchIndex)
		q.and(cond, arg)
	}
	if f.NotWatched && f.Viewer != nil {
		q.and("NOT EXISTS (SELECT 1 FROM watch_history w WHERE w.user_id = ? AND w.video_id = v.id)", f.Viewer.UserID)
	}
	duration := "v.duration"
	if d == db.SQLite && f.Page.Sort != "duration" {
		duration = "+v.duration" // no index of it: too many are in a range, and they would have to be sorted
	}
	if f.DurationMin != nil {
		q.and(duration+" >= ?", *f.DurationMin)
	}
	if f.DurationMax != nil {
		q.and(duration+" <= ?", *f.DurationMax)
	}
	f.times(q)
	f.files(q, f.HasWeb, "IS NULL")
	f.files(q, f.HasHLS, "IS NOT NULL")
	return q
}

// owner narrows a list to channels, accounts and hosts.
func (f *Filter) owner(q *query, host string) {
	if f.ChannelID != 0 {
		q.and("v.channel_id = ?", f.ChannelID)
	}
	if f.AccountID != 0 {
		q.and("v.channel_id IN (SELECT id FROM channels WHERE account_id = ?)", f.AccountID)
	}
	if len(f.ChannelNames) > 0 {
		var sub query
		in(&sub, "lower(a.username)", lower(f.ChannelNames))
		q.and("v.channel_id IN (SELECT c.id FROM channels c JOIN actors a ON a.id = c.actor_id WHERE a.host = '' AND "+sub.where.String()+")", sub.args...)
	}
	if f.Host != "" {
		h := f.Host
		if strings.EqualFold(h, host) {
			h = ""
		}
		q.and(`v.channel_id IN (SELECT c.id FROM channels c JOIN actors a ON a.id = c.actor_id WHERE a.host = ?)`, strings.ToLower(h))
	}
}

// sensitive applies nsfw; its flags overrule it for what carries one of them.
func (f *Filter) sensitive(q *query) {
	if f.NSFW != nil {
		if f.NSFWWith != 0 && !*f.NSFW {
			q.and("(v.nsfw = ? OR (v.nsfw_flags & ?) <> 0)", *f.NSFW, f.NSFWWith)
		} else {
			q.and("v.nsfw = ?", *f.NSFW)
		}
	}
	if f.NSFWWithout != 0 {
		q.and("(v.nsfw_flags & ?) = 0", f.NSFWWithout)
	}
}

// hide leaves out what strangers are not shown of other servers, or, of what a
// user follows, what that user is not shown (SEC-19).
func (q *query) hide(f *Filter) {
	var follower int64
	if f.FollowedBy != 0 {
		follower = channel.Viewer(f.Viewer)
	}
	hidden, args := hostrule.Hidden(follower)
	q.and("v.channel_id NOT IN (SELECT hc.id FROM channels hc WHERE hc.actor_id IN ("+hidden+"))", args...)
}

func (f *Filter) times(q *query) {
	for _, t := range []struct {
		cond string
		at   *time.Time
	}{
		{"v.published_at >= ?", f.Since},
		{"v.published_at <= ?", f.Until},
		{"v.originally_published_at >= ?", f.FirstSince},
		{"v.originally_published_at <= ?", f.FirstUntil},
	} {
		if t.at != nil {
			q.and(t.cond, t.at.UTC())
		}
	}
}

func (f *Filter) files(q *query, has *bool, playlist string) {
	if has == nil {
		return
	}
	not := ""
	if !*has {
		not = "NOT "
	}
	q.and(not + "EXISTS (SELECT 1 FROM video_files f WHERE f.video_id = v.id AND f.playlist_id " + playlist + ")")
}

func (f *Filter) languages(q *query) {
	if len(f.Languages) == 0 {
		return
	}
	var known []string
	none := false
	for _, l := range f.Languages {
		if l == "_unknown" {
			none = true
		} else {
			known = append(known, l)
		}
	}
	var sub query
	in(&sub, "v.language", known)
	if none && sub.where.Len() > 0 {
		sub.where.WriteString(" OR ")
	}
	if none {
		sub.where.WriteString("v.language IS NULL")
	}
	q.and("("+sub.where.String()+")", sub.args...)
}

// searchIndex is where videos are searched: name and tags.
var searchIndex = fulltext.Index{Rows: "videos", Words: "folded", Table: "video_search", ID: "v.id"}

func (f *Filter) tags(q *query) {
	if len(f.TagsOneOf) > 0 {
		var sub query
		in(&sub, "t.folded", folded(f.TagsOneOf))
		q.and("v.id IN (SELECT t.video_id FROM video_tags t WHERE "+sub.where.String()+")", sub.args...)
	}
	for _, t := range folded(f.TagsAllOf) {
		q.and("v.id IN (SELECT t.video_id FROM video_tags t WHERE t.folded = ?)", t)
	}
}

func folded(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = catalog.FoldTag(t)
	}
	return out
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	return out
}

// bind turns ? into what the engine reads.
func bind(d db.Dialect, s string) string {
	if d != db.Postgres {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	n := 0
	for {
		i := strings.IndexByte(s, '?')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		n++
		b.WriteString(s[:i])
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		s = s[i+1:]
	}
}

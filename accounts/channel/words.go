package channel

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/web/rest"
)

// searchIndex is where channels are searched: name and display name.
var searchIndex = fulltext.Index{Rows: "channels", Words: "words", Table: "channel_search", ID: "channels.id"}

// ActorSaved keeps the words by which the channel of a remote actor is found.
func (s *Service) ActorSaved(tx *db.Tx, a *actor.Actor) error {
	if a.Type != actor.Group {
		return nil
	}
	return learn(tx, a.ID, a.Username, a.Name)
}

// learn writes the words of a channel; there need be none for the actor.
func learn(tx *db.Tx, actorID int64, username, name string) error {
	words := fulltext.Words(username, name)
	res := tx.Exec("UPDATE channels SET words = ? WHERE actor_id = ? AND words <> ?", words, actorID, words)
	if res.Error != nil {
		return fmt.Errorf("words of actor %d: %w", actorID, res.Error)
	}
	if res.RowsAffected == 0 {
		return nil
	}
	return fulltext.Learn(tx, words)
}

// relearn is learn with what the actor's row says now.
func relearn(tx *db.Tx, actorID int64) error {
	var a struct{ Username, Name string }
	if err := tx.Raw("SELECT username, name FROM actors WHERE id = ?", actorID).Scan(&a).Error; err != nil {
		return fmt.Errorf("actor %d: %w", actorID, err)
	}
	return learn(tx, actorID, a.Username, a.Name)
}

// Search lists channels of all servers that a text finds, the best first where
// the page is sorted by match; empty parts of the filter do not narrow it. When
// nothing is found, a word may be mistyped by one letter.
func (s *Service) Search(ctx context.Context, f SearchFilter, page rest.Page) ([]*Channel, int64, error) {
	if f.Text == "" {
		return s.matching(ctx, f, nil, page)
	}
	q := fulltext.Parse(f.Text)
	if len(q) == 0 {
		return nil, 0, nil // punctuation
	}
	rows, total, err := s.matching(ctx, f, q, page)
	if err != nil || total > 0 {
		return rows, total, err
	}
	if q, err = q.Near(s.o.DB.Read(ctx)); err != nil || q == nil {
		return nil, 0, err
	}
	return s.matching(ctx, f, q, page)
}

func (s *Service) matching(ctx context.Context, f SearchFilter, words fulltext.Query, page rest.Page) ([]*Channel, int64, error) {
	var l channelList
	l.where, l.args = s.listed(ctx)
	if s.Hidden != nil && f.IDs == nil { // who is named is found
		if hidden, args, some := s.Hidden(ctx, rest.Current(ctx)); some {
			l.and("channels.account_id NOT IN (SELECT id FROM accounts WHERE actor_id IN ("+hidden+"))", args...)
		}
	}
	l.shown, l.shownArgs = l.where, slices.Clip(l.args)
	if len(words) > 0 {
		l.and(words.Condition(s.o.DB.Dialect(), searchIndex))
		if page.Sort == "match" && page.Desc {
			whole := strings.ToLower(strings.TrimSpace(f.Text))
			l.first = "CASE WHEN LOWER(actors.username) = ? OR LOWER(actors.name) = ? THEN 0 ELSE 1 END, actors.followers_count DESC, "
			l.by = []any{whole, whole}
		}
	}
	if f.Host != nil {
		l.and("actors.host = ?", *f.Host)
	}
	if f.IDs != nil {
		in, args := s.o.DB.Dialect().In("channels.id", f.IDs)
		l.and(in, args...)
	}
	return s.list(ctx, page, l)
}

package notify

import (
	"context"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxMentions bounds whom one comment can call (SEC-36).
const maxMentions = 50

// mentions finds who is called in a text.
type mentions struct{ handle, link *regexp.Regexp }

func newMentions(origin string) mentions {
	const name = `([a-zA-Z0-9][a-zA-Z0-9_.-]*)`
	return mentions{
		handle: regexp.MustCompile(`(?i)(?:^|[^\w@/.-])@` + name + `(?:@([a-z0-9.:-]+))?`),
		link:   regexp.MustCompile(`href="` + regexp.QuoteMeta(origin) + `/(?:accounts/|a/|@)` + name + `"`),
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)

// find lists the user names that a comment calls, lower case. Without a host a
// name is one of the server where the comment was written.
func (m mentions) find(text string, local bool, host string) []string {
	var names []string
	add := func(name string) {
		if name = strings.ToLower(strings.TrimRight(name, ".-")); len(names) < maxMentions {
			names = append(names, name)
		}
	}
	for _, found := range m.link.FindAllStringSubmatch(text, maxMentions) {
		add(found[1])
	}
	for _, found := range m.handle.FindAllStringSubmatch(html.UnescapeString(tag.ReplaceAllString(text, " ")), maxMentions) {
		at := strings.TrimRight(found[2], ".:-")
		if at == "" && local || strings.EqualFold(at, host) {
			add(found[1])
		}
	}
	return names
}

// commentSaid tells the owner of the video of a new comment, and those whom it
// calls once readers see it.
func (s *Service) commentSaid(tx *db.Tx, v *catalog.Video, c *comment.Comment, isNew bool) error {
	if c.ActorID == nil || c.DeletedAt != nil || !c.Local && c.CreatedAt.Before(db.Now().Add(-fresh)) {
		return nil
	}
	var errs []error
	if isNew && v.Owner.UserID != 0 {
		errs = append(errs, s.o.Notifications.Notify(tx, notification.Event{Type: notification.NewComment, Object: c.ID, By: *c.ActorID}))
	}
	if c.Visible() && len(s.mention.find(c.Text, c.Local, s.o.Host)) > 0 {
		errs = append(errs, s.o.Notifications.Notify(tx, notification.Event{Type: notification.Mention, Object: c.ID, By: *c.ActorID}))
	}
	return errors.Join(errs...)
}

func (s *Service) toComment(ctx context.Context, e notification.Event) (to notification.Audience, err error) {
	found, err := s.comments(ctx, e.Object)
	if err != nil {
		return to, err
	}
	c := found[e.Object]
	if c == nil || c.DeletedAt != nil {
		return to, notification.ErrGone
	}
	v, err := s.get(ctx, c.VideoID)
	if err != nil {
		return to, err
	}
	if e.Type == notification.NewComment {
		return notification.OneUser(v.Owner.UserID), nil
	}
	if !c.Visible() || !v.Open() && v.Privacy != catalog.Unlisted {
		return to, notification.ErrGone
	}
	// The owner hears of every comment anyway.
	return notification.Audience{
		Tables: "actors called JOIN accounts a ON a.actor_id = called.id JOIN users u ON u.id = a.user_id",
		Where:  "called.host = '' AND lower(called.username) IN ? AND u.id <> ?",
		Args:   []any{s.mention.find(c.Text, c.Local, s.o.Host), v.Owner.UserID},
	}, nil
}

func (s *Service) comments(ctx context.Context, ids ...int64) (map[int64]*comment.Comment, error) {
	var rows []*comment.Comment
	if err := s.o.DB.Read(ctx).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("comments to tell of: %w", err)
	}
	out := make(map[int64]*comment.Comment, len(rows))
	for _, c := range rows {
		out[c.ID] = c
	}
	return out, nil
}

func (s *Service) describeComments(ctx context.Context, to *rest.Principal, items []*notification.Item) error {
	ids := make([]int64, len(items))
	for i, it := range items {
		ids[i] = it.ObjectID
	}
	found, err := s.comments(ctx, ids...)
	if err != nil {
		return err
	}
	var actorIDs, videoIDs []int64
	for _, c := range found {
		videoIDs = append(videoIDs, c.VideoID)
		if c.ActorID != nil {
			actorIDs = append(actorIDs, *c.ActorID)
		}
	}
	authors, err := s.accounts(ctx, actorIDs)
	if err != nil {
		return err
	}
	videos, err := s.o.Catalog.ByIDs(ctx, videoIDs)
	if err != nil {
		return err
	}
	for _, it := range items {
		c := found[it.ObjectID]
		if c == nil || c.DeletedAt != nil || c.ActorID == nil || authors[*c.ActorID] == nil {
			continue
		}
		v := videos[c.VideoID]
		shown := s.video(ctx, to, v)
		if shown == nil || c.Held && !catalog.IsOwner(to, v) && !to.IsModerator() {
			continue
		}
		it.JSON.Comment = &notification.Comment{
			ID: c.ID, ThreadID: c.ThreadID, Account: authors[*c.ActorID], Video: shown, HeldForReview: c.Held,
		}
	}
	return nil
}

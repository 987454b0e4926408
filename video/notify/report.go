package notify

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/report"
	"github.com/kinemesh/kinemesh/web/rest"
)

// reportFiled tells moderators of a new report.
func (s *Service) reportFiled(tx *db.Tx, r *report.Report) error {
	e := notification.Event{Type: notification.NewAbuse, Object: r.ID}
	if r.ReporterID != nil {
		e.By = *r.ReporterID
	}
	return s.o.Notifications.Notify(tx, e)
}

// reportDecided tells the reporter what moderators made of a report.
func (s *Service) reportDecided(tx *db.Tx, id int64) error {
	return s.o.Notifications.Notify(tx, notification.Event{Type: notification.AbuseChanged, Object: id, Event: db.Now().UnixMicro()})
}

// reportSaid tells moderators and the reporter of a message.
func (s *Service) reportSaid(tx *db.Tx, r *report.Report, m *report.Message, by int64) error {
	return s.o.Notifications.Notify(tx, notification.Event{Type: notification.AbuseMessage, Object: r.ID, Event: m.ID, By: by})
}

func (s *Service) toReport(ctx context.Context, e notification.Event) (to notification.Audience, err error) {
	found, err := s.reports(ctx, e.Object)
	if err != nil {
		return to, err
	}
	r := found[e.Object]
	if r == nil {
		return to, notification.ErrGone
	}
	var reporter int64
	if r.Local && r.ReporterID != nil {
		reporter = *r.ReporterID
	}
	if e.Type == notification.NewAbuse {
		return notification.Roles(int(rest.RoleModerator)), nil
	}
	if e.Type == notification.AbuseMessage { // whoever wrote it is left out
		return notification.Audience{
			Tables: "users u JOIN accounts a ON a.user_id = u.id", Where: "u.role <= ? OR a.actor_id = ?",
			Args: []any{rest.RoleModerator, reporter},
		}, nil
	}
	return notification.Accounts(reporter), nil
}

func (s *Service) reports(ctx context.Context, ids ...int64) (map[int64]*report.Report, error) {
	var rows []*report.Report
	if err := s.o.DB.Read(ctx).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reports to tell of: %w", err)
	}
	out := make(map[int64]*report.Report, len(rows))
	for _, r := range rows {
		out[r.ID] = r
	}
	return out, nil
}

// collect lists the ids of a kind that rows hold.
func collect[T any](rows map[int64]T, id func(T) *int64) (out []int64) {
	for _, r := range rows {
		if n := id(r); n != nil {
			out = append(out, *n)
		}
	}
	return out
}

func (s *Service) describeReports(ctx context.Context, to *rest.Principal, items []*notification.Item) error {
	ids := make([]int64, len(items))
	for i, it := range items {
		ids[i] = it.ObjectID
	}
	found, err := s.reports(ctx, ids...)
	if err != nil {
		return err
	}
	videos, err := s.o.Catalog.ByIDs(ctx, collect(found, func(r *report.Report) *int64 { return r.VideoID }))
	if err != nil {
		return err
	}
	comments, err := s.comments(ctx, collect(found, func(r *report.Report) *int64 { return r.CommentID })...)
	if err != nil {
		return err
	}
	flagged, err := s.accounts(ctx, collect(found, func(r *report.Report) *int64 { return r.FlaggedID }))
	if err != nil {
		return err
	}
	for _, it := range items {
		r := found[it.ObjectID]
		if r == nil || !to.IsModerator() && (r.ReporterID == nil || *r.ReporterID != to.ActorID) {
			continue
		}
		out := &notification.Abuse{ID: r.ID, State: int(r.State)}
		var v *notification.Video
		if r.VideoID != nil {
			v = s.video(ctx, to, videos[*r.VideoID])
		}
		switch {
		case r.CommentID != nil && comments[*r.CommentID] != nil:
			out.Comment = &notification.AbuseComment{ID: *r.CommentID, ThreadID: comments[*r.CommentID].ThreadID, Video: v}
		case r.Type == report.Video && v != nil:
			out.Video = v
		case r.FlaggedID != nil:
			out.Account = flagged[*r.FlaggedID]
		}
		it.JSON.Abuse = out
	}
	return nil
}

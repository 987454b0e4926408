package report

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
)

type labelled struct {
	ID    int    `json:"id"`
	Label string `json:"label"`
}

// apiReport is a report in the API (OpenAPI Abuse). What only moderators read
// is left out for the reporter.
type apiReport struct {
	ID                int64            `json:"id"`
	Reason            string           `json:"reason"`
	PredefinedReasons []string         `json:"predefinedReasons"`
	FlaggedAccount    *channel.Summary `json:"flaggedAccount"`
	State             labelled         `json:"state"`
	CountMessages     int64            `json:"countMessages"`
	CreatedAt         channel.Time     `json:"createdAt"`
	UpdatedAt         channel.Time     `json:"updatedAt"`
	Video             *apiVideo        `json:"video"`
	Comment           *apiComment      `json:"comment"`
	*apiModerated
}

type apiModerated struct {
	ModerationComment *string          `json:"moderationComment"`
	ReporterAccount   *channel.Summary `json:"reporterAccount"`
	ByReporter        int64            `json:"countReportsForReporter"`
	OfReportee        int64            `json:"countReportsForReportee"`
}

type apiVideo struct {
	ID            int64            `json:"id"`
	UUID          string           `json:"uuid"`
	ShortUUID     string           `json:"shortUUID"`
	Name          string           `json:"name"`
	NSFW          bool             `json:"nsfw"`
	StartAt       *int             `json:"startAt"`
	EndAt         *int             `json:"endAt"`
	Deleted       bool             `json:"deleted"`
	Blacklisted   bool             `json:"blacklisted"`
	ThumbnailPath *string          `json:"thumbnailPath"`
	Channel       *channel.Summary `json:"channel"`
	CountReports  int64            `json:"countReports"`
	NthReport     int64            `json:"nthReport"`
}

type apiComment struct {
	ID       int64     `json:"id"`
	ThreadID int64     `json:"threadId"`
	Text     string    `json:"text"`
	Deleted  bool      `json:"deleted"`
	Video    apiOfText `json:"video"`
}

type apiOfText struct {
	ID        int64  `json:"id"`
	UUID      string `json:"uuid"`
	ShortUUID string `json:"shortUUID"`
	Name      string `json:"name"`
}

type apiMessage struct {
	ID          int64            `json:"id"`
	Message     string           `json:"message"`
	ByModerator bool             `json:"byModerator"`
	CreatedAt   channel.Time     `json:"createdAt"`
	Account     *channel.Summary `json:"account"`
}

// people are the accounts of some actors, as the API shows them.
func (s *Service) people(ctx context.Context, ids []int64) (map[int64]*channel.Summary, error) {
	actors, err := s.o.Engine.Actors.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	var rows []channel.Account
	if err := s.db.Read(ctx).Where("actor_id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load accounts: %w", err)
	}
	accounts := map[int64]*channel.Account{}
	for i := range rows {
		accounts[rows[i].ActorID] = &rows[i]
	}
	out := make(map[int64]*channel.Summary, len(actors))
	for id, a := range actors {
		account := accounts[id]
		if account == nil { // no Person, or one without videos
			account = &channel.Account{ActorID: id}
		}
		account.Actor = a
		one := s.o.Channels.APIAccountSummary(account)
		out[id] = &one
	}
	return out, nil
}

// toAPI makes answers of reports.
func (s *Service) toAPI(ctx context.Context, rows []*Report, moderator bool) ([]apiReport, error) {
	var ids []int64
	for _, r := range rows {
		for _, id := range []*int64{r.ReporterID, r.FlaggedID} {
			if id != nil {
				ids = append(ids, *id)
			}
		}
	}
	people, err := s.people(ctx, ids)
	if err != nil {
		return nil, err
	}
	who := func(id *int64) *channel.Summary {
		if id == nil {
			return nil
		}
		return people[*id]
	}
	out := make([]apiReport, 0, len(rows))
	for _, r := range rows {
		a := apiReport{
			ID: r.ID, Reason: r.Reason, PredefinedReasons: r.predefined(), FlaggedAccount: who(r.FlaggedID),
			State: labelled{int(r.State), r.State.Label()}, CreatedAt: channel.Time(r.CreatedAt), UpdatedAt: channel.Time(r.UpdatedAt),
		}
		err := s.db.Read(ctx).Model(&Message{}).Where("abuse_id = ?", r.ID).Count(&a.CountMessages).Error
		if err != nil {
			return nil, fmt.Errorf("count messages: %w", err)
		}
		switch r.Type {
		case Video:
			a.Video, err = s.videoToAPI(ctx, r)
		case Comment:
			a.Comment, err = s.commentToAPI(ctx, r)
		}
		if err == nil && moderator {
			a.apiModerated, err = s.moderated(ctx, r, who(r.ReporterID))
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (s *Service) moderated(ctx context.Context, r *Report, reporter *channel.Summary) (*apiModerated, error) {
	m := &apiModerated{ReporterAccount: reporter}
	if r.ModerationComment != "" {
		m.ModerationComment = &r.ModerationComment
	}
	for column, n := range map[string]*int64{"reporter_id": &m.ByReporter, "flagged_id": &m.OfReportee} {
		id := r.ReporterID
		if column == "flagged_id" {
			id = r.FlaggedID
		}
		if id == nil {
			continue
		}
		if err := s.db.Read(ctx).Model(&Report{}).Where(column+" = ?", *id).Count(n).Error; err != nil {
			return nil, fmt.Errorf("count reports: %w", err)
		}
	}
	return m, nil
}

func (s *Service) videoToAPI(ctx context.Context, r *Report) (*apiVideo, error) {
	a := &apiVideo{UUID: r.VideoUUID, ShortUUID: catalog.ShortUUID(r.VideoUUID), Name: r.VideoName, StartAt: r.StartAt, EndAt: r.EndAt}
	if r.VideoID != nil {
		a.ID = *r.VideoID
	}
	var counts struct{ All, Before int64 }
	err := s.db.Read(ctx).Raw(`SELECT COUNT(*) AS "all", COALESCE(SUM(CASE WHEN id <= ? THEN 1 ELSE 0 END), 0) AS before
		FROM abuses WHERE type = ? AND video_uuid = ?`, r.ID, Video, r.VideoUUID).Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	a.CountReports, a.NthReport = counts.All, counts.Before
	v, err := s.o.Catalog.ByID(ctx, a.ID)
	if errors.Is(err, catalog.ErrNotFound) {
		a.Deleted = true
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	a.NSFW, a.Name = v.NSFW, v.Name
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	if t := m.Thumbnail(catalog.Miniature); t != nil {
		path := "/lazy-static/thumbnails/" + t.Filename
		a.ThumbnailPath = &path
	}
	ch, err := s.o.Channels.ChannelByID(ctx, v.ChannelID)
	if err != nil {
		return nil, err
	}
	one := s.o.Channels.APIChannelSummary(ch)
	a.Channel = &one
	return a, nil
}

func (s *Service) commentToAPI(ctx context.Context, r *Report) (*apiComment, error) {
	a := &apiComment{Text: r.CommentText, Deleted: true, Video: apiOfText{
		UUID: r.VideoUUID, ShortUUID: catalog.ShortUUID(r.VideoUUID), Name: r.VideoName,
	}}
	if r.VideoID != nil {
		a.Video.ID = *r.VideoID
	}
	if r.CommentID == nil {
		return a, nil
	}
	a.ID = *r.CommentID
	c, err := s.comment(ctx, "id = ?", a.ID)
	if err != nil || c == nil {
		return a, err
	}
	a.ThreadID, a.Deleted = c.ThreadID, c.DeletedAt != nil
	return a, nil
}

func (s *Service) messagesToAPI(ctx context.Context, list []Message) ([]apiMessage, error) {
	out := make([]apiMessage, 0, len(list))
	var ids []int64
	for _, m := range list {
		if m.AccountID != nil {
			ids = append(ids, *m.AccountID)
		}
	}
	var rows []channel.Account
	if err := s.db.Read(ctx).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load accounts: %w", err)
	}
	actors := make([]int64, 0, len(rows))
	byAccount := map[int64]int64{}
	for _, r := range rows {
		actors = append(actors, r.ActorID)
		byAccount[r.ID] = r.ActorID
	}
	people, err := s.people(ctx, actors)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		a := apiMessage{ID: m.ID, Message: m.Message, ByModerator: m.ByModerator, CreatedAt: channel.Time(m.CreatedAt)}
		if m.AccountID != nil {
			a.Account = people[byAccount[*m.AccountID]]
		}
		out = append(out, a)
	}
	return out, nil
}

package report

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/picture"
)

type labelled struct {
	ID    int    `json:"id"`
	Label string `json:"label"`
}

// apiReport is a report in the API (OpenAPI Abuse). What only moderators read
// is left out for the reporter.
type apiReport struct {
	ID                int64        `json:"id"`
	Reason            string       `json:"reason"`
	PredefinedReasons []string     `json:"predefinedReasons"`
	FlaggedAccount    *apiAccount  `json:"flaggedAccount"`
	State             labelled     `json:"state"`
	CountMessages     int64        `json:"countMessages"`
	CreatedAt         channel.Time `json:"createdAt"`
	UpdatedAt         channel.Time `json:"updatedAt"`
	Video             *apiVideo    `json:"video"`
	Comment           *apiComment  `json:"comment"`
	*apiModerated
}

// apiAccount is who is reported.
type apiAccount struct {
	*channel.Summary
	HostRedundancyAllowed bool `json:"hostRedundancyAllowed"`
}

type apiModerated struct {
	ModerationComment *string          `json:"moderationComment"`
	ReporterAccount   *channel.Summary `json:"reporterAccount"`
	ByReporter        int64            `json:"countReportsForReporter"`
	OfReportee        int64            `json:"countReportsForReportee"`
}

type apiVideo struct {
	ID            int64                `json:"id"`
	UUID          string               `json:"uuid"`
	ShortUUID     string               `json:"shortUUID"`
	Name          string               `json:"name"`
	NSFW          bool                 `json:"nsfw"`
	StartAt       *int                 `json:"startAt"`
	EndAt         *int                 `json:"endAt"`
	Deleted       bool                 `json:"deleted"`
	Blacklisted   bool                 `json:"blacklisted"`
	ThumbnailPath *string              `json:"thumbnailPath"`
	Channel       *channel.ChannelJSON `json:"channel"`
	CountReports  int64                `json:"countReports"`
	NthReport     int64                `json:"nthReport"`
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

// facts are what answers of a page of reports hold besides their rows.
type facts struct {
	people   map[int64]*channel.Summary // by actor
	counts   map[int64]counts           // by report
	videos   map[int64]*catalog.Video
	channels map[int64]*channel.Channel
	pictures map[int64]string // miniatures, by video
	comments map[int64]*comment
}

// counts are how many reports and messages there are around a report.
type counts struct {
	ID                     int64
	Messages               int64
	OfVideo, Nth           int64 // of the same video, and up to this one
	ByReporter, OfReportee int64
}

// facts loads them, in as many queries whatever the number of reports.
func (s *Service) facts(ctx context.Context, rows []*Report) (*facts, error) {
	f := &facts{counts: map[int64]counts{}, pictures: map[int64]string{}, comments: map[int64]*comment{}}
	var ids, actors, videos, comments []int64
	for _, r := range rows {
		ids = append(ids, r.ID)
		add := func(to *[]int64, ids ...*int64) {
			for _, id := range ids {
				if id != nil {
					*to = append(*to, *id)
				}
			}
		}
		add(&actors, r.ReporterID, r.FlaggedID)
		add(&videos, r.VideoID)
		add(&comments, r.CommentID)
	}
	if len(ids) == 0 {
		return f, nil
	}
	var err error
	if f.people, err = s.people(ctx, actors); err != nil {
		return nil, err
	}
	if f.videos, err = s.o.Catalog.ByIDs(ctx, videos); err != nil {
		return nil, err
	}
	var channels []int64
	for _, v := range f.videos {
		channels = append(channels, v.ChannelID)
	}
	if f.channels, err = s.o.Channels.ChannelsByIDs(ctx, channels); err != nil {
		return nil, err
	}
	if f.comments, err = s.comments(ctx, comments); err != nil {
		return nil, err
	}
	var numbers []counts
	err = s.db.Read(ctx).Raw(`SELECT a.id, (SELECT COUNT(*) FROM abuse_messages m WHERE m.abuse_id = a.id) AS messages,
 (SELECT COUNT(*) FROM abuses b WHERE b.video_id = a.video_id AND b.type = ?) AS of_video,
 (SELECT COUNT(*) FROM abuses b WHERE b.video_id = a.video_id AND b.type = ? AND b.id <= a.id) AS nth,
 (SELECT COUNT(*) FROM abuses b WHERE b.reporter_id = a.reporter_id) AS by_reporter,
 (SELECT COUNT(*) FROM abuses b WHERE b.flagged_id = a.flagged_id) AS of_reportee
 FROM abuses a WHERE a.id IN ?`, Video, Video, ids).Scan(&numbers).Error
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	for _, n := range numbers {
		f.counts[n.ID] = n
	}
	var pictures []picture.Row
	err = s.db.Read(ctx).Where("video_id IN ?", videos).Find(&pictures).Error
	if err != nil {
		return nil, fmt.Errorf("pictures of videos: %w", err)
	}
	for i := range pictures {
		if t := pictures[i].Picture(picture.Miniature); t != nil {
			f.pictures[t.VideoID] = catalog.ThumbnailPath(t)
		}
	}
	return f, nil
}

// toAPI makes answers of reports.
func (s *Service) toAPI(ctx context.Context, rows []*Report, moderator bool) ([]apiReport, error) {
	f, err := s.facts(ctx, rows)
	if err != nil {
		return nil, err
	}
	who := func(id *int64) *channel.Summary {
		if id == nil {
			return nil
		}
		return f.people[*id]
	}
	out := make([]apiReport, 0, len(rows))
	for _, r := range rows {
		n := f.counts[r.ID]
		a := apiReport{
			ID: r.ID, Reason: r.Reason, PredefinedReasons: r.predefined(), State: labelled{int(r.State), r.State.Label()},
			CountMessages: n.Messages, CreatedAt: channel.Time(r.CreatedAt), UpdatedAt: channel.Time(r.UpdatedAt),
		}
		if flagged := who(r.FlaggedID); flagged != nil {
			a.FlaggedAccount = &apiAccount{Summary: flagged}
		}
		switch r.Type {
		case Video:
			a.Video = s.videoToAPI(r, f)
		case Comment:
			a.Comment = commentToAPI(r, f)
		}
		if moderator {
			a.apiModerated = &apiModerated{ReporterAccount: who(r.ReporterID), ByReporter: n.ByReporter, OfReportee: n.OfReportee}
			if r.ModerationComment != "" {
				a.ModerationComment = &r.ModerationComment
			}
		}
		out = append(out, a)
	}
	return out, nil
}

func (s *Service) videoToAPI(r *Report, f *facts) *apiVideo {
	n := f.counts[r.ID]
	a := &apiVideo{
		UUID: r.VideoUUID, ShortUUID: catalog.ShortUUID(r.VideoUUID), Name: r.VideoName, StartAt: r.StartAt, EndAt: r.EndAt,
		CountReports: n.OfVideo, NthReport: n.Nth, Deleted: true,
	}
	if r.VideoID == nil {
		return a
	}
	a.ID = *r.VideoID
	v := f.videos[a.ID]
	if v == nil {
		return a
	}
	a.Deleted, a.NSFW, a.Name, a.Blacklisted = false, v.NSFW, v.Name, v.Blocked
	if path, ok := f.pictures[v.ID]; ok {
		a.ThumbnailPath = &path
	}
	if ch := f.channels[v.ChannelID]; ch != nil {
		one := s.o.Channels.APIChannelOnly(ch)
		a.Channel = &one
	}
	return a
}

func commentToAPI(r *Report, f *facts) *apiComment {
	a := &apiComment{Text: r.CommentText, Deleted: true, Video: apiOfText{
		UUID: r.VideoUUID, ShortUUID: catalog.ShortUUID(r.VideoUUID), Name: r.VideoName,
	}}
	if r.VideoID != nil {
		a.Video.ID = *r.VideoID
	}
	if r.CommentID == nil {
		return a
	}
	a.ID = *r.CommentID
	if c := f.comments[a.ID]; c != nil {
		a.ThreadID, a.Deleted = c.ThreadID, c.DeletedAt != nil
	}
	return a
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

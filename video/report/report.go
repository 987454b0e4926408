package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Errors of the operations.
var (
	ErrNotFound  = errors.New("report not found")
	ErrForbidden = errors.New("not the reporter")
	// ErrElsewhere says that the reporter is a user of another server, who
	// cannot read messages here.
	ErrElsewhere = errors.New("reported by a user of another server")
)

// State is what moderators made of a report; the numbers go over the API.
type State int

// The states.
const (
	Pending  State = 1
	Rejected State = 2
	Accepted State = 3
)

// Label is the state's name in API answers.
func (s State) Label() string {
	switch s {
	case Pending:
		return "Pending"
	case Rejected:
		return "Rejected"
	case Accepted:
		return "Accepted"
	}
	return "Unknown"
}

// What is reported.
const (
	Video   = "video"
	Comment = "comment"
	Account = "account"
)

// reasons are the predefined ones: the name goes over ActivityPub and into the
// API, the number into lists. The place in the list is the number less one.
var reasons = []string{
	"violentOrRepulsive", "hatefulOrAbusive", "spamOrMisleading", "privacy", "rights", "serverRules", "thumbnails", "captions",
}

func reasonNumber(name string) (int, bool) {
	i := slices.Index(reasons, name)
	return i + 1, i >= 0
}

// Limits of texts, in characters.
const (
	minText = 2
	maxText = 3000
)

// Report is a row of abuses.
type Report struct {
	ID                int64
	IRI               string `gorm:"column:iri"` // of the Flag
	Object            string
	Type              string
	Local             bool
	ReporterID        *int64 // actors
	FlaggedID         *int64 // actors
	VideoID           *int64
	VideoUUID         string `gorm:"column:video_uuid"`
	VideoName         string
	CommentID         *int64
	CommentText       string
	StartAt           *int
	EndAt             *int
	Reason            string
	Predefined        string // numbers, JSON
	State             State
	ModerationComment string
	ProcessedAt       *time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// TableName implements gorm's Tabler.
func (Report) TableName() string { return "abuses" }

func (r *Report) predefined() []string {
	var numbers []int
	if json.Unmarshal([]byte(r.Predefined), &numbers) != nil {
		return []string{}
	}
	out := make([]string, 0, len(numbers))
	for _, n := range numbers {
		if n >= 1 && n <= len(reasons) {
			out = append(out, reasons[n-1])
		}
	}
	return out
}

func numbersOf(names []string) string {
	numbers := []int{}
	for _, name := range names {
		if n, ok := reasonNumber(name); ok && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	raw, err := json.Marshal(numbers)
	if err != nil {
		panic(err) // numbers
	}
	return string(raw)
}

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Engine   *activitypub.Engine
	Catalog  *catalog.Service
	Channels *channel.Service
	Mutes    *moderation.Service // nil: nobody is muted
	Logger   *slog.Logger
}

// Service keeps reports. It is safe for concurrent use.
type Service struct {
	// Filed hears of a new report, Decided of one whose state changed, and Said of
	// a message by an actor, each in the transaction that does it. They are set at
	// start; nil hears nothing.
	Filed   func(tx *db.Tx, r *Report) error
	Decided func(tx *db.Tx, id int64) error
	Said    func(tx *db.Tx, r *Report, m *Message, by int64) error

	o   Options
	db  *db.DB
	log *slog.Logger
}

// New returns a Service.
func New(o Options) *Service { return &Service{o: o, db: o.DB, log: o.Logger} }

// Module is this feature's part of the module.
func (s *Service) Module() activitypub.Module {
	return activitypub.Module{
		Handlers: []activitypub.Handler{{On: activitypub.On{Activity: "Flag"}, Do: s.onFlag}},
		Routes:   s.routes,
	}
}

// NewReport is a report of one of our users. Exactly one of the three is set.
type NewReport struct {
	Reason     string
	Predefined []string
	Video      string // any of its names in the API
	StartAt    *int
	EndAt      *int
	CommentID  int64
	AccountID  int64
}

// Create files a report of p and sends it to where its object is from. What p
// may not see cannot be reported: a *rest.Problem says so.
func (s *Service) Create(ctx context.Context, p *rest.Principal, n NewReport) (*Report, error) {
	r, err := s.about(ctx, p, n)
	if err != nil {
		return nil, err
	}
	reporter, err := s.o.Engine.Actors.ByID(ctx, p.ActorID)
	if err != nil {
		return nil, err
	}
	r.Local, r.ReporterID, r.Reason, r.Predefined = true, &reporter.ID, n.Reason, numbersOf(n.Predefined)
	flagged, err := s.actor(ctx, r.FlaggedID)
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		r.ID, r.IRI = 0, uuid.NewString()
		if err := s.insert(tx, r); err != nil {
			return err
		}
		r.IRI = s.o.Catalog.URLs().Origin + "/admin/abuses/" + strconv.FormatInt(r.ID, 10) // PT federation 2
		if err := tx.Model(&Report{}).Where("id = ?", r.ID).UpdateColumn("iri", r.IRI).Error; err != nil {
			return fmt.Errorf("name report: %w", err)
		}
		if flagged == nil || flagged.Local() || flagged.GoneAt != nil {
			return nil
		}
		return s.publish(tx, r, reporter, flagged)
	})
	return r, err
}

func (s *Service) insert(tx *db.Tx, r *Report) error {
	r.State, r.CreatedAt, r.UpdatedAt = Pending, db.Now(), db.Now()
	if err := tx.Create(r).Error; err != nil {
		return fmt.Errorf("file report: %w", err)
	}
	return s.filed(tx, r)
}

func (s *Service) filed(tx *db.Tx, r *Report) error {
	if s.Filed == nil {
		return nil
	}
	return s.Filed(tx, r)
}

// about finds what a report is about.
func (s *Service) about(ctx context.Context, p *rest.Principal, n NewReport) (*Report, error) {
	switch {
	case n.Video != "":
		v, err := s.o.Catalog.Find(ctx, p, n.Video)
		if err != nil {
			return nil, err
		}
		return ofVideo(v, n.StartAt, n.EndAt), nil
	case n.CommentID != 0:
		c, err := s.comment(ctx, "id = ?", n.CommentID)
		if err != nil {
			return nil, err
		}
		if c == nil || c.DeletedAt != nil {
			return nil, rest.NotFound("Comment not found")
		}
		v, err := s.o.Catalog.ByID(ctx, c.VideoID)
		if err != nil || !s.o.Catalog.CanSee(ctx, p, v) {
			return nil, errors.Join(rest.NotFound("Comment not found"), err)
		}
		return ofComment(c, v), nil
	}
	a, err := s.o.Channels.AccountByID(ctx, n.AccountID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, rest.NotFound("Account not found")
	}
	if err != nil {
		return nil, err
	}
	return &Report{Type: Account, Object: a.Actor.IRI, FlaggedID: &a.ActorID}, nil
}

func ofVideo(v *catalog.Video, start, end *int) *Report {
	return &Report{
		Type: Video, Object: v.IRI, FlaggedID: &v.Owner.AccountActorID, VideoID: &v.ID, VideoUUID: v.UUID, VideoName: v.Name,
		StartAt: start, EndAt: end,
	}
}

func ofComment(c *comment, v *catalog.Video) *Report {
	return &Report{
		Type: Comment, Object: c.IRI, FlaggedID: c.ActorID, CommentID: &c.ID, CommentText: c.Text,
		VideoID: &v.ID, VideoUUID: v.UUID, VideoName: v.Name,
	}
}

// comment is what a report needs of a row of comments.
type comment struct {
	ID        int64
	IRI       string `gorm:"column:iri"`
	VideoID   int64
	ThreadID  int64
	ActorID   *int64
	Local     bool
	Held      bool
	Text      string
	DeletedAt *time.Time
}

// comment reads one; nil when there is none.
func (s *Service) comment(ctx context.Context, where string, args ...any) (*comment, error) {
	var rows []comment
	err := s.db.Read(ctx).Table("comments").Select("id, iri, video_id, thread_id, actor_id, local, held, text, deleted_at").
		Where(where, args...).Limit(1).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load comment: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// comments reads many, by their ids.
func (s *Service) comments(ctx context.Context, ids []int64) (map[int64]*comment, error) {
	var rows []comment
	err := s.db.Read(ctx).Table("comments").Select("id, thread_id, deleted_at").Where("id IN ?", ids).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load comments: %w", err)
	}
	out := make(map[int64]*comment, len(rows))
	for i := range rows {
		out[rows[i].ID] = &rows[i]
	}
	return out, nil
}

// Get reads one report; ErrNotFound when there is none.
func (s *Service) Get(ctx context.Context, id int64) (*Report, error) {
	var rows []*Report
	if err := s.db.Read(ctx).Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load report: %w", err)
	}
	if len(rows) == 0 {
		return nil, ErrNotFound
	}
	return rows[0], nil
}

// Change is what a moderator sets; nil leaves a field alone.
type Change struct {
	State             *State
	ModerationComment *string
}

// Update changes a report.
func (s *Service) Update(ctx context.Context, id int64, c Change) error {
	set := map[string]any{"updated_at": db.Now()}
	if c.State != nil {
		set["state"] = *c.State
		set["processed_at"] = db.Now()
		if *c.State == Pending {
			set["processed_at"] = nil
		}
	}
	if c.ModerationComment != nil {
		set["moderation_comment"] = *c.ModerationComment
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Model(&Report{}).Where("id = ?", id).Updates(set)
		if res.Error != nil {
			return fmt.Errorf("change report: %w", res.Error)
		}
		if res.RowsAffected == 0 {
			return ErrNotFound
		}
		if c.State == nil || s.Decided == nil {
			return nil
		}
		return s.Decided(tx, id)
	})
}

// Delete forgets a report with its messages.
func (s *Service) Delete(ctx context.Context, id int64) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Where("id = ?", id).Delete(&Report{})
		if res.Error != nil {
			return fmt.Errorf("delete report: %w", res.Error)
		}
		if res.RowsAffected == 0 {
			return ErrNotFound
		}
		return nil
	})
}

package comment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/crawl"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/watchedword"
)

// Errors of the operations.
var (
	ErrNotFound  = errors.New("comment not found")
	ErrDisabled  = errors.New("comments are disabled for this video")
	ErrForbidden = errors.New("not the author of the comment nor the owner of the video")
	ErrDeleted   = errors.New("comment is deleted already")
	ErrNotHeld   = errors.New("comment is not held for review")
	ErrHeld      = errors.New("comment is held for review")
)

// Limits of a comment (reference enumerations).
const (
	maxText = 10_000 // runes
	// maxSource bounds what is read of a remote one before it is cleaned (SEC-36).
	maxSource = 64 << 10
)

// Comment is a row of comments.
type Comment struct {
	ID            int64
	IRI           string `gorm:"column:iri"`
	URL           string `gorm:"column:url"`
	VideoID       int64
	ThreadID      int64 // the root; a root names itself
	ParentID      *int64
	ActorID       *int64 // nil: deleted before it came here
	Local         bool
	Text          string // Markdown or HTML, safe in either case
	Held          bool   // waits for the owner of the video
	Approval      string // the owner's ApproveReply
	Pending       string // of a held one: the activity to forward once it is approved
	Replies       int64  // of a root: in its thread
	AuthorReplies int64  // of a root: in its thread, by the owner of the video
	DeletedAt     *time.Time
	SeenAt        *time.Time // of a remote one: when its video's collection listed it
	CreatedAt     time.Time
	UpdatedAt     time.Time

	free bool   // whatever its tags are, nobody has to see it first
	raw  string // the activity to forward if it is held for them
}

// TableName implements gorm's Tabler.
func (Comment) TableName() string { return "comments" }

// Visible tells whether readers see the comment.
func (c *Comment) Visible() bool { return !c.Held && c.DeletedAt == nil }

// by tells whether an actor wrote the comment.
func (c *Comment) by(actorID int64) bool { return c.ActorID != nil && *c.ActorID == actorID }

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Engine   *activitypub.Engine
	Catalog  *catalog.Service
	Channels *channel.Service
	Mutes    *moderation.Service  // nil: nobody is muted
	Words    *watchedword.Service // nil: comments get no automatic tags
	// AcceptRemote tells whether comments of other servers are taken.
	AcceptRemote func() bool
	Logger       *slog.Logger
}

// Service holds the operations on comments. It is safe for concurrent use.
type Service struct {
	// Said hears, in the transaction that does it, of a comment that is new, or that
	// readers see from now on because it was approved. nil hears nothing. It is set
	// at start.
	Said func(tx *db.Tx, v *catalog.Video, c *Comment, isNew bool) error

	db       *db.DB
	kept     *kept.Kept
	engine   *activitypub.Engine
	catalog  *catalog.Service
	channels *channel.Service
	mutes    *moderation.Service
	words    *watchedword.Service
	remote   func() bool
	log      *slog.Logger
	urls     catalog.URLs
}

// New returns a Service.
func New(o Options) *Service {
	return &Service{
		db: o.DB, kept: kept.New(o.DB, "comments"), engine: o.Engine, catalog: o.Catalog, channels: o.Channels, mutes: o.Mutes, words: o.Words,
		remote: o.AcceptRemote, log: o.Logger, urls: o.Catalog.URLs(),
	}
}

// Module is this feature's part of the module. Its documents lie below those of
// videos, so it is asked for them before the videos are.
func (s *Service) Module() activitypub.Module {
	on := func(activity, object string, do func(context.Context, *activitypub.Activity) error) activitypub.Handler {
		return activitypub.Handler{On: activitypub.On{Activity: activity, Object: object}, Do: do}
	}
	return activitypub.Module{
		Handlers: []activitypub.Handler{
			on("Create", "Note", s.onCreate),
			on("Update", "Note", s.onUpdate),
			on("Delete", "Note", s.onDelete),
			on("ApproveReply", "Note", s.onApprove),
			on("RejectReply", "Note", s.onReject),
		},
		Objects:      []activitypub.ObjectType{{Type: "Note", Local: s.local, Has: s.has, Ingest: s.Ingest, Remove: s.remove}},
		Collections:  []crawl.Kind{{Name: Collection, Take: s.take, Done: s.taken}},
		ActorDeleted: func(ctx context.Context, a *actor.Actor) error { return s.dropActor(ctx, a.ID) },
		Counts:       s.counts,
		Jobs:         []jobs.Handler{jobs.Handle(s.removeThem)},
		Routes:       s.routes,
	}
}

// counts supplies NodeInfo with the number of local comments.
func (s *Service) counts(ctx context.Context) (map[string]int64, error) {
	var n int64
	err := s.db.Read(ctx).Model(&Comment{}).Where("local = ? AND deleted_at IS NULL", true).Count(&n).Error
	if err != nil {
		return nil, fmt.Errorf("count comments: %w", err)
	}
	return map[string]int64{"localComments": n}, nil
}

// byIRI finds a comment by its ActivityPub id, ErrNotFound when there is none.
func (s *Service) byIRI(ctx context.Context, iri string) (*Comment, error) {
	return s.one(ctx, "iri = ?", iri)
}

// byID finds a comment by its row id.
func (s *Service) byID(ctx context.Context, id int64) (*Comment, error) {
	return s.one(ctx, "id = ?", id)
}

func (s *Service) one(ctx context.Context, where string, arg any) (*Comment, error) {
	var c Comment
	err := s.db.Read(ctx).Where(where, arg).Take(&c).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("load comment: %w", err)
	}
	return &c, nil
}

func (s *Service) has(ctx context.Context, iri string) (bool, error) {
	_, err := s.byIRI(ctx, iri)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

package activitypub

import (
	"context"
	"encoding/json"
	"flag"
	"io"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/crawl"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Module is everything a content type brings to the server. It is data: the
// engine, the job runner, the web server and the migration runner each read
// the part that is theirs.
type Module struct {
	Name       string
	Handlers   []Handler    // incoming activities
	Bulk       []Bulk       // incoming activities that come in floods
	Objects    []ObjectType // documents it owns
	Jobs       []jobs.Handler
	Periodic   []jobs.Periodic
	Routes     func(*rest.Router) // REST under /api/v1, pages, files
	Services   []Service          // long-running, bound to a role
	Commands   []Command          // subcommands of the binary
	Migrations []migrations.Set
	// Collections are the kinds of others' collections that the module reads
	// with Engine.Backfill: comments, shares.
	Collections []crawl.Kind

	// ActorFields adds members to the document of one of our actors: avatars,
	// support. nil adds none.
	ActorFields func(context.Context, *actor.Actor) (map[string]any, error)
	// ActorSaved hears of every remote actor that is stored, new or fetched again,
	// in the transaction that does it. An error rolls it back.
	ActorSaved func(tx *db.Tx, a *actor.Actor) error
	// FollowChanged hears of every follow that is made, accepted, rejected or
	// ended (State is "" then), ours and others', in the transaction that does
	// it. An error rolls the change back. The followers of an actor of ours
	// that goes are not told one by one: ActorDeleted is.
	FollowChanged func(tx *db.Tx, c actor.FollowChange) error
	// ActorDeleted drops what the module holds of an actor, local or remote.
	// It runs in a job, topmost module first, and may run twice.
	ActorDeleted func(context.Context, *actor.Actor) error
	// Counts supplies numbers for NodeInfo: users, activeMonth,
	// activeHalfyear, localPosts, localComments.
	Counts func(context.Context) (map[string]int64, error)
}

// On selects activities: {"Create", "Video"}, {"Undo", "Follow"}. An empty
// Object takes what no other handler claims.
type On struct{ Activity, Object string }

// Handler takes one kind of activity. Do may run twice for the same activity
// and must then change nothing more. An error is retried for some hours,
// unless it is wrapped by Drop. Update and Delete compare Actor with the owner
// stored with the object, never with what the object says now (SEC-14).
type Handler struct {
	On On
	Do func(context.Context, *Activity) error
}

// Bulk takes all activities of one type, many at once and in no order, for
// what comes in floods. Do runs in the transaction that marks them done, so
// each takes effect exactly once; it touches nothing but the database, and may
// run again after a rollback. Of the object only the id is given, and nobody
// has looked it up. What Do returns goes to the Handlers one by one, and after
// an error all of them do.
type Bulk struct {
	Activity string
	Do       func(tx *db.Tx, acts []*Activity) (rest []*Activity, err error)
}

// Activity is an authenticated incoming activity: Actor signed it, or its
// origin gave it. Raw is the body as received.
type Activity struct {
	ID, Type string
	Actor    *actor.Actor
	// Object is complete when it came from its own origin: embedded by an
	// actor of its host in Create and Update, the inner activity in Undo,
	// Accept and Reject, else fetched. What ObjectType.Has knows already, and
	// what is deleted, is a stub of id and type.
	Object vocab.Object
	To, Cc []string
	Raw    json.RawMessage
}

// ObjectType says how one type of object is served, stored and dropped. Any
// function may be nil.
type ObjectType struct {
	Type string
	// Local answers for our documents of this type when a request accepts
	// ActivityPub: nil, nil when the path is none of its own, ErrNotFound or
	// ErrGone when it is but there is nothing (any more).
	Local func(ctx context.Context, path string) (doc any, err error)
	// Has tells whether the object, ours or another's, is stored already; then
	// it is not fetched again for a Like, an Announce or a Delete.
	Has func(ctx context.Context, iri string) (bool, error)
	// Ingest stores a document that came from its origin: an idempotent
	// upsert by IRI.
	Ingest func(ctx context.Context, o vocab.Object) error
	// Remove drops an object that is deleted or gone at its origin.
	Remove func(ctx context.Context, iri string) error
}

// Service runs as long as the process, when its role is chosen.
type Service struct {
	Name string
	Role config.Role
	Run  func(context.Context) error // returns when ctx ends
}

// Command is a subcommand of the binary.
type Command struct {
	Use         string // its name, with that of its group before it: "federation hosts"
	Operands    string // what is named besides flags, for its help: "KIND FOLDER"
	Short, Long string
	Flags       func(*flag.FlagSet) // declares the flags; they are set when Run is called
	Run         func(ctx context.Context, out io.Writer, args []string) error
}

package notification

import (
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Type is what a notification is about; the numbers go over the API.
type Type int

// The types (reference enumerations, Notifications).
const (
	NewVideo          Type = 1  // from a subscription
	NewComment        Type = 2  // on one's video
	NewAbuse          Type = 3  // for moderators
	VideoBlocked      Type = 4  // one's own
	VideoUnblocked    Type = 5  // one's own
	VideoPublished    Type = 6  // one's own, after transcoding or on schedule
	NewUser           Type = 9  // for moderators
	NewFollow         Type = 10 // of one's account or channel
	Mention           Type = 11 // in a comment
	VideoQuarantined  Type = 12 // for moderators
	InstanceFollower  Type = 13 // for administrators
	InstanceFollowing Type = 14 // for administrators: by itself
	AbuseChanged      Type = 15 // one's own report
	AbuseMessage      Type = 16
	NewRegistration   Type = 20 // for moderators
)

// lastType is the highest number that clients may ask for.
const lastType = 33

// How users are told, as bits.
const (
	Web  = 1
	Mail = 2
)

// Setting is how a user wants to be told of something.
type Setting struct {
	Name  string // as in the API
	Label string // for people
	Value int    // bits
}

// Web tells whether the list has it.
func (s Setting) Web() bool { return s.Value&Web != 0 }

// Mail tells whether it goes by mail.
func (s Setting) Mail() bool { return s.Value&Mail != 0 }

// setting is one of the values that users choose, with its default.
type setting struct {
	name     string
	value    int
	required bool // clients of every version send it
	label    string
	role     rest.Role // whom it concerns
}

// settings lists all values of PeerTube, also of features that are not here, as
// its clients expect to read and write them.
func settings() []setting {
	return []setting{
		{"newVideoFromSubscription", Web, true, "A new video of a channel that I follow", rest.RoleUser},
		{"newCommentOnMyVideo", Web, true, "A comment on one of my videos", rest.RoleUser},
		{"commentMention", Web, true, "Somebody mentions me", rest.RoleUser},
		{"newFollow", Web, true, "Somebody follows me or one of my channels", rest.RoleUser},
		{"myVideoPublished", Web, false, "One of my videos is published", rest.RoleUser},
		{"blacklistOnMyVideo", Web | Mail, true, "One of my videos is blocked or unblocked", rest.RoleUser},
		{"abuseStateChange", Web | Mail, false, "One of my reports is accepted or rejected", rest.RoleUser},
		{"abuseNewMessage", Web | Mail, false, "A message about a report", rest.RoleUser},
		{"myVideoImportFinished", Web, true, "", rest.RoleUser},
		{"myVideoStudioEditionFinished", Web, false, "", rest.RoleUser},
		{"myVideoTranscriptionGenerated", Web, false, "", rest.RoleUser},
		{"abuseAsModerator", Web | Mail, true, "A new report", rest.RoleModerator},
		{"videoAutoBlacklistAsModerator", Web | Mail, true, "A video waits for review", rest.RoleModerator},
		{"newUserRegistration", Web, true, "Somebody registered, or asks to", rest.RoleModerator},
		{"newInstanceFollower", Web, true, "Another server follows this one", rest.RoleAdmin},
		{"autoInstanceFollowing", Web, true, "This server followed another one by itself", rest.RoleAdmin},
		{"newPeerTubeVersion", Web | Mail, false, "", rest.RoleUser},
		{"newPluginVersion", Web, false, "", rest.RoleUser},
	}
}

// settingOf names the value that says how users are told of a type.
func settingOf(t Type) setting {
	name := map[Type]string{
		NewVideo: "newVideoFromSubscription", NewComment: "newCommentOnMyVideo", Mention: "commentMention", NewFollow: "newFollow",
		VideoPublished: "myVideoPublished", VideoBlocked: "blacklistOnMyVideo", VideoUnblocked: "blacklistOnMyVideo",
		AbuseChanged: "abuseStateChange", AbuseMessage: "abuseNewMessage", NewAbuse: "abuseAsModerator",
		VideoQuarantined: "videoAutoBlacklistAsModerator", NewUser: "newUserRegistration", NewRegistration: "newUserRegistration",
		InstanceFollower: "newInstanceFollower", InstanceFollowing: "autoInstanceFollowing",
	}[t]
	for _, s := range settings() {
		if s.name == name {
			return s
		}
	}
	return setting{value: Web}
}

// Event is something that users are to hear of.
type Event struct {
	Type   Type  `json:"type"`
	Object int64 `json:"object"` // row id of what it is about
	// Event tells events about one object apart; 0 for what happens to an object
	// once.
	Event int64 `json:"event"`
	By    int64 `json:"by"` // the actor who did it, who is not told; 0: nobody
}

// Audience is who is to hear of an event, as SQL.
type Audience struct {
	Tables string // what stands after FROM; users is u
	Where  string
	Args   []any // of Where
	// Cursor is a column that orders the rows and differs in each; "u.id" when
	// empty.
	Cursor string
}

// Roles are the users whose role is at most as low as given: moderators and
// administrators for 1.
func Roles(lowest int) Audience {
	return Audience{Tables: "users u", Where: "u.role <= ?", Args: []any{lowest}}
}

// OneUser is a single user; of id 0, nobody.
func OneUser(id int64) Audience {
	return Audience{Tables: "users u", Where: "u.id = ?", Args: []any{id}}
}

// Accounts are the local users with some actors.
func Accounts(actorIDs ...int64) Audience {
	return Audience{
		Tables: "accounts a JOIN users u ON u.id = a.user_id", Where: "a.actor_id IN ?", Args: []any{actorIDs},
	}
}

// Followers are the local users who follow an actor.
func Followers(actorID int64) Audience {
	return Audience{
		Tables: "follows f JOIN accounts a ON a.actor_id = f.follower_id JOIN users u ON u.id = a.user_id",
		Where:  "f.target_id = ? AND f.state = 'accepted'", Args: []any{actorID}, Cursor: "f.id",
	}
}

// ErrGone says that there is nothing to tell any more.
var ErrGone = db.ErrNotFound

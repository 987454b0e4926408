package catalog

import "github.com/kinemesh/kinemesh/video/label"

// Privacy says for whom a video is; the numbers go over the API.
type Privacy int

// The privacies. Internal is for users of this instance, Password for whoever
// has one of the video's passwords.
const (
	Public   Privacy = 1
	Unlisted Privacy = 2
	Private  Privacy = 3
	Internal Privacy = 4
	Password Privacy = 5
)

// State is where a video is in its life; the numbers go over the API and over
// ActivityPub.
type State int

// The states.
const (
	Published         State = 1
	ToTranscode       State = 2
	ToImport          State = 3
	WaitingForLive    State = 4
	LiveEnded         State = 5
	ToMoveStorage     State = 6
	TranscodingFailed State = 7
	MoveFailed        State = 8
	ToEdit            State = 9
)

// CommentsPolicy says whether a video takes comments; the numbers go over the
// API and over ActivityPub.
type CommentsPolicy int

// The comment policies.
const (
	CommentsEnabled  CommentsPolicy = 1
	CommentsDisabled CommentsPolicy = 2
	CommentsApproval CommentsPolicy = 3
)

var (
	privacies = map[int]string{1: "Public", 2: "Unlisted", 3: "Private", 4: "Internal", 5: "Password protected"}

	states = map[int]string{
		1: "Published", 2: "To transcode", 3: "To import", 4: "Waiting for livestream", 5: "Livestream ended",
		6: "To move to an external storage", 7: "Transcoding failed", 8: "External storage move failed", 9: "To edit",
	}

	commentsPolicies = map[int]string{1: "Enabled", 2: "Disabled", 3: "Requires approval"}
)

// Label names a privacy.
func (p Privacy) Label() string { return label.Of(privacies, int(p)) }

// Label names a state.
func (s State) Label() string { return label.Of(states, int(s)) }

// Label names a comments policy.
func (c CommentsPolicy) Label() string { return label.Of(commentsPolicies, int(c)) }

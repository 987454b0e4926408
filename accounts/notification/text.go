package notification

import "fmt"

// Text is a notification in words.
type Text struct {
	Sentence string // without a full stop
	Action   string // what the link does; empty: there is none
	Path     string // of the page about it, begins with a slash
}

// Text says what happened.
func (j *JSON) Text() Text {
	switch j.Type {
	case NewVideo, VideoPublished, VideoBlocked, VideoUnblocked, VideoQuarantined:
		return j.videoText()
	case NewComment, Mention:
		return j.commentText()
	case NewAbuse, AbuseChanged, AbuseMessage:
		return j.abuseText()
	case NewFollow, InstanceFollower, InstanceFollowing:
		return j.followText()
	case NewUser:
		return Text{named(j.Account) + " registered", "See the account", pathOf("/a/", j.Account)}.orPlain(j.Account != nil)
	case NewRegistration:
		if j.Registration == nil {
			return Text{Sentence: "Somebody asked for an account"}
		}
		return Text{j.Registration.Username + " asks for an account", "See the request", "/admin/moderation/registrations/list"}
	}
	return Text{Sentence: "Something happened"}
}

// orPlain leaves the link away from what is not there any more.
func (t Text) orPlain(there bool) Text {
	if !there {
		t.Action, t.Path = "", ""
	}
	return t
}

func (j *JSON) videoText() Text {
	v := j.Video
	if j.VideoBlock != nil {
		v = j.VideoBlock.Video
	}
	name, path := title(v), watch(v)
	if j.Type == VideoPublished {
		return Text{"Your video " + name + " is published", "Watch it", path}.orPlain(v != nil)
	}
	if j.Type == VideoBlocked {
		return Text{"Your video " + name + " was blocked by a moderator", "See the video", path}.orPlain(v != nil)
	}
	if j.Type == VideoUnblocked {
		return Text{"Your video " + name + " is not blocked any more", "Watch it", path}.orPlain(v != nil)
	}
	if j.Type == VideoQuarantined {
		return Text{"The video " + name + " waits for your review", "See the video", path}.orPlain(v != nil)
	}
	if v == nil {
		return Text{Sentence: "A channel you follow published a video that is gone"}
	}
	return Text{named(v.Channel) + " published " + name, "Watch it", path}
}

func (j *JSON) commentText() Text {
	c := j.Comment
	switch {
	case c == nil && j.Type == Mention:
		return Text{Sentence: "Somebody mentioned you in a comment that is gone"}
	case c == nil:
		return Text{Sentence: "Somebody wrote a comment that is gone below one of your videos"}
	}
	path := fmt.Sprintf("%s;threadId=%d", watch(c.Video), c.ThreadID)
	if j.Type == Mention {
		return Text{named(c.Account) + " mentioned you below " + title(c.Video), "Read the comment", path}
	}
	sentence := named(c.Account) + " commented on your video " + title(c.Video)
	if c.HeldForReview {
		sentence += "; the comment waits for your approval"
	}
	return Text{sentence, "Read the comment", path}
}

func (j *JSON) abuseText() Text {
	a := j.Abuse
	if a == nil {
		return Text{Sentence: "There was news about a report that is gone"}
	}
	about := "an account"
	switch {
	case a.Comment != nil:
		about = "a comment below " + title(a.Comment.Video)
	case a.Video != nil:
		about = "the video " + title(a.Video)
	case a.Account != nil:
		about = "the account " + named(a.Account)
	}
	switch {
	case j.Type == NewAbuse:
		return Text{"A new report of " + about, "See the report", "/admin/moderation/abuses/list"}
	case j.Type == AbuseMessage:
		return Text{"A new message about the report of " + about, "See the report", "/my-account/abuses"}
	case a.State == 2:
		return Text{"Your report of " + about + " was rejected", "See the report", "/my-account/abuses"}
	case a.State == 3:
		return Text{"Your report of " + about + " was accepted", "See the report", "/my-account/abuses"}
	}
	return Text{"Your report of " + about + " is looked at again", "See the report", "/my-account/abuses"}
}

func (j *JSON) followText() Text {
	f := j.ActorFollow
	if f == nil {
		return map[Type]Text{
			NewFollow:         {Sentence: "Somebody followed you who does not any more"},
			InstanceFollower:  {Sentence: "A server followed this one that does not any more"},
			InstanceFollowing: {Sentence: "This server followed another one that it does not follow any more"},
		}[j.Type]
	}
	if j.Type == InstanceFollower {
		if f.State == "pending" {
			return Text{f.Follower.Host + " asks to follow this server", "See the followers", "/admin/follows/followers-list"}
		}
		return Text{f.Follower.Host + " follows this server", "See the followers", "/admin/follows/followers-list"}
	}
	if j.Type == InstanceFollowing {
		return Text{"This server follows " + f.Following.Host + " by itself", "See the servers", "/admin/follows/following-list"}
	}
	if f.Following.Type == "channel" {
		return Text{named(f.Follower) + " follows your channel " + f.Following.DisplayName, "See the account", pathOf("/a/", f.Follower)}
	}
	return Text{named(f.Follower) + " follows you", "See the account", pathOf("/a/", f.Follower)}
}

func named(a *Actor) string {
	if a == nil {
		return "Somebody"
	}
	return a.DisplayName
}

func title(v *Video) string {
	if v == nil {
		return "that is gone"
	}
	return "“" + v.Name + "”"
}

func watch(v *Video) string {
	if v == nil {
		return ""
	}
	return "/w/" + v.ShortUUID
}

func pathOf(prefix string, a *Actor) string {
	if a == nil {
		return ""
	}
	return prefix + a.Name + "@" + a.Host
}

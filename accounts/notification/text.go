package notification

import "fmt"

// Text is a notification in words.
type Text struct {
	Sentence string // without a full stop
	Action   string // what the link does; empty: there is none
	Path     string // of the page about it, begins with a slash; empty: there is none
	Gone     bool   // what it was about is not there any more
}

// Text says what happened. Its path is that of a page of this server: what has
// none, such as a follower of the server, has no link.
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
		return Text{Gone: j.Account == nil, Sentence: named(j.Account) + " registered"}.to("See the account", accountPage(j.Account))
	case NewRegistration:
		if j.Registration == nil {
			return gone("Somebody asked for an account")
		}
		return Text{Sentence: j.Registration.Username + " asks for an account"}
	}
	return gone("Something happened")
}

// gone says what happened to something that is not there any more.
func gone(sentence string) Text { return Text{Sentence: sentence, Gone: true} }

// to adds the link; there is none to an empty path.
func (t Text) to(action, path string) Text {
	if path != "" {
		t.Action, t.Path = action, path
	}
	return t
}

func (j *JSON) videoText() Text {
	v := j.Video
	if j.VideoBlock != nil {
		v = j.VideoBlock.Video
	}
	name := title(v)
	text := func(sentence, action string) Text {
		return Text{Sentence: sentence, Gone: v == nil}.to(action, watch(v))
	}
	switch {
	case j.Type == VideoPublished:
		return text("Your video "+name+" is published", "Watch it")
	case j.Type == VideoBlocked:
		return text("Your video "+name+" was blocked by a moderator", "See the video")
	case j.Type == VideoUnblocked:
		return text("Your video "+name+" is not blocked any more", "Watch it")
	case j.Type == VideoQuarantined:
		return text("The video "+name+" waits for your review", "See the video")
	case v == nil:
		return gone("A channel you follow published a video that is gone")
	}
	return text(named(v.Channel)+" published "+name, "Watch it")
}

func (j *JSON) commentText() Text {
	c := j.Comment
	switch {
	case c == nil && j.Type == Mention:
		return gone("Somebody mentioned you in a comment that is gone")
	case c == nil:
		return gone("Somebody wrote a comment that is gone below one of your videos")
	}
	sentence := named(c.Account) + " commented on your video " + title(c.Video)
	if j.Type == Mention {
		sentence = named(c.Account) + " mentioned you below " + title(c.Video)
	} else if c.HeldForReview {
		sentence += "; the comment waits for your approval"
	}
	return Text{Sentence: sentence}.to("Read the comment", watchComment(c.Video, c.ID))
}

func (j *JSON) abuseText() Text {
	a := j.Abuse
	if a == nil {
		return gone("There was news about a report that is gone")
	}
	about, action, path := "an account", "", ""
	switch {
	case a.Comment != nil:
		about, action, path = "a comment below "+title(a.Comment.Video), "See the comment", watchComment(a.Comment.Video, a.Comment.ID)
	case a.Video != nil:
		about, action, path = "the video "+title(a.Video), "See the video", watch(a.Video)
	case a.Account != nil:
		about, action, path = "the account "+named(a.Account), "See the account", accountPage(a.Account)
	}
	sentence := "Your report of " + about + " is looked at again"
	switch {
	case j.Type == NewAbuse:
		sentence = "A new report of " + about
	case j.Type == AbuseMessage:
		sentence = "A new message about the report of " + about
	case a.State == 2:
		sentence = "Your report of " + about + " was rejected"
	case a.State == 3:
		sentence = "Your report of " + about + " was accepted"
	}
	return Text{Sentence: sentence}.to(action, path)
}

func (j *JSON) followText() Text {
	f := j.ActorFollow
	switch {
	case f == nil && j.Type == NewFollow:
		return gone("Somebody followed you who does not any more")
	case f == nil && j.Type == InstanceFollower:
		return gone("A server followed this one that does not any more")
	case f == nil:
		return gone("This server followed another one that it does not follow any more")
	case j.Type == InstanceFollower && f.State == "pending":
		return Text{Sentence: f.Follower.Host + " asks to follow this server"}
	case j.Type == InstanceFollower:
		return Text{Sentence: f.Follower.Host + " follows this server"}
	case j.Type == InstanceFollowing:
		return Text{Sentence: "This server follows " + f.Following.Host + " by itself"}
	}
	sentence := named(f.Follower) + " follows you"
	if f.Following.Type == "channel" {
		sentence = named(f.Follower) + " follows your channel " + f.Following.DisplayName
	}
	return Text{Sentence: sentence}.to("See the account", accountPage(f.Follower))
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

// watchComment is the page of a video at one of its comments.
func watchComment(v *Video, id int64) string {
	if v == nil || id == 0 {
		return watch(v)
	}
	return fmt.Sprintf("%s?autoplay=0#comment-%d", watch(v), id)
}

func accountPage(a *Actor) string {
	if a == nil || a.NoAccount {
		return ""
	}
	return "/a/" + a.Name + "@" + a.Host
}

package comment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// What follows the id of a comment in other ids (PT federation 2).
const (
	activityPart = "/activity"
	approvedPart = "/activity/approved" // the Create that carries an approval
	approvePart  = "/approve-reply"
	rejectPart   = "/reject-reply"
	deletePart   = "/delete"
)

// people are the actors around a comment.
type people struct {
	author           *actor.Actor // of the comment; nil when it has none
	account, channel *actor.Actor // of the video
	above            []*actor.Actor
	shared           []*actor.Actor // of a local video: whose followers have it
}

// people loads those around a comment, nil for one that only hangs below v.
func (s *Service) people(ctx context.Context, v *catalog.Video, c *Comment) (*people, error) {
	var authorID int64
	var parent *Comment
	if c != nil {
		if c.ActorID != nil {
			authorID = *c.ActorID
		}
		if c.ParentID != nil {
			var err error
			if parent, err = s.byID(ctx, *c.ParentID); err != nil {
				return nil, err
			}
		}
	}
	return s.peopleOf(ctx, v, authorID, parent)
}

// peopleOf loads those around a comment by an author, 0 for none, below parent.
func (s *Service) peopleOf(ctx context.Context, v *catalog.Video, authorID int64, parent *Comment) (*people, error) {
	var above, shared []int64
	for depth := 0; parent != nil && depth < maxDepth; depth++ {
		if parent.ActorID != nil && parent.DeletedAt == nil && !slices.Contains(above, *parent.ActorID) {
			above = append(above, *parent.ActorID)
		}
		if parent.ParentID == nil {
			break
		}
		var err error
		if parent, err = s.byID(ctx, *parent.ParentID); err != nil {
			return nil, err
		}
	}
	if v.Local && s.catalog.Federates(v) {
		var err error
		if shared, err = catalog.Involved(s.db.Read(ctx), v.ID); err != nil {
			return nil, err
		}
		shared = append(shared, v.Owner.ChannelActorID, v.Owner.AccountActorID)
	}
	ids := slices.Concat(above, shared, []int64{authorID, v.Owner.AccountActorID, v.Owner.ChannelActorID})
	actors, err := s.engine.Actors.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	p := &people{author: actors[authorID], account: actors[v.Owner.AccountActorID], channel: actors[v.Owner.ChannelActorID]}
	if p.account == nil || p.channel == nil {
		return nil, fmt.Errorf("video %d: its account or channel is gone", v.ID)
	}
	p.above, p.shared = pick(actors, above), pick(actors, shared)
	return p, nil
}

func pick(actors map[int64]*actor.Actor, ids []int64) []*actor.Actor {
	var out []*actor.Actor
	for _, id := range ids {
		if a := actors[id]; a != nil && a.GoneAt == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// audience is to and cc of a comment and what carries it (PT federation 3).
func (p *people) audience() (to, cc []string) {
	cc = []string{}
	add := func(id string) {
		if id != "" && !slices.Contains(cc, id) && (p.author == nil || id != p.author.IRI) {
			cc = append(cc, id)
		}
	}
	if p.author != nil {
		add(p.author.Followers)
	}
	add(p.account.IRI)
	add(p.channel.IRI)
	for _, a := range p.above {
		add(a.IRI)
	}
	for _, a := range p.shared {
		add(a.Followers)
	}
	return []string{vocab.Public}, cc
}

type wireSource struct {
	Content   string `json:"content"`
	MediaType string `json:"mediaType"`
}

type wireMention struct {
	Type string `json:"type"`
	Href string `json:"href"`
	Name string `json:"name"`
}

// wireNote is the document of a comment. Its content is HTML, which all servers
// show; the Markdown it was written in stands beside it, for those that edit.
type wireNote struct {
	To            []string      `json:"to"`
	Cc            []string      `json:"cc"`
	Type          string        `json:"type"`
	ID            string        `json:"id"`
	Content       string        `json:"content"`
	MediaType     string        `json:"mediaType"`
	Source        wireSource    `json:"source"`
	InReplyTo     string        `json:"inReplyTo"`
	Audience      string        `json:"audience"`
	Updated       string        `json:"updated"`
	Published     string        `json:"published"`
	URL           string        `json:"url"`
	AttributedTo  string        `json:"attributedTo"`
	ReplyApproval *string       `json:"replyApproval"`
	Tag           []wireMention `json:"tag"`
}

// wireTombstone is what a deleted comment leaves (PT federation 4 Note).
type wireTombstone struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	FormerType string `json:"formerType"`
	InReplyTo  string `json:"inReplyTo"`
	Published  string `json:"published"`
	Updated    string `json:"updated"`
	Deleted    string `json:"deleted"`
}

// wireAnswer is an ApproveReply or RejectReply.
type wireAnswer struct {
	To        []string `json:"to"`
	Type      string   `json:"type"`
	ID        string   `json:"id"`
	Actor     string   `json:"actor"`
	InReplyTo string   `json:"inReplyTo"`
	Object    string   `json:"object"`
}

// note makes the document of a local comment below above, the id of what it
// answers.
func (s *Service) note(c *Comment, above string, p *people) wireNote {
	to, cc := p.audience()
	w := wireNote{
		To: to, Cc: cc, Type: "Note", ID: c.IRI, Content: markup.Render(c.Text), MediaType: "text/html",
		Source: wireSource{c.Text, "text/markdown"}, InReplyTo: above, Audience: p.channel.IRI, Updated: vocab.Time(c.UpdatedAt),
		Published: vocab.Time(c.CreatedAt), URL: c.URL, AttributedTo: p.author.IRI, Tag: []wireMention{},
	}
	if w.Content == "" { // Markdown that shows nothing; others refuse an empty text
		w.Content = "<p>…</p>"
	}
	if c.Approval != "" {
		w.ReplyApproval = &c.Approval
	}
	for _, a := range p.above {
		if a.ID != p.author.ID {
			w.Tag = append(w.Tag, wireMention{"Mention", a.IRI, s.mentionOf(a)})
		}
	}
	if len(p.above) == 0 && p.account.ID != p.author.ID { // who is answered by a root is the owner
		w.Tag = append(w.Tag, wireMention{"Mention", p.account.IRI, s.mentionOf(p.account)})
	}
	return w
}

func (s *Service) mentionOf(a *actor.Actor) string {
	host := a.Host
	if a.Local() {
		host = s.engine.Actors.Host()
	}
	return "@" + a.Username + "@" + host
}

// aboveOf is the id of what a comment answers.
func (s *Service) aboveOf(ctx context.Context, v *catalog.Video, c *Comment) (string, error) {
	if c.ParentID == nil {
		return v.IRI, nil
	}
	parent, err := s.byID(ctx, *c.ParentID)
	if err != nil {
		return "", err
	}
	return parent.IRI, nil
}

// create is the Create of a local comment, under an id of its own once it is
// approved: servers take each id once.
func (s *Service) create(c *Comment, above string, p *people, part string) (json.RawMessage, error) {
	w := s.note(c, above, p)
	return vocab.Build(vocab.Comment, vocab.Wire{To: w.To, Cc: w.Cc, Type: "Create", ID: c.IRI + part, Actor: p.author.IRI, Object: w})
}

// deleted is the Delete of a comment, by its author or the owner of the video.
func (*Service) deleted(c *Comment, by *actor.Actor, p *people) (json.RawMessage, error) {
	to, cc := p.audience()
	return vocab.Build(vocab.Base, vocab.Wire{To: to, Cc: cc, Type: "Delete", ID: c.IRI + deletePart, Actor: by.IRI, Object: c.IRI})
}

// approvalID names the approval of a comment below a local video.
func (s *Service) approvalID(v *catalog.Video, c *Comment, part string) string {
	return v.IRI + "/comments/" + strconv.FormatInt(c.ID, 10) + part
}

func (s *Service) answer(v *catalog.Video, c *Comment, kind, part string, owner *actor.Actor, author string) (json.RawMessage, error) {
	return vocab.Build(vocab.ApproveReply, wireAnswer{
		To: []string{author}, Type: kind, ID: s.approvalID(v, c, part), Actor: owner.IRI, InReplyTo: v.IRI, Object: c.IRI,
	})
}

// documentPath splits the path of a comment's document, or of the collection.
func documentPath(path string) (uuid string, id int64, part string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/videos/watch/")
	if !ok {
		return "", 0, "", false
	}
	uuid, rest, ok = strings.Cut(strings.TrimSuffix(rest, "/"), "/comments")
	if !ok || strings.Contains(uuid, "/") {
		return "", 0, "", false
	}
	if rest == "" {
		return uuid, 0, "", true
	}
	number, part, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	if id, err := strconv.ParseInt(number, 10, 64); err == nil && id > 0 && strings.HasPrefix(rest, "/") {
		if part != "" {
			part = "/" + part
		}
		return uuid, id, part, true
	}
	return "", 0, "", false
}

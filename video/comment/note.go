package comment

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// maxAttachments bounds the files of a note that are linked (SEC-36).
const maxAttachments = 4

// note is a Note that passed all checks which need no network.
type note struct {
	iri, url, author, inReplyTo, text string
	published, updated                time.Time
	approval                          string // of the owner of the video
	approvable                        bool   // its server knows approvals, and sends it again with one
	deleted                           bool   // a Tombstone
}

// reject says why a document is not taken.
func reject(format string, args ...any) error {
	return fmt.Errorf("%w: note "+format, append([]any{vocab.ErrInvalid}, args...)...)
}

// parse reads a Note, or the Tombstone that one left: what makes PeerTube reject
// it is rejected, what PeerTube repairs is repaired (PT federation 4 Note).
func parse(o vocab.Object) (*note, error) {
	n := &note{iri: o.ID(), inReplyTo: o.IRI("inReplyTo"), deleted: o.Is("Tombstone")}
	var ok bool
	switch n.published, ok = o.Time("published"); {
	case !o.Is("Note") && (!n.deleted || o.String("formerType") != "" && o.String("formerType") != "Note"):
		return nil, reject("of type %q", o.Type())
	case n.iri == "":
		return nil, reject("without a valid id")
	case n.inReplyTo == "":
		return nil, reject("that answers nothing")
	case !ok && !n.deleted:
		return nil, reject("with published %.40s", o.Field("published"))
	case !ok:
		n.published = db.Now()
	}
	if now := db.Now(); n.published.After(now) { // else it would stay on top
		n.published = now
	}
	if n.updated, ok = o.Time("updated"); !ok || n.updated.Before(n.published) {
		n.updated = n.published
	}
	if n.url = o.IRI("url"); o.Has("url") && n.url == "" {
		return nil, reject("with url %.60s", o.Field("url"))
	}
	if !iri.SameHost(n.iri, n.url) {
		n.url = n.iri
	}
	if n.deleted {
		return n, nil
	}
	return n, n.read(o)
}

// read takes what a Tombstone does not have.
func (n *note) read(o vocab.Object) error {
	if n.author = o.IRI("attributedTo"); !iri.SameHost(n.iri, n.author) { // SEC-12
		return reject("%s by %q: two hosts", n.iri, n.author)
	}
	if !o.IsPublic() && !slices.Contains(o.Cc(), vocab.Public) { // what was said to some is not shown to all
		return reject("that is not public")
	}
	n.approvable = o.Field("replyApproval") != nil
	if n.approval = o.IRI("replyApproval"); o.Has("replyApproval") && n.approval == "" {
		return reject("with replyApproval %.60s", o.Field("replyApproval"))
	}
	if n.text = textOf(o); n.text == "" {
		return reject("without content")
	}
	return nil
}

// textOf is the safe text of a note: its Markdown where there is some, else its
// HTML (SEC-37).
func textOf(o vocab.Object) string {
	content := o.String("content")
	if content == "" { // contentMap alone; the order of languages is not defined, so take any
		if m, ok := o.Object("contentMap"); ok {
			content = anyString(m)
		}
	}
	kind := o.String("mediaType")
	if src, ok := o.Object("source"); ok && src.String("mediaType") == "text/markdown" && src.String("content") != "" {
		content, kind = src.String("content"), "text/markdown"
	}
	content = input.Text(markup.Clip(content, maxSource))
	switch kind {
	case "text/markdown":
		content = markup.Clip(strings.TrimSpace(markup.Markdown(content)), maxText)
		content = markup.Markdown(content) // the cut may have made a tag
	case "text/plain":
		content = markup.Clip(html.EscapeString(content), maxText)
	default:
		content = cutHTML(markup.HTML(content))
	}
	if cw := input.Line(o.String("summary")); cw != "" { // Mastodon's content warning
		content = cutHTML(html.EscapeString(cw) + "\n\n" + content)
	}
	return strings.TrimSpace(content + attachments(o))
}

// cutHTML cuts safe HTML to the length of a comment.
func cutHTML(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(markup.HTML(markup.Clip(s, maxText)))
}

func anyString(m vocab.Object) string {
	var byLanguage map[string]any
	if m.Decode(&byLanguage) != nil {
		return ""
	}
	languages := make([]string, 0, len(byLanguage))
	for l := range byLanguage {
		languages = append(languages, l)
	}
	slices.Sort(languages)
	for _, l := range languages {
		if s, ok := byLanguage[l].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// attachments links the files of a note, which nothing here shows.
func attachments(o vocab.Object) string {
	var b strings.Builder
	for i, a := range o.Objects("attachment") {
		address := a.IRI("url")
		if i == maxAttachments {
			break
		}
		if address == "" {
			address = a.IRI("href")
		}
		if address == "" {
			continue
		}
		name := input.Line(markup.Clip(a.String("name"), 100))
		if name == "" {
			name = address
		}
		b.WriteString("\n\n" + markup.HTML(`<a href="`+html.EscapeString(address)+`">`+html.EscapeString(name)+`</a>`))
	}
	return b.String()
}

// Package peertube reads documents as PeerTube does, for tests: it knows for
// what PeerTube refuses a document, or silently loses a part of it (PT
// federation 1, 4). It is written from what is known of PeerTube alone and
// shares no code with the encoder of this server: only encoding/json.
package peertube

import (
	"encoding/json"
	"fmt"
)

// Check lists every reason for which PeerTube would refuse raw, an activity, an
// actor, an object or a collection as it goes over the wire; none means that it
// takes it. A type that PeerTube does not know is a reason.
func Check(raw []byte) []string {
	var d map[string]any
	if err := json.Unmarshal(raw, &d); err != nil {
		return []string{err.Error()}
	}
	c := &checker{d: d}
	c.context()
	c.document()
	return c.bad
}

type checker struct {
	d   map[string]any
	bad []string
}

func (c *checker) must(ok bool, what string) {
	if !ok {
		c.bad = append(c.bad, what)
	}
}

// inside checks a document within the document; its faults are named by where.
func (c *checker) inside(where string, v any, check func(*checker)) {
	o, ok := v.(map[string]any)
	if !ok {
		c.must(false, where+" is an object")
		return
	}
	in := &checker{d: o}
	check(in)
	for _, b := range in.bad {
		c.bad = append(c.bad, where+": "+b)
	}
}

// context demands what PeerTube's signatures need.
func (c *checker) context() {
	list, ok := c.d["@context"].([]any)
	if !ok {
		c.must(c.d["@context"] == "https://www.w3.org/ns/activitystreams", "@context")
		return
	}
	c.must(len(list) > 0 && list[0] == "https://www.w3.org/ns/activitystreams", "@context begins with ActivityStreams")
}

// document checks by type.
func (c *checker) document() {
	t, _ := c.d["type"].(string)
	if check := objects()[t]; check != nil {
		check(c)
		return
	}
	if check := activities()[t]; check != nil {
		c.base()
		check(c)
		return
	}
	c.must(false, fmt.Sprintf("type %v is known", c.d["type"]))
}

// objects are what is not an activity.
func objects() map[string]func(*checker) {
	return map[string]func(*checker){
		"Video": (*checker).video, "Note": (*checker).note, "Tombstone": (*checker).tombstone,
		"Playlist": (*checker).playlistDocument, "PlaylistElement": (*checker).playlistElement,
		"CacheFile": (*checker).cacheFile, "WatchAction": (*checker).watchAction,
		"Person": (*checker).actor, "Group": (*checker).actor, "Application": (*checker).actor,
		"OrderedCollection": (*checker).collection, "OrderedCollectionPage": (*checker).page,
	}
}

// activities are what an inbox takes; their base is checked before.
func activities() map[string]func(*checker) {
	return map[string]func(*checker){
		"Create": func(c *checker) { c.carries("Video", "Note", "Playlist", "CacheFile", "WatchAction") },
		"Update": func(c *checker) {
			c.carries("Video", "Note", "Playlist", "CacheFile", "Person", "Group", "Application")
		},
		"Delete": func(c *checker) { c.must(isURL(idOf(c.d["object"])), "object") },
		"Follow": (*checker).plain, "Announce": (*checker).plain, "Like": (*checker).plain, "Dislike": (*checker).plain,
		"Accept": func(c *checker) { c.answer("Follow") },
		"Reject": func(c *checker) { c.answer("Follow") },
		"Undo":   (*checker).undo,
		"View":   (*checker).view,
		"Flag":   (*checker).flag,
		"ApproveReply": func(c *checker) {
			c.plain()
			c.must(isURL(c.d["inReplyTo"]), "inReplyTo")
		},
		"RejectReply": func(c *checker) {
			c.plain()
			c.must(isURL(c.d["inReplyTo"]), "inReplyTo")
		},
	}
}

// base is what every activity has. A lone string in to or cc is refused, and
// so is the short form of Public, since it is no URL.
func (c *checker) base() {
	c.must(isURL(c.d["id"]), "id")
	c.must(isURL(idOf(c.d["actor"])), "actor")
	object, _ := idOf(c.d["object"]).(string)
	moderated := c.d["type"] == "Delete" && c.d["id"] == object+"/delete" // the video's owner deletes another's comment
	c.must(moderated || host(c.d["id"]) == host(idOf(c.d["actor"])), "id and actor on one host")
	c.audiences()
}

func (c *checker) audiences() {
	for _, k := range []string{"to", "cc"} {
		if c.d[k] == nil {
			continue
		}
		list, ok := c.d[k].([]any)
		c.must(ok, k+" is an array")
		for _, a := range list {
			c.must(isURL(a), fmt.Sprintf("%s: %v is a URL", k, a))
		}
	}
}

func (c *checker) plain() {
	_, s := c.d["object"].(string)
	c.must(s && isURL(c.d["object"]), "object is a URL")
}

// carries checks an embedded object of one of the types, of the actor's host.
func (c *checker) carries(types ...string) {
	c.inside("object", c.d["object"], func(in *checker) {
		for _, t := range types {
			if in.d["type"] == t {
				in.must(host(in.d["id"]) == host(idOf(c.d["actor"])), "on the actor's host")
				in.audiences()
				in.document()
				return
			}
		}
		in.must(false, fmt.Sprintf("type %v may be carried", in.d["type"]))
	})
}

func (c *checker) answer(types ...string) {
	c.inside("object", c.d["object"], func(in *checker) {
		ok := false
		for _, t := range types {
			ok = ok || in.d["type"] == t
		}
		in.must(ok, fmt.Sprintf("type %v is one of %v", in.d["type"], types))
		in.must(isURL(in.d["id"]) && isURL(idOf(in.d["actor"])) && isURL(idOf(in.d["object"])), "id, actor, object")
	})
}

// undo embeds what it undoes, by the same actor.
func (c *checker) undo() {
	c.inside("object", c.d["object"], func(in *checker) {
		in.must(idOf(in.d["actor"]) == idOf(c.d["actor"]), "by the same actor")
		switch in.d["type"] {
		case "Follow", "Like", "Dislike", "Announce", "Create":
			in.base()
			activities()[in.d["type"].(string)](in)
		default:
			in.must(false, fmt.Sprintf("type %v can be undone", in.d["type"]))
		}
	})
}

func (c *checker) view() {
	c.plain()
	c.must(c.d["expires"] == nil || isDate(c.d["expires"]), "expires")
	if c.d["result"] != nil {
		c.inside("result", c.d["result"], func(in *checker) {
			in.must(in.d["type"] == "InteractionCounter" && in.d["interactionType"] == "WatchAction", "counter")
			in.must(whole(in.d["userInteractionCount"]) && num(in.d["userInteractionCount"]) >= 0, "userInteractionCount")
		})
	}
}

// flag takes one object: the validator refuses a list, though the code behind
// it would read one.
func (c *checker) flag() {
	c.must(isURL(idOf(c.d["object"])), "object is one URL")
	c.must(strlen(c.d["content"]) >= 2 && strlen(c.d["content"]) <= 3000, "content")
	if c.d["tag"] != nil {
		list, ok := c.d["tag"].([]any)
		c.must(ok, "tag is an array")
		for _, e := range list {
			t, _ := e.(map[string]any)
			c.must(t["type"] == "Hashtag" && reasons[fmt.Sprint(t["name"])], fmt.Sprintf("reason %v", t["name"]))
		}
	}
	for _, k := range []string{"startAt", "endAt"} {
		c.must(c.d[k] == nil || whole(c.d[k]) && num(c.d[k]) >= 0, k)
	}
}

// reasons are the predefined ones of reports.
var reasons = map[string]bool{
	"violentOrAbusive": true, "hatefulOrAbusive": true, "spamOrMisleading": true, "privacy": true, "rights": true,
	"serverRules": true, "thumbnails": true, "captions": true,
}

// idOf gives what names a value: itself, or its id.
func idOf(v any) any {
	if o, ok := v.(map[string]any); ok {
		return o["id"]
	}
	return v
}

package peertube

import (
	"fmt"
	"strings"
)

// note checks a comment (PT federation 4 "Note").
func (c *checker) note() {
	d := c.d
	c.must(isURL(d["id"]) && isURL(idOf(d["attributedTo"])), "id, attributedTo")
	c.must(host(d["id"]) == host(idOf(d["attributedTo"])), "attributedTo on the host of id")
	c.must(strlen(d["content"]) >= 1 && strlen(d["content"]) <= 10000, "content")
	c.must(isURL(d["inReplyTo"]), "inReplyTo")
	c.must(isDate(d["published"]), "published")
	c.must(d["updated"] == nil || isDate(d["updated"]), "updated")
	u, isLink := d["url"].(map[string]any)
	c.must(d["url"] == nil || isURL(d["url"]) || isLink && isURL(u["href"]), "url")
	c.must(d["replyApproval"] == nil || isURL(d["replyApproval"]), "replyApproval")
	to, _ := d["to"].([]any)
	cc, _ := d["cc"].([]any)
	public := false
	for _, a := range append(append([]any(nil), to...), cc...) {
		public = public || a == "https://www.w3.org/ns/activitystreams#Public"
	}
	c.must(public, "public")
	tags, ok := d["tag"].([]any)
	c.must(d["tag"] == nil || ok, "tag is an array")
	for _, e := range tags {
		t, _ := e.(map[string]any)
		if t["type"] == "Mention" {
			c.must(isURL(t["href"]) && match(t["name"], `^@[^@\s]+@[^@\s]+$`), fmt.Sprintf("mention %v", t["name"]))
		}
	}
}

func (c *checker) tombstone() {
	d := c.d
	c.must(isURL(d["id"]), "id")
	if d["formerType"] != nil {
		c.must(d["formerType"] == "Note" && isDate(d["deleted"]) && isDate(d["published"]), "formerType, deleted, published")
	}
}

// playlistDocument checks a Playlist, which is an OrderedCollection too.
func (c *checker) playlistDocument() {
	d := c.d
	c.must(isURL(d["id"]), "id")
	c.must(strlen(d["name"]) >= 1 && strlen(d["name"]) <= 120, "name")
	c.must(isUUID(d["uuid"]), "uuid")
	c.must(whole(d["totalItems"]) && num(d["totalItems"]) >= 0, "totalItems")
	c.must(isDate(d["published"]) && isDate(d["updated"]), "published, updated")
	c.must(d["content"] == nil || strlen(d["content"]) <= 1000, "content")
	owners, _ := d["attributedTo"].([]any)
	owner := d["audience"]
	if owner == nil && len(owners) > 0 {
		owner = idOf(owners[0])
	}
	c.must(isURL(owner) && host(owner) == host(d["id"]), "a channel of its host owns it")
	c.must(len(owners) > 0, "attributedTo")
	if d["icon"] != nil {
		icon := d["icon"]
		if list, ok := icon.([]any); ok && len(list) > 0 {
			icon = list[0]
		}
		c.inside("icon", icon, (*checker).image)
	}
}

func (c *checker) image() {
	c.must(c.d["type"] == "Image" && isURL(c.d["url"]) && match(c.d["mediaType"], `^image/(jpeg|png|webp)$`), "image")
	c.must(whole(c.d["width"]) && whole(c.d["height"]), "size of the image")
}

func (c *checker) playlistElement() {
	d := c.d
	c.must(isURL(d["id"]) && isURL(d["url"]), "id, url")
	c.must(whole(d["position"]) && num(d["position"]) >= 1, "position")
	for _, k := range []string{"startTimestamp", "stopTimestamp"} {
		c.must(d[k] == nil || whole(d[k]) && num(d[k]) >= 0, k)
	}
}

func (c *checker) cacheFile() {
	d := c.d
	c.must(isURL(d["id"]) && isURL(d["object"]), "id, object")
	_, has := d["expires"]
	c.must(has && (d["expires"] == nil || isDate(d["expires"])), "expires is a date or null")
	c.inside("url", d["url"], func(in *checker) {
		in.must(in.d["type"] == "Link" && in.d["mediaType"] == "application/x-mpegURL" && isURL(in.d["href"]), "link to a playlist")
	})
}

func (c *checker) watchAction() {
	d := c.d
	c.must(isURL(d["id"]) && isURL(d["object"]), "id, object")
	c.must(match(d["duration"], `^PT\d+S$`), "duration")
	c.must(isDate(d["startTime"]) && isDate(d["endTime"]), "startTime, endTime")
	c.must(isUUID(d["uuid"]), "uuid")
	c.must(d["actionStatus"] == "CompletedActionStatus", "actionStatus")
	sections, ok := d["watchSections"].([]any)
	c.must(ok, "watchSections")
	for _, e := range sections {
		s, _ := e.(map[string]any)
		c.must(num(s["startTimestamp"]) >= 0 && num(s["endTimestamp"]) >= 0, "watch section")
	}
}

// actor checks an actor (PT federation 1 "Accepted from others").
func (c *checker) actor() {
	d := c.d
	for _, k := range []string{"id", "inbox"} {
		c.must(isURL(d[k]), k)
	}
	for _, k := range []string{"outbox", "following", "followers", "playlists"} {
		c.must(d[k] == nil || isURL(d[k]), k)
	}
	c.must(match(d["preferredUsername"], `^[A-Za-z0-9\-_.:]+$`), "preferredUsername")
	c.inside("publicKey", d["publicKey"], func(in *checker) {
		in.must(isURL(in.d["id"]) && in.d["owner"] == d["id"], "id, owner")
		pem, _ := in.d["publicKeyPem"].(string)
		in.must(strings.HasPrefix(pem, "-----BEGIN PUBLIC KEY-----") && len(pem) <= 5000, "publicKeyPem")
	})
	if e, ok := d["endpoints"].(map[string]any); ok {
		c.must(e["sharedInbox"] == nil || isURL(e["sharedInbox"]), "sharedInbox")
	}
	c.must(d["published"] == nil || isDate(d["published"]), "published")
	c.must(d["summary"] == nil || strlen(d["summary"]) >= 3 && strlen(d["summary"]) <= 1000, "summary")
	if d["type"] == "Group" {
		owners, ok := d["attributedTo"].([]any)
		c.must(ok && len(owners) > 0, "a channel belongs to somebody")
		for _, o := range owners {
			c.must(isURL(idOf(o)) && host(idOf(o)) == host(d["id"]), "owner on the channel's host")
		}
	}
	for _, k := range []string{"icon", "image"} {
		list, isList := d[k].([]any)
		c.must(d[k] == nil || isList, k+" is an array")
		for _, e := range list {
			o, _ := e.(map[string]any)
			c.must(o["type"] == "Image" && isURL(o["url"]) && match(o["mediaType"], `^image/`), k)
		}
	}
}

func (c *checker) collection() {
	c.must(isURL(c.d["id"]), "id")
	c.must(whole(c.d["totalItems"]) && num(c.d["totalItems"]) >= 0, "totalItems")
	if c.d["first"] != nil {
		c.must(isURL(c.d["first"]) && host(c.d["first"]) == host(c.d["id"]), "first")
	}
}

func (c *checker) page() {
	c.must(isURL(c.d["id"]), "id")
	c.must(isURL(c.d["partOf"]), "partOf")
	_, ok := c.d["orderedItems"].([]any)
	c.must(ok, "orderedItems is an array")
	for _, k := range []string{"next", "prev"} {
		c.must(c.d[k] == nil || isURL(c.d[k]) && host(c.d[k]) == host(c.d["id"]), k)
	}
}

package peertube

import (
	"encoding/json"
	"fmt"
	"strings"
)

// video checks a Video (PT federation 4 "Video"), and that the files of ours
// have all the links that peer-to-peer players want, in PeerTube's order.
func (c *checker) video() {
	d := c.d
	c.must(isURL(d["id"]), "id")
	c.must(strlen(d["name"]) >= 3 && strlen(d["name"]) <= 120, "name")
	c.must(match(d["duration"], `^PT\d+S$`), "duration")
	c.must(isUUID(d["uuid"]), "uuid")
	c.must(whole(d["views"]) && num(d["views"]) >= 0, "views")
	c.must(d["downloads"] == nil || whole(d["downloads"]) && num(d["downloads"]) >= 0, "downloads")
	c.must(isDate(d["published"]) && isDate(d["updated"]), "published, updated")
	for _, k := range []string{"originallyPublishedAt", "uploadDate"} {
		c.must(d[k] == nil || isDate(d[k]), k)
	}
	c.named("category", `^\d+$`)
	c.named("licence", `^\d+$`)
	c.named("language", `.`)
	if d["content"] != nil {
		c.must(d["mediaType"] == "text/markdown" && strlen(d["content"]) >= 3 && strlen(d["content"]) <= 10000, "content")
	}
	c.must(d["audience"] == nil || isURL(d["audience"]), "audience")
	c.must(d["embedUrl"] == nil || isURL(d["embedUrl"]), "embedUrl")
	c.flags()
	c.public()
	c.owners()
	c.pictures()
	c.captions()
	c.storyboards()
	_, ok := d["url"].([]any)
	c.must(ok, "url is an array")
	c.collections()
	c.links()
}

func (c *checker) named(key, identifier string) {
	o, ok := c.d[key].(map[string]any)
	if c.d[key] != nil {
		c.must(ok && match(o["identifier"], identifier) && strlen(o["name"]) > 0, key)
	}
}

func (c *checker) flags() {
	for _, k := range []string{"sensitive", "waitTranscoding", "downloadEnabled", "commentsEnabled", "isLiveBroadcast"} {
		_, ok := c.d[k].(bool)
		c.must(ok, k+" is a boolean")
	}
	c.must(whole(c.d["state"]) && strings.Contains(" 1 4 5 ", fmt.Sprintf(" %v ", c.d["state"])), "state federates")
	policy := num(c.d["commentsPolicy"])
	c.must(policy >= 1 && policy <= 3, "commentsPolicy")
	c.must((policy != 2) == (c.d["commentsEnabled"] == true), "commentsEnabled agrees with commentsPolicy")
	_, has := c.d["canReply"]
	c.must(has && (c.d["canReply"] == nil) == (policy != 3), "canReply")
	for _, k := range []string{"liveSaveReplay", "permanentLive", "latencyMode"} {
		_, has := c.d[k]
		c.must(has, k+" is there, null for a recording")
	}
	for _, k := range []string{"subtitleLanguage", "tag"} {
		_, ok := c.d[k].([]any)
		c.must(ok, k+" is an array")
	}
	_, ok := c.d["preview"].([]any)
	c.must(c.d["preview"] == nil || ok, "preview is an array")
}

func (c *checker) public() {
	to, okTo := c.d["to"].([]any)
	cc, okCc := c.d["cc"].([]any)
	c.must(okTo && okCc, "to and cc are arrays")
	public := false
	for _, a := range append(to, cc...) {
		c.must(isURL(a), fmt.Sprintf("audience %v is a URL", a))
		public = public || a == "https://www.w3.org/ns/activitystreams#Public"
	}
	c.must(public, "public")
}

func (c *checker) owners() {
	list, _ := c.d["attributedTo"].([]any)
	group := false
	for _, e := range list {
		o, _ := e.(map[string]any)
		c.must((o["type"] == "Group" || o["type"] == "Person") && isURL(o["id"]), "attributedTo entry")
		group = group || (o["type"] == "Group" && host(o["id"]) == host(c.d["id"]))
	}
	c.must(group, "a Group on the video's host")
	c.must(len(list) == 2 && list[0].(map[string]any)["type"] == "Person", "the Person first, then the Group")
}

func (c *checker) pictures() {
	icons, _ := c.d["icon"].([]any)
	valid := 0
	for _, e := range icons {
		o, _ := e.(map[string]any)
		if o["type"] == "Image" && isURL(o["url"]) && match(o["mediaType"], `^image/(jpeg|png|webp)$`) && whole(o["width"]) && whole(o["height"]) {
			valid++
		}
	}
	c.must(valid > 0 && valid == len(icons), "icon")
}

// captions checks subtitleLanguage: url is a Link, a list of Links (8.x) or a
// string (6.3).
func (c *checker) captions() {
	list, _ := c.d["subtitleLanguage"].([]any)
	for _, e := range list {
		o, _ := e.(map[string]any)
		c.must(match(o["identifier"], `^[a-zA-Z-]{2,}$`) && strlen(o["name"]) > 0, "caption language")
		links, ok := o["url"].([]any)
		if !ok {
			links = []any{o["url"]}
		}
		vtt := false
		for _, l := range links {
			link, ok := l.(map[string]any)
			vtt = vtt || !ok && isURL(l) || ok && link["mediaType"] == "text/vtt" && isURL(link["href"])
		}
		c.must(vtt, "caption file")
	}
}

// storyboards checks preview.
func (c *checker) storyboards() {
	list, _ := c.d["preview"].([]any)
	for _, e := range list {
		o, _ := e.(map[string]any)
		urls, _ := o["url"].([]any)
		c.must(o["type"] == "Image" && strings.Contains(fmt.Sprint(o["rel"]), "storyboard") && len(urls) == 1, "storyboard")
		for _, u := range urls {
			l, _ := u.(map[string]any)
			c.must(isURL(l["href"]) && l["mediaType"] == "image/jpeg" && match(l["tileDuration"], `^PT\d+S$`), "storyboard file")
			for _, k := range []string{"width", "height", "tileWidth", "tileHeight"} {
				c.must(whole(l[k]) && num(l[k]) > 0, "storyboard "+k)
			}
		}
	}
}

func (c *checker) collections() {
	for _, k := range []string{"likes", "dislikes", "shares", "comments", "hasParts"} {
		c.must(isURL(c.d[k]) && host(c.d[k]) == host(c.d["id"]), k)
	}
}

// links checks url[] and its order: pages, files from the highest down, the
// playlist, trackers.
func (c *checker) links() {
	list, _ := c.d["url"].([]any)
	stage, last := 0, 1e9
	files, playlists, trackers := 0, 0, 0
	for i, e := range list {
		l, _ := e.(map[string]any)
		at := 0
		kind, _ := l["mediaType"].(string)
		switch {
		case kind == "text/html":
			c.must(isURL(l["href"]), "page")
		case kind == "application/x-mpegURL":
			at = 2
			playlists++
			c.playlist(l)
		case strings.Contains(fmt.Sprint(l["rel"]), "tracker"):
			at = 3
			trackers++
			c.must(match(l["href"], `^(https?|wss?)://`) && l["name"] != nil, "tracker")
		default:
			at = 1
			if strings.HasPrefix(kind, "video/") {
				files++
				c.must(num(l["height"]) <= last, "files from the highest down")
				last = num(l["height"])
			}
		}
		c.must(l["type"] == "Link", fmt.Sprintf("url[%d] is a Link", i))
		c.must(at >= stage, fmt.Sprintf("url[%d] is in order", i))
		stage = at
	}
	c.files(list, "web-video")
	if live, _ := c.d["isLiveBroadcast"].(bool); !live {
		c.must(files > 0 && playlists == 1 && trackers == 2, fmt.Sprintf("%d files, %d playlists, %d trackers", files, playlists, trackers))
	}
}

func (c *checker) playlist(l map[string]any) {
	tags, ok := l["tag"].([]any)
	c.must(ok && isURL(l["href"]), "playlist")
	hashes, sums := 0, 0
	for _, e := range tags {
		t, _ := e.(map[string]any)
		if t["type"] == "Infohash" {
			hashes++
			c.must(match(t["name"], `^[0-9a-f]{40}$`), "infohash")
		}
		if t["name"] == "sha256" {
			sums++
			c.must(isURL(t["href"]) && t["mediaType"] == "application/json", "segment hashes")
		}
	}
	c.must(hashes > 0 && sums == 1, "swarms and segment hashes of the playlist")
	c.files(tags, "fragmented")
}

// files checks that each file has its four links, in order, with one height and
// frame rate, as PeerTube matches them.
func (c *checker) files(list []any, format string) {
	for i, e := range list {
		f, _ := e.(map[string]any)
		if !match(f["mediaType"], `^(video|audio)/`) {
			continue
		}
		name := fmt.Sprint("file ", f["href"])
		c.must(isURL(f["href"]) && whole(f["height"]) && num(f["height"]) >= 0 && whole(f["size"]) && num(f["size"]) >= 0, name)
		c.must(f["fps"] == nil || (whole(f["fps"]) && num(f["fps"]) >= -1), name+": fps")
		raw, _ := json.Marshal(f["attachment"])
		c.must(strings.Contains(string(raw), `"ffprobe_codec_type"`) && strings.Contains(string(raw), `"`+format+`"`), name+": attachment")
		c.must(i+3 < len(list), name+": other links")
		if i+3 >= len(list) {
			return
		}
		meta, torrent, magnet := list[i+1].(map[string]any), list[i+2].(map[string]any), list[i+3].(map[string]any)
		c.must(strings.HasPrefix(fmt.Sprint(meta["rel"]), "[metadata ") && isURL(meta["href"]), name+": metadata")
		c.must(torrent["mediaType"] == "application/x-bittorrent" && isURL(torrent["href"]), name+": torrent")
		c.must(magnet["mediaType"] == "application/x-bittorrent;x-scheme-handler/magnet" && match(magnet["href"], `xt=urn:btih:[0-9a-f]{40}&`), name+": magnet")
		for _, l := range []map[string]any{meta, torrent, magnet} {
			c.must(l["height"] == f["height"] && l["fps"] == f["fps"], name+": the links belong together")
		}
	}
}

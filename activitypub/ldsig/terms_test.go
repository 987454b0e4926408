package ldsig

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// kinds are all kinds of documents that we build.
var kinds = map[string]vocab.Kind{
	"Base": vocab.Base, "Actor": vocab.Actor, "Video": vocab.Video, "Comment": vocab.Comment, "Playlist": vocab.Playlist,
	"CacheFile": vocab.CacheFile, "WatchAction": vocab.WatchAction, "View": vocab.View, "Chapters": vocab.Chapters,
	"Flag": vocab.Flag, "ApproveReply": vocab.ApproveReply,
}

// terms gives the terms that a kind's context defines itself.
func terms(t *testing.T, kind vocab.Kind) map[string]any {
	t.Helper()
	raw, err := vocab.Build(kind, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Context []any `json:"@context"`
	}
	if err := json.Unmarshal(vocab.DefineProof(raw), &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, c := range doc.Context {
		if m, ok := c.(map[string]any); ok {
			maps.Copy(out, m)
		}
	}
	return out
}

// TestTermsComeBack: what is written in any term of any kind is found under
// the same name after compaction, so that readers of documents need not know
// whether one was compacted.
func TestTermsComeBack(t *testing.T) {
	for name, kind := range kinds {
		for term, definition := range terms(t, kind) {
			target, _ := definition.(string)
			typed, _ := definition.(map[string]any)
			if strings.HasSuffix(target, "#") || strings.HasSuffix(target, "/") || term == "icons" || term == "videoChannelPosition" {
				continue // a prefix, or another name for a term that there is already
			}
			fields := map[string]any{"id": "https://a.example/1"}
			var want any = "https://a.example/x"
			switch {
			case strings.ToUpper(term[:1]) == term[:1]: // a type
				fields["type"] = term
			case typed["@type"] == "sc:Number":
				want = 42.0
			case typed["@type"] == "sc:Boolean":
				want = true
			case typed["@type"] == "@vocab":
				want = "assertionMethod"
			}
			at := term
			if fields["type"] == nil {
				fields[term] = want
			} else {
				at, want = "type", term
			}
			if term == "proof" {
				continue // taken off
			}
			raw, err := vocab.Build(kind, fields)
			if err != nil {
				t.Fatal(err)
			}
			compacted, err := Compact(vocab.DefineProof(raw))
			if err != nil {
				t.Errorf("%s %s: %v", name, term, err)
				continue
			}
			var got map[string]any
			if err := json.Unmarshal(compacted, &got); err != nil {
				t.Fatal(err)
			}
			if got[at] != want {
				delete(got, "@context")
				t.Errorf("%s: %s %v became %v", name, at, want, got)
			}
		}
	}
}

// TestNewestTerms: the contexts say what those of the newest PeerTube say (PT
// federation 8), which enters signatures.
func TestNewestTerms(t *testing.T) {
	for kind, want := range map[string]map[string]string{
		"Video": {
			"Hashtag": "as:Hashtag", "category": "sc:category", "licence": "sc:license", "subtitleLanguage": "sc:subtitleLanguage",
			"sensitive": "as:sensitive", "language": "sc:inLanguage", "identifier": "sc:identifier", "isLiveBroadcast": "sc:isLiveBroadcast",
			"Infohash": "pt:Infohash", "SensitiveTag": "pt:SensitiveTag", "originallyPublishedAt": "sc:datePublished", "uploadDate": "sc:uploadDate",
			"schedules": "sc:eventSchedule", "startDate": "sc:startDate", "hasParts": "sc:hasParts", "embedUrl": "sc:embedUrl", "canReply": "pt:canReply",
			"automaticallyGenerated": "pt:automaticallyGenerated", "playerSettings": "pt:playerSettings", "uuid": "sc:identifier pt:uuid",
			"views": "sc:Number pt:views", "downloads": "sc:Number pt:downloads", "state": "sc:Number pt:state", "size": "sc:Number pt:size",
			"fps": "sc:Number pt:fps", "commentsPolicy": "sc:Number pt:commentsPolicy", "latencyMode": "sc:Number pt:latencyMode",
			"tileWidth": "sc:Number pt:tileWidth", "tileHeight": "sc:Number pt:tileHeight", "tileDuration": "sc:Number pt:tileDuration",
			"waitTranscoding": "sc:Boolean pt:waitTranscoding", "downloadEnabled": "sc:Boolean pt:downloadEnabled",
			"liveSaveReplay": "sc:Boolean pt:liveSaveReplay", "permanentLive": "sc:Boolean pt:permanentLive", "support": "sc:Text pt:support",
			"aspectRatio": "sc:Float pt:aspectRatio", "dvrWindow": "sc:Duration pt:dvrWindow", "likes": "@id as:likes", "dislikes": "@id as:dislikes",
			"shares": "@id as:shares", "comments": "@id as:comments", "PropertyValue": "sc:PropertyValue", "value": "sc:value",
		},
		"Playlist": {
			"position": "sc:Number pt:position", "startTimestamp": "sc:Number pt:startTimestamp", "stopTimestamp": "sc:Number pt:stopTimestamp",
			"Playlist": "pt:Playlist", "PlaylistElement": "pt:PlaylistElement", "uuid": "sc:identifier pt:uuid",
		},
		"Actor": {
			"playlists": "@id pt:playlists", "postingRestrictedToMods": "lemmy:postingRestrictedToMods", "lemmy": "https://join-lemmy.org/ns#",
			"indexable": "toot:indexable", "discoverable": "toot:discoverable", "toot": "http://joinmastodon.org/ns#", "support": "sc:Text pt:support",
		},
		"CacheFile":    {"CacheFile": "pt:CacheFile", "expires": "sc:expires"},
		"WatchAction":  {"WatchAction": "sc:WatchAction", "watchSections": "@id pt:watchSections"},
		"View":         {"InteractionCounter": "sc:InteractionCounter", "interactionType": "sc:interactionType", "userInteractionCount": "sc:userInteractionCount"},
		"Comment":      {"replyApproval": "pt:replyApproval"},
		"ApproveReply": {"ApproveReply": "pt:ApproveReply", "RejectReply": "pt:RejectReply"},
		"Chapters":     {"hasPart": "sc:hasPart", "startOffset": "sc:startOffset", "endOffset": "sc:endOffset"},
		"Base":         {"RsaSignature2017": "https://w3id.org/security#RsaSignature2017"},
	} {
		got := terms(t, kinds[kind])
		for _, term := range slices.Sorted(maps.Keys(want)) {
			is, _ := got[term].(string)
			if m, ok := got[term].(map[string]any); ok {
				is = m["@type"].(string) + " " + m["@id"].(string)
			}
			if is != want[term] {
				t.Errorf("%s: %s is %q, want %q", kind, term, is, want[term])
			}
		}
		if kind != "Base" && (got["pt"] != "https://joinpeertube.org/ns#" || got["sc"] != "http://schema.org/") {
			t.Errorf("%s: prefixes %v %v", kind, got["pt"], got["sc"])
		}
	}
}

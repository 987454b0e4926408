package vocab

import (
	"bytes"
	"encoding/json"
)

// Kind selects the @context of a document.
type Kind int

// The kinds of documents that PeerTube has a context for (PT federation 8).
const (
	Base         Kind = iota // Follow, Accept, Reject, Announce, Delete, Like, Dislike, collections
	Actor                    // actors and their Update
	Video                    // Video and its Create and Update
	Comment                  // Note and its Create
	Playlist                 // Playlist, PlaylistElement
	CacheFile                // CacheFile and what carries it
	WatchAction              // WatchAction
	View                     // View
	Chapters                 // the chapters of a video
	Flag                     // Flag
	ApproveReply             // ApproveReply and RejectReply
)

// activityStreams is the base context.
const activityStreams = "https://www.w3.org/ns/activitystreams"

// contexts begin with those of recorded documents of PeerTube 6.3.2, term by
// term and in their order; a test compares them with the recordings. What
// newer versions (PT federation 8) and we add follows in a map of its own. No document of ours has a
// term that its context does not define: others drop such a term, and a
// linked-data signature does not cover it. Tests of the packages that build
// documents hold them against ldsig.Undefined.
var contexts = [...]string{
	Base: baseTerms + `]`,
	Actor: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","playlists":{"@id":"pt:playlists","@type":"@id"},` +
		`"support":{"@type":"sc:Text","@id":"pt:support"},"lemmy":"https://join-lemmy.org/ns#",` +
		`"postingRestrictedToMods":"lemmy:postingRestrictedToMods","icons":"as:icon"},` +
		`{"toot":"http://joinmastodon.org/ns#","indexable":"toot:indexable","discoverable":"toot:discoverable",` + // PT federation 8
		`"alsoKnownAs":{"@id":"as:alsoKnownAs","@type":"@id"},"movedTo":{"@id":"as:movedTo","@type":"@id"},` + // FEP-7628
		`"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger",` + // FEP-2c59
		`"playerSettings":"pt:playerSettings","email":"sc:email","manuallyApprovesFollowers":"as:manuallyApprovesFollowers",` +
		`"PropertyValue":"sc:PropertyValue","value":"sc:value","Hashtag":"as:Hashtag","Multikey":"sec:Multikey",` + // FEP-521a
		`"assertionMethod":{"@id":"sec:assertionMethod","@type":"@id"},` +
		`"controller":{"@id":"sec:controller","@type":"@id"},"publicKeyMultibase":{"@id":"sec:publicKeyMultibase","@type":"sec:multibase"}}]`,
	Video: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","Hashtag":"as:Hashtag","category":"sc:category",` +
		`"licence":"sc:license","subtitleLanguage":"sc:subtitleLanguage",` +
		`"automaticallyGenerated":"pt:automaticallyGenerated","sensitive":"as:sensitive","language":"sc:inLanguage",` +
		`"identifier":"sc:identifier","isLiveBroadcast":"sc:isLiveBroadcast",` +
		`"liveSaveReplay":{"@type":"sc:Boolean","@id":"pt:liveSaveReplay"},` +
		`"permanentLive":{"@type":"sc:Boolean","@id":"pt:permanentLive"},` +
		`"latencyMode":{"@type":"sc:Number","@id":"pt:latencyMode"},"Infohash":"pt:Infohash",` +
		`"tileWidth":{"@type":"sc:Number","@id":"pt:tileWidth"},` +
		`"tileHeight":{"@type":"sc:Number","@id":"pt:tileHeight"},` +
		`"tileDuration":{"@type":"sc:Number","@id":"pt:tileDuration"},` +
		`"aspectRatio":{"@type":"sc:Float","@id":"pt:aspectRatio"},"uuid":{"@type":"sc:identifier","@id":"pt:uuid"},` +
		`"originallyPublishedAt":"sc:datePublished","uploadDate":"sc:uploadDate","hasParts":"sc:hasParts",` +
		`"views":{"@type":"sc:Number","@id":"pt:views"},"state":{"@type":"sc:Number","@id":"pt:state"},` +
		`"size":{"@type":"sc:Number","@id":"pt:size"},"fps":{"@type":"sc:Number","@id":"pt:fps"},` +
		`"commentsEnabled":{"@type":"sc:Boolean","@id":"pt:commentsEnabled"},"canReply":"pt:canReply",` +
		`"commentsPolicy":{"@type":"sc:Number","@id":"pt:commentsPolicy"},` +
		`"downloadEnabled":{"@type":"sc:Boolean","@id":"pt:downloadEnabled"},` +
		`"waitTranscoding":{"@type":"sc:Boolean","@id":"pt:waitTranscoding"},` +
		`"support":{"@type":"sc:Text","@id":"pt:support"},"likes":{"@id":"as:likes","@type":"@id"},` +
		`"dislikes":{"@id":"as:dislikes","@type":"@id"},"shares":{"@id":"as:shares","@type":"@id"},` +
		`"comments":{"@id":"as:comments","@type":"@id"},"PropertyValue":"sc:PropertyValue","value":"sc:value"},` +
		`{"SensitiveTag":"pt:SensitiveTag","schedules":"sc:eventSchedule","startDate":"sc:startDate","embedUrl":"sc:embedUrl",` +
		`"downloads":{"@type":"sc:Number","@id":"pt:downloads"},"dvrWindow":{"@type":"sc:Duration","@id":"pt:dvrWindow"},` +
		`"playerSettings":"pt:playerSettings"}]`,
	Comment: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","replyApproval":"pt:replyApproval"},` +
		`{"Hashtag":"as:Hashtag","sensitive":"as:sensitive"}]`,
	Playlist: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","Playlist":"pt:Playlist",` +
		`"PlaylistElement":"pt:PlaylistElement","position":{"@type":"sc:Number","@id":"pt:position"},` +
		`"startTimestamp":{"@type":"sc:Number","@id":"pt:startTimestamp"},` +
		`"stopTimestamp":{"@type":"sc:Number","@id":"pt:stopTimestamp"},` +
		`"uuid":{"@type":"sc:identifier","@id":"pt:uuid"}},` +
		`{"videoChannelPosition":{"@type":"sc:Number","@id":"pt:position"}}]`,
	CacheFile: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","expires":"sc:expires",` +
		`"CacheFile":"pt:CacheFile","size":{"@type":"sc:Number","@id":"pt:size"},` +
		`"fps":{"@type":"sc:Number","@id":"pt:fps"}}]`,
	WatchAction: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","WatchAction":"sc:WatchAction",` +
		`"startTimestamp":{"@type":"sc:Number","@id":"pt:startTimestamp"},` +
		`"endTimestamp":{"@type":"sc:Number","@id":"pt:endTimestamp"},"uuid":{"@type":"sc:identifier","@id":"pt:uuid"},` +
		`"actionStatus":"sc:actionStatus","watchSections":{"@type":"@id","@id":"pt:watchSections"},` +
		`"addressRegion":"sc:addressRegion","addressCountry":"sc:addressCountry"}]`,
	View: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","WatchAction":"sc:WatchAction",` +
		`"InteractionCounter":"sc:InteractionCounter","interactionType":"sc:interactionType",` +
		`"userInteractionCount":"sc:userInteractionCount"}]`,
	Chapters: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","hasPart":"sc:hasPart",` +
		`"endOffset":"sc:endOffset","startOffset":"sc:startOffset"}]`,
	Flag: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","Hashtag":"as:Hashtag"}]`,
	ApproveReply: baseTerms + `,{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/","ApproveReply":"pt:ApproveReply"},` +
		`{"RejectReply":"pt:RejectReply"}]`,
}

// baseTerms begins every context; the list is left open.
const baseTerms = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",{"RsaSignature2017":"https://w3id.org/security#RsaSignature2017"}`

// proofTerms are the terms of an integrity proof (FEP-8b32). The context of
// the W3C, security/data-integrity, makes a proof a graph of its own, which
// PeerTube and Mastodon refuse in a document with a linked-data signature; it
// would also be one more to load. Here the proof is a plain node with the same
// names, so that the signature covers it.
const proofTerms = `,{"DataIntegrityProof":"sec:DataIntegrityProof","proof":{"@id":"sec:proof","@type":"@id"},"cryptosuite":"sec:cryptosuite",` +
	`"verificationMethod":{"@id":"sec:verificationMethod","@type":"@id"},"proofPurpose":{"@id":"sec:proofPurpose","@type":"@vocab"},` +
	`"proofValue":{"@id":"sec:proofValue","@type":"sec:multibase"},"assertionMethod":{"@id":"sec:assertionMethod","@type":"@id"}}`

// DefineProof puts the terms of an integrity proof at the end of the context of
// a document that Build made; others come back as they are. The rest of the
// bytes stays.
func DefineProof(raw json.RawMessage) json.RawMessage {
	const start = `{"@context":`
	if !bytes.HasPrefix(raw, []byte(start+baseTerms)) {
		return raw
	}
	var context json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(raw[len(start):]))
	if err := dec.Decode(&context); err != nil {
		return raw
	}
	end := len(start) + int(dec.InputOffset()) - 1 // the bracket
	out := make(json.RawMessage, 0, len(raw)+len(proofTerms))
	out = append(append(out, raw[:end]...), proofTerms...)
	return append(out, raw[end:]...)
}

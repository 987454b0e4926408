package settings

import (
	"encoding/json"
	"strings"
	"unicode"
)

// editable are the values that administrators may change, by their path in the
// API's document. The key of the settings follows from it, see [keyOf].
func editable() []string {
	return []string{
		"instance.name", "instance.shortDescription", "instance.description", "instance.terms", "instance.codeOfConduct",
		"instance.creationReason", "instance.moderationInformation", "instance.administrator", "instance.maintenanceLifetime",
		"instance.businessModel", "instance.hardwareInformation", "instance.languages", "instance.categories", "instance.isNSFW",
		"instance.defaultNSFWPolicy", "instance.defaultClientRoute", "instance.serverCountry", "instance.support.text",
		"instance.social.externalLink", "instance.social.mastodonLink", "instance.social.blueskyLink", "instance.social.xLink",
		"signup.enabled", "signup.limit", "signup.requiresApproval", "signup.requiresEmailVerification", "signup.minimumAge",
		"cache.previews.size", "cache.captions.size", "cache.storyboards.size", "admin.email", "contactForm.enabled",
		"user.history.videos.enabled", "user.videoQuota", "user.videoQuotaDaily", "user.defaultChannelName", "videoChannels.maxPerUser",
		"videoComments.acceptRemoteComments",
		"transcoding.enabled", "transcoding.originalFile.keep", "transcoding.threads", "transcoding.concurrency",
		"transcoding.resolutions.0p", "transcoding.resolutions.144p", "transcoding.resolutions.240p", "transcoding.resolutions.360p",
		"transcoding.resolutions.480p", "transcoding.resolutions.720p", "transcoding.resolutions.1080p", "transcoding.resolutions.1440p",
		"transcoding.resolutions.2160p", "transcoding.alwaysTranscodeOriginalResolution", "transcoding.fps.max",
		"transcoding.webVideos.enabled", "transcoding.hls.enabled",
		"videoFile.update.enabled", "storyboards.enabled",
		"trending.videos.algorithms.enabled", "trending.videos.algorithms.default",
		"autoBlacklist.videos.ofUsers.enabled", "followers.instance.enabled", "followers.instance.manualApproval",
		"followers.channels.enabled", "followings.instance.autoFollowBack.enabled",
		"broadcastMessage.enabled", "broadcastMessage.message", "broadcastMessage.level", "broadcastMessage.dismissable",
		"search.remoteUri.users", "search.remoteUri.anonymous",
		"defaults.publish.downloadEnabled", "defaults.publish.commentsPolicy", "defaults.publish.privacy", "defaults.publish.licence",
		"defaults.p2p.webapp.enabled", "defaults.p2p.embed.enabled", "defaults.player.autoPlay",
	}
}

// absent are the values of features that the server does not have, each with
// the one that says so. A path that [editable] has too, and that is a setting,
// is not absent.
func absent() map[string]any {
	off := map[string]any{
		"instance.customizations.css": "", "instance.customizations.javascript": "",
		"theme.default": "default", "services.twitter.username": "",
		"client.videos.miniature.preferAuthorDisplayName": false, "client.menu.login.redirectOnSingleExternalAuth": false,
		"cache.torrents.size":               0,
		"transcoding.remoteRunners.enabled": false, "transcoding.allowAdditionalExtensions": true, "transcoding.allowAudioFiles": true,
		"transcoding.profile": "default", "transcoding.hls.splitAudioAndVideo": false,
		"live.enabled": false, "live.allowReplay": false, "live.latencySetting.enabled": false, "live.maxDuration": -1,
		"live.maxInstanceLives": 0, "live.maxUserLives": 0, "live.transcoding.enabled": false,
		"live.transcoding.remoteRunners.enabled": false, "live.transcoding.threads": 1, "live.transcoding.profile": "default",
		"live.transcoding.alwaysTranscodeOriginalResolution": false, "live.transcoding.fps.max": 60,
		"videoStudio.enabled": false, "videoStudio.remoteRunners.enabled": false,
		"videoTranscription.enabled": false, "videoTranscription.remoteRunners.enabled": false,
		"import.videos.concurrency": 0, "import.videos.http.enabled": false, "import.videos.torrent.enabled": false,
		"import.videoChannelSynchronization.enabled": false, "import.videoChannelSynchronization.maxPerUser": 0,
		"import.users.enabled": false, "export.users.enabled": false, "export.users.exportExpiration": 0, "export.users.maxUserVideoQuota": 0,
		"followings.instance.autoFollowIndex.enabled": false, "followings.instance.autoFollowIndex.indexUrl": "",
		"search.searchIndex.enabled": false, "search.searchIndex.url": "", "search.searchIndex.disableLocalSearch": false,
		"search.searchIndex.isDefaultSearch": false, "blocklist.publicLog.enabled": false,
		// Below stands what holds while the feature has no setting.
		"instance.defaultClientRoute": "/", "transcoding.originalFile.keep": false,
		"videoFile.update.enabled": false, "autoBlacklist.videos.ofUsers.enabled": false,
		"trending.videos.algorithms.enabled": []string{"most-viewed", "most-liked"}, "trending.videos.algorithms.default": "most-viewed",
	}
	for _, height := range []string{"0p", "144p", "240p", "360p", "480p", "720p", "1080p", "1440p", "2160p"} {
		off["live.transcoding.resolutions."+height] = false
	}
	return off
}

// keyOf is the name in the settings of a path of the API: remoteUri becomes
// remote_uri, isNSFW is_nsfw.
func keyOf(path string) string {
	var b strings.Builder
	letters := []rune(path)
	for i, r := range letters {
		if unicode.IsUpper(r) {
			begins := i > 0 && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]) && unicode.IsUpper(letters[i-1]))
			if begins {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// put stores v in the document at path.
func put(doc map[string]any, path string, v any) {
	head, rest, more := strings.Cut(path, ".")
	if !more {
		doc[head] = v
		return
	}
	below, ok := doc[head].(map[string]any)
	if !ok {
		below = map[string]any{}
		doc[head] = below
	}
	put(below, rest, v)
}

// at reads the document at path. What is null counts as not there.
func at(doc map[string]any, path string) (any, bool) {
	head, rest, more := strings.Cut(path, ".")
	v, ok := doc[head]
	if !more || !ok {
		return v, ok && v != nil
	}
	if v == nil {
		return nil, false
	}
	below, ok := v.(map[string]any)
	if !ok {
		return map[string]any{head: v}, true // a section that is none: no value accepts this
	}
	return at(below, rest)
}

// same tells whether two values are the same in JSON.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

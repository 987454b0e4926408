package config

import (
	"fmt"
	"strings"
)

// renamed are names that PeerTube used before, so that old files load.
var renamed = map[string]string{
	"storage.videos":                 "storage.web_videos",             // until 5.2
	"transcoding.webtorrent.enabled": "transcoding.web_videos.enabled", // until 5.2
}

// peerTubeKeys are settings and sections of PeerTube 6.3 to 8.2 that have no
// effect in this version. Naming them keeps the warnings of an admin's file
// short and those about spelling mistakes visible.
var peerTubeKeys = []string{
	"auto_blacklist", "blocklist", "cache.torrents", "client", "csp", "defaults",
	"download", "export", "geo_ip", "import", "live",
	"nsfw_flags_settings", "object_storage", "open_telemetry", "peertube", "plugins", "redundancy",
	"remote_runners", "security", "services", "stats", "storyboards.remote_runners", "theme",
	"trending.videos.algorithms", "video_studio", "video_transcription",

	"database.dialect", "database.pool.min", "federation.prevent_ssrf",
	"federation.videos.cleanup_remote_interactions", "followings.instance.auto_follow_index",
	"instance.customizations", "instance.default_client_route",
	"log.log_ping_requests", "log.log_tracker_unknown_infohash", "log.prettify_sql",
	"log.rotation", "rates_limit.plugins",
	"redis.sentinel", "redis.tls", "search.search_index",
	"storage.bin", "storage.client_overrides", "storage.logs", "storage.plugins",
	"storage.uploads", "storage.well_known",
	"thumbnails.generation_from_video", "transcoding.allow_additional_extensions",
	"transcoding.allow_audio_files", "transcoding.always_transcode_podcast_optimized_audio",
	"transcoding.hls.split_audio_and_video", "transcoding.profile",
	"transcoding.remote_runners", "user.disable_root_auth",
	"video_channels.max_collaborators_per_channel", "views.videos.local", "views.videos.remote",
	"views.videos.watching_interval",
}

func isPeerTubeKey(key string) bool {
	for _, known := range peerTubeKeys {
		if key == known || strings.HasPrefix(key, known+".") {
			return true
		}
	}
	return false
}

// unusedWarnings makes one line of all keys of a section; keys are sorted.
func unusedWarnings(keys []string) []string {
	var lines []string
	for i := 0; i < len(keys); {
		section, _, _ := strings.Cut(keys[i], ".")
		j := i
		for j < len(keys) && (keys[j] == section || strings.HasPrefix(keys[j], section+".")) {
			j++
		}
		j = max(j, i+1)
		lines = append(lines, fmt.Sprintf("no effect in this version: %s", strings.Join(keys[i:j], ", ")))
		i = j
	}
	return lines
}

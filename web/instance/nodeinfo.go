package instance

import "github.com/kinemesh/kinemesh/config"

// NodeConfig is what NodeInfo tells of the settings, as PeerTube does: indexes of
// servers read it.
func (i *Instance) NodeConfig(cfg *config.Config) map[string]any {
	files := object{}
	i.files(files)
	return object{
		"search":      object{"remoteUri": object{"users": cfg.Search.RemoteURI.Users, "anonymous": cfg.Search.RemoteURI.Anonymous}},
		"plugin":      object{"registered": []any{}},
		"theme":       object{"registered": []any{}, "default": "default"},
		"email":       on(i.mail()),
		"contactForm": on(i.mail() && cfg.ContactForm.Enabled),
		"transcoding": object{
			"hls": on(cfg.Transcoding.Enabled && cfg.Transcoding.HLS.Enabled), "web_videos": on(cfg.Transcoding.Enabled && cfg.Transcoding.WebVideos.Enabled),
			"enabledResolutions": list(cfg.Transcoding.Resolutions.Heights()),
		},
		"live":          object{"enabled": false, "transcoding": object{"enabled": false, "enabledResolutions": []any{}}},
		"import":        object{"videos": object{"http": off(), "torrent": off()}},
		"autoBlacklist": object{"videos": object{"ofUsers": on(setting(cfg, "auto_blacklist.videos.of_users.enabled", false))}},
		"avatar":        files["avatar"], "video": files["video"], "videoCaption": files["videoCaption"],
		"user":     object{"videoQuota": int64(cfg.User.VideoQuota), "videoQuotaDaily": int64(cfg.User.VideoQuotaDaily)},
		"trending": object{"videos": object{"intervalDays": setting(cfg, "trending.videos.interval_days", 7)}},
		"tracker":  on(cfg.Tracker.Enabled),
	}
}

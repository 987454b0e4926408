package instance

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/video/caption"
)

type object = map[string]any

func off() object { return object{"enabled": false} }

func on(enabled bool) object { return object{"enabled": enabled} }

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func (i *Instance) about(c echo.Context) error {
	n := i.o.Config.Current().Instance
	avatars, banners, err := i.pictures(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, object{"instance": object{
		"name": n.Name, "shortDescription": n.ShortDescription, "description": n.Description, "terms": n.Terms,
		"codeOfConduct": n.CodeOfConduct, "hardwareInformation": n.HardwareInformation, "creationReason": n.CreationReason,
		"moderationInformation": n.ModerationInformation, "administrator": n.Administrator,
		"maintenanceLifetime": n.MaintenanceLifetime, "businessModel": n.BusinessModel, "serverCountry": n.ServerCountry,
		"support": object{"text": n.Support.Text},
		"social": object{
			"externalLink": n.Social.ExternalLink, "mastodonLink": n.Social.MastodonLink,
			"blueskyLink": n.Social.BlueskyLink, "xLink": n.Social.XLink,
		},
		"languages": list(n.Languages), "categories": list(n.Categories), "banners": list(banners), "avatars": list(avatars),
	}})
}

func (i *Instance) pictures(ctx context.Context) (avatars, banners []channel.Image, err error) {
	if i.o.Pictures == nil {
		return nil, nil, nil
	}
	return i.o.Pictures(ctx)
}

func (i *Instance) config(c echo.Context) error {
	cfg, ctx := i.o.Config.Current(), c.Request().Context()
	open, err := i.o.SignupOpen(c)
	if err != nil {
		return err
	}
	avatars, banners, err := i.pictures(ctx)
	if err != nil {
		return err
	}
	home, err := i.homepage(ctx)
	if err != nil {
		return err
	}
	out := object{
		"serverVersion": CompatibleVersion, "serverCommit": i.o.Version,
		"instance": object{
			"name": cfg.Instance.Name, "shortDescription": cfg.Instance.ShortDescription, "isNSFW": cfg.Instance.IsNSFW,
			"defaultNSFWPolicy": cfg.Instance.DefaultNSFWPolicy, "defaultClientRoute": "/", "serverCountry": cfg.Instance.ServerCountry,
			"customizations": object{"javascript": "", "css": ""}, "avatars": list(avatars), "banners": list(banners),
		},
		"signup": object{
			"allowed": cfg.Signup.Enabled, "allowedForCurrentIP": open, "minimumAge": cfg.Signup.MinimumAge,
			"requiresApproval":          cfg.Signup.RequiresApproval,
			"requiresEmailVerification": cfg.Signup.RequiresEmailVerification,
		},
		"search": object{
			"remoteUri":   object{"users": cfg.Search.RemoteURI.Users, "anonymous": cfg.Search.RemoteURI.Anonymous},
			"searchIndex": object{"enabled": false, "url": "", "disableLocalSearch": false, "isDefaultSearch": false},
		},
		"transcoding": object{
			"remoteRunners": off(), "hls": on(cfg.Transcoding.Enabled && cfg.Transcoding.HLS.Enabled),
			"web_videos":         on(cfg.Transcoding.Enabled && cfg.Transcoding.WebVideos.Enabled),
			"enabledResolutions": list(cfg.Transcoding.Resolutions.Heights()),
			"profile":            "default", "availableProfiles": []string{"default"},
		},
		"tracker":       on(cfg.Tracker.Enabled),
		"user":          object{"videoQuota": int64(cfg.User.VideoQuota), "videoQuotaDaily": int64(cfg.User.VideoQuotaDaily)},
		"videoChannels": object{"maxPerUser": cfg.VideoChannels.MaxPerUser},
		"email":         on(i.mail()), "contactForm": on(i.mail() && cfg.ContactForm.Enabled),
		"homepage":         on(home != ""),
		"storyboards":      on(cfg.Storyboards.Enabled),
		"broadcastMessage": object{"enabled": cfg.BroadcastMessage.Enabled, "message": cfg.BroadcastMessage.Message, "level": cfg.BroadcastMessage.Level, "dismissable": cfg.BroadcastMessage.Dismissable},
		"webadmin":         object{"configuration": object{"edition": object{"allowed": cfg.Webadmin.Configuration.Edition.Allowed}}},
		"videoFile":        object{"update": on(setting(cfg, "video_file.update.enabled", false))},
		"autoBlacklist":    object{"videos": object{"ofUsers": on(setting(cfg, "auto_blacklist.videos.of_users.enabled", false))}},
	}
	client(cfg, out)
	i.files(out)
	absent(out)
	return c.JSON(http.StatusOK, out)
}

// setting is the value of a key, or other when there is no such key.
func setting[T any](cfg *config.Config, key string, other T) T {
	if v, ok := cfg.Value(key); ok {
		if t, ok := v.(T); ok {
			return t
		}
	}
	return other
}

func (i *Instance) mail() bool { return i.o.Mail != nil && i.o.Mail.Enabled() }

// client is what players and forms start with.
func client(cfg *config.Config, out object) {
	publish := cfg.Defaults.Publish
	var licence any
	if publish.Licence > 0 {
		licence = publish.Licence
	}
	out["client"] = object{
		"videos": object{
			"miniature":       object{"displayAuthorAvatar": false, "preferAuthorDisplayName": false},
			"resumableUpload": object{"maxChunkSize": int64(cfg.Client.Videos.ResumableUpload.MaxChunkSize)},
		},
		"menu": object{"login": object{"redirectOnSingleExternalAuth": false}},
	}
	out["defaults"] = object{
		"publish": object{
			"downloadEnabled": publish.DownloadEnabled, "commentsPolicy": publish.CommentsPolicy,
			"commentsEnabled": publish.CommentsPolicy != 2, "privacy": publish.Privacy, "licence": licence,
		},
		"p2p":    object{"webapp": on(cfg.Defaults.P2P.Webapp.Enabled), "embed": on(cfg.Defaults.P2P.Embed.Enabled)},
		"player": object{"autoPlay": cfg.Defaults.Player.AutoPlay},
	}
	out["trending"] = object{"videos": object{
		"intervalDays": setting(cfg, "trending.videos.interval_days", 7),
		"algorithms": object{
			"enabled": setting(cfg, "trending.videos.algorithms.enabled", []string{"most-viewed", "most-liked"}),
			"default": setting(cfg, "trending.videos.algorithms.default", "most-viewed"),
		},
	}}
	out["views"] = object{"videos": object{"watchingInterval": object{
		"anonymous": setting(cfg, "views.videos.watching_interval.anonymous", int64(5000)),
		"users":     setting(cfg, "views.videos.watching_interval.users", int64(5000)),
	}}}
	out["theme"] = object{"registered": []any{}, "default": "default"}
}

// files are the limits of what may be sent.
func (i *Instance) files(out object) {
	pictures := object{"file": object{"size": object{"max": picture.MaxBytes}, "extensions": []string{".png", ".jpeg", ".jpg", ".gif", ".webp"}}}
	out["avatar"], out["banner"] = pictures, pictures
	out["video"] = object{
		"image": object{"extensions": []string{".png", ".jpg", ".jpeg", ".webp"}, "size": object{"max": picture.MaxBytes}},
		"file":  object{"extensions": list(i.o.VideoExtensions())},
	}
	out["videoCaption"] = object{"file": object{"size": object{"max": caption.MaxBytes}, "extensions": []string{".vtt", ".srt"}}}
}

// absent are the features that this server does not have, so that clients hide
// them.
func absent(out object) {
	out["plugin"] = object{"registered": []any{}, "registeredExternalAuths": []any{}, "registeredIdAndPassAuths": []any{}}
	out["live"] = object{
		"enabled": false, "allowReplay": false, "latencySetting": off(), "maxDuration": -1, "maxInstanceLives": 0,
		"maxUserLives": 0, "rtmp": object{"port": 1935},
		"transcoding": object{
			"enabled": false, "remoteRunners": off(), "enabledResolutions": []any{},
			"profile": "default", "availableProfiles": []string{"default"},
		},
	}
	out["videoStudio"] = object{"enabled": false, "remoteRunners": off()}
	out["videoTranscription"] = object{"enabled": false, "remoteRunners": off()}
	out["import"] = object{
		"videos": object{"http": off(), "torrent": off()}, "videoChannelSynchronization": off(), "users": off(),
	}
	out["export"] = object{"users": object{"enabled": false, "exportExpiration": 0, "maxUserVideoQuota": 0}}
	out["followings"] = object{"instance": object{"autoFollowIndex": object{"indexUrl": ""}}}
	out["openTelemetry"] = object{"metrics": object{"enabled": false, "playbackStatsInterval": 15000}}
}

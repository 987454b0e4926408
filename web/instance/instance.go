// Package instance answers what a client has to know of this server before it
// does anything: ping, health, configuration, the texts about the instance.
//
// Every value is true: a feature that the server does not have is told as
// switched off.
package instance

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/rest"
)

// CompatibleVersion is the version of PeerTube's API that clients are told, for
// they switch features by it.
const CompatibleVersion = "6.3.2"

// pictures are the limits of avatars, banners and thumbnails.
const maxPicture = 4 << 20

// Options are what the endpoints tell.
type Options struct {
	Config  *config.Config
	Version string // of this server
	// Pictures are those of the instance; nil: it has none.
	Pictures func(context.Context) (avatars, banners []channel.Image, err error)
	// Ready tells whether the server can do its work, with a sentence when not.
	Ready func(context.Context) error
	// SignupOpen tells whether a visitor from c may register.
	SignupOpen func(c echo.Context) (bool, error)
	// ClientIP finds the client's address as the server trusts it.
	ClientIP func(*http.Request) string
	// Waiting is the number of activities received and not yet processed.
	Waiting func(context.Context) (int64, error)
	// Metrics are shown to administrators (SEC-49); nil: none are.
	Metrics prometheus.Gatherer
	// VideoExtensions are the endings of files that may be uploaded.
	VideoExtensions []string
}

// Instance holds the endpoints.
type Instance struct{ o Options }

// New returns the endpoints.
func New(o Options) *Instance { return &Instance{o} }

// Routes registers them.
func (i *Instance) Routes(r *rest.Router) {
	r.API.GET("/ping", rest.Anyone, func(c echo.Context) error { return c.String(http.StatusOK, "pong") })
	r.API.GET("/config", rest.Anyone, i.config)
	r.API.GET("/config/about", rest.Anyone, i.about)
	r.API.GET("/server/debug", rest.Admin, i.debug)
	r.Root.GET("/healthz", rest.Anyone, func(c echo.Context) error { return c.String(http.StatusOK, "ok") })
	r.Root.GET("/readyz", rest.Anyone, i.ready)
	r.Root.GET("/robots.txt", rest.Anyone, i.robots)
	if i.o.Metrics != nil {
		r.Root.GET("/metrics", rest.Admin, echo.WrapHandler(promhttp.HandlerFor(i.o.Metrics, promhttp.HandlerOpts{})))
	}
}

// ready answers 503 while the server cannot do its work (REL-23).
func (i *Instance) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 5*time.Second)
	defer cancel()
	if err := i.o.Ready(ctx); err != nil {
		return &rest.Problem{
			Status: http.StatusServiceUnavailable, Code: "not_ready", Detail: "The server is not ready",
			Header: map[string]string{"Retry-After": "5"},
		}
	}
	return c.String(http.StatusOK, "ready")
}

func (i *Instance) robots(c echo.Context) error {
	return c.String(http.StatusOK, strings.TrimRight(i.o.Config.Instance.Robots, "\n")+"\n")
}

func (i *Instance) debug(c echo.Context) error {
	n, err := i.o.Waiting(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"ip": i.o.ClientIP(c.Request()), "activityPubMessagesWaiting": n})
}

func (i *Instance) about(c echo.Context) error {
	n := i.o.Config.Instance
	avatars, banners, err := i.pictures(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"instance": map[string]any{
		"name": n.Name, "shortDescription": n.ShortDescription, "description": n.Description, "terms": n.Terms,
		"codeOfConduct": n.CodeOfConduct, "hardwareInformation": n.HardwareInformation, "creationReason": n.CreationReason,
		"moderationInformation": n.ModerationInformation, "administrator": n.Administrator,
		"maintenanceLifetime": n.MaintenanceLifetime, "businessModel": n.BusinessModel,
		"languages": list(n.Languages), "categories": list(n.Categories), "banners": list(banners), "avatars": list(avatars),
	}})
}

func (i *Instance) pictures(ctx context.Context) (avatars, banners []channel.Image, err error) {
	if i.o.Pictures == nil {
		return nil, nil, nil
	}
	return i.o.Pictures(ctx)
}

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

type object = map[string]any

func off() object { return object{"enabled": false} }

func (i *Instance) config(c echo.Context) error {
	cfg := i.o.Config
	open, err := i.o.SignupOpen(c)
	if err != nil {
		return err
	}
	avatars, banners, err := i.pictures(c.Request().Context())
	if err != nil {
		return err
	}
	out := object{
		"serverVersion": CompatibleVersion, "serverCommit": i.o.Version,
		"instance": object{
			"name": cfg.Instance.Name, "shortDescription": cfg.Instance.ShortDescription, "isNSFW": cfg.Instance.IsNSFW,
			"defaultNSFWPolicy": cfg.Instance.DefaultNSFWPolicy, "defaultClientRoute": "/",
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
			"remoteRunners": off(), "hls": object{"enabled": cfg.Transcoding.Enabled && cfg.Transcoding.HLS.Enabled},
			"web_videos":         object{"enabled": cfg.Transcoding.Enabled && cfg.Transcoding.WebVideos.Enabled},
			"enabledResolutions": list(cfg.Transcoding.Resolutions.Heights()),
			"profile":            "default", "availableProfiles": []string{"default"},
		},
		"tracker":       object{"enabled": cfg.Tracker.Enabled},
		"user":          object{"videoQuota": int64(cfg.User.VideoQuota), "videoQuotaDaily": int64(cfg.User.VideoQuotaDaily)},
		"videoChannels": object{"maxPerUser": cfg.VideoChannels.MaxPerUser},
	}
	i.client(out)
	i.files(out)
	absent(out)
	return c.JSON(http.StatusOK, out)
}

// client is what players and forms start with.
func (i *Instance) client(out object) {
	cfg := i.o.Config
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
		"p2p": object{"webapp": object{"enabled": cfg.Defaults.P2P.Webapp.Enabled}, "embed": object{"enabled": cfg.Defaults.P2P.Embed.Enabled}},
	}
	out["trending"] = object{"videos": object{
		"intervalDays": 7, "algorithms": object{"enabled": []string{"most-viewed", "most-liked"}, "default": "most-viewed"},
	}}
	out["views"] = object{"videos": object{"watchingInterval": object{"anonymous": 5000, "users": 5000}}}
	out["theme"] = object{"registered": []any{}, "default": "default"}
}

// files are the limits of what may be sent.
func (i *Instance) files(out object) {
	pictures := []string{".png", ".jpeg", ".jpg", ".gif", ".webp"}
	out["avatar"] = object{"file": object{"size": object{"max": maxPicture}, "extensions": pictures}}
	out["banner"] = object{"file": object{"size": object{"max": maxPicture}, "extensions": pictures}}
	out["video"] = object{
		"image": object{"extensions": []string{".png", ".jpg", ".jpeg", ".webp"}, "size": object{"max": maxPicture}},
		"file":  object{"extensions": list(i.o.VideoExtensions)},
	}
	out["videoCaption"] = object{"file": object{"size": object{"max": 20 << 20}, "extensions": []string{".vtt", ".srt"}}}
}

// absent are the features that this server does not have, so that clients hide
// them.
func absent(out object) {
	for _, name := range []string{"email", "contactForm", "homepage", "storyboards"} {
		out[name] = off()
	}
	out["webadmin"] = object{"configuration": object{"edition": object{"allowed": false}}}
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
	out["videoFile"] = object{"update": off()}
	out["videoTranscription"] = object{"enabled": false, "remoteRunners": off()}
	out["import"] = object{
		"videos": object{"http": off(), "torrent": off()}, "videoChannelSynchronization": off(), "users": off(),
	}
	out["export"] = object{"users": object{"enabled": false, "exportExpiration": 0, "maxUserVideoQuota": 0}}
	out["autoBlacklist"] = object{"videos": object{"ofUsers": off()}}
	out["followings"] = object{"instance": object{"autoFollowIndex": object{"indexUrl": ""}}}
	out["broadcastMessage"] = object{"enabled": false, "message": "", "level": "info", "dismissable": false}
	out["openTelemetry"] = object{"metrics": object{"enabled": false, "playbackStatsInterval": 15000}}
}

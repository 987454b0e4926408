// Package video is the module of videos: it assembles the features of the
// folders below, from the upload of a file to its federation.
package video

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/video/audit"
	"github.com/kinemesh/kinemesh/video/block"
	"github.com/kinemesh/kinemesh/video/cache"
	"github.com/kinemesh/kinemesh/video/caption"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/video/command"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/edit"
	"github.com/kinemesh/kinemesh/video/federation"
	"github.com/kinemesh/kinemesh/video/feed"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/history"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/video/notify"
	"github.com/kinemesh/kinemesh/video/oembed"
	"github.com/kinemesh/kinemesh/video/overview"
	"github.com/kinemesh/kinemesh/video/password"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/video/rate"
	"github.com/kinemesh/kinemesh/video/redundancy"
	"github.com/kinemesh/kinemesh/video/report"
	"github.com/kinemesh/kinemesh/video/schedule"
	"github.com/kinemesh/kinemesh/video/serve"
	"github.com/kinemesh/kinemesh/video/source"
	"github.com/kinemesh/kinemesh/video/stats"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/storyboard"
	"github.com/kinemesh/kinemesh/video/torrent"
	"github.com/kinemesh/kinemesh/video/transcode"
	"github.com/kinemesh/kinemesh/video/upload"
	"github.com/kinemesh/kinemesh/video/view"
	"github.com/kinemesh/kinemesh/video/watchedword"
	"github.com/kinemesh/kinemesh/web/rest"
)

// reserve is how many bytes stay free on the disk (REL-16).
const reserve = 1 << 30

// Options are what the module needs.
type Options struct {
	DB        *db.DB
	Engine    *activitypub.Engine
	Channels  *channel.Service
	Mutes     *moderation.Service
	Transport *transport.Client
	Config    *config.Config
	Tool      *ffmpeg.Tool
	Logger    *slog.Logger
	// Notifications tell users what happens to videos.
	Notifications *notification.Service
	// FeedToken is nil when a token is that of an account's feeds, db.ErrNotFound
	// when it is not.
	FeedToken func(ctx context.Context, accountID int64, token string) error
}

// Video is the assembled module.
type Video struct {
	Catalog *catalog.Service
	Listing *listing.Service
	// History is what users have watched.
	History *history.Service
	// Infohashes is what the tracker admits.
	Infohashes *torrent.AllowList

	o          Options
	store      *storage.Folders
	folders    []*storage.FS
	upload     *upload.Upload
	transcode  *transcode.Service
	serve      *serve.Serve
	federation *federation.Service
	caption    *caption.Service
	chapter    *chapter.Service
	storyboard *storyboard.Service
	passwords  *password.Service
	feeds      *feed.Service
	source     *source.Service
	stats      *stats.Service
	schedule   *schedule.Service
	// Playlists are shown on pages.
	Playlists  *playlist.Service
	Comments   *comment.Service
	rate       *rate.Service
	view       *view.Service
	overview   *overview.Service
	report     *report.Service
	notify     *notify.Service
	redundancy *redundancy.Service
	words      *watchedword.Service
	cache      *cache.Service
	block      *block.Service
}

// New opens the folders of the storage and assembles the features. Close
// releases what it opened.
func New(o Options) (*Video, error) {
	v := &Video{o: o}
	if err := v.openStore(); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	if err := v.assemble(); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// openStore gives each kind of object the folder that the settings name.
func (v *Video) openStore() error {
	s := v.o.Config.Storage
	v.store = &storage.Folders{Named: map[string]storage.Store{}}
	for name, dir := range map[string]string{
		"web-videos": s.WebVideos, "streaming-playlists": s.StreamingPlaylists, "sources": s.OriginalVideoFiles,
		"previews": s.Previews, "thumbnails": s.Thumbnails, "torrents": s.Torrents, "avatars": s.Avatars,
		"captions": s.Captions, "storyboards": s.Storyboards, "redundancy": s.Redundancy,
	} {
		f, err := storage.OpenFS(dir, reserve)
		if err != nil {
			return err
		}
		v.folders = append(v.folders, f)
		v.store.Named[name] = f
	}
	return nil
}

func (v *Video) put(ctx context.Context, key string, r io.Reader) error {
	_, err := v.store.Put(ctx, key, r)
	return err
}

func (v *Video) assemble() (err error) {
	o, cfg := v.o, v.o.Config
	v.Catalog, err = catalog.New(catalog.Options{
		DB: o.DB, Channels: o.Channels, Origin: cfg.Origin(), Logger: o.Logger,
		PutFile:          v.put,
		DeleteFile:       v.store.Delete,
		FederateUnlisted: cfg.Federation.Videos.FederateUnlisted, Storyboards: func() bool { return cfg.Current().Storyboards.Enabled },
		KeepSources: func() bool { return cfg.Current().Transcoding.OriginalFile.Keep },
		RemoteURI:   func() catalog.RemoteURI { return catalog.RemoteURI(cfg.Current().Search.RemoteURI) },
	})
	if err != nil {
		return err
	}
	v.Listing = listing.New(listing.Options{
		DB: o.DB, Catalog: v.Catalog, Channels: o.Channels, Mutes: o.Mutes, HideNSFW: v.hideNSFW, TrendingDays: v.trendingDays,
	})
	if v.passwords, err = password.New(o.DB, v.Catalog, string(cfg.Secrets.PeerTube)); err != nil {
		return err
	}
	v.Catalog.Unlock, v.Catalog.SetPasswords = v.passwords.Unlock, v.passwords.Set
	v.schedule = schedule.New(o.DB, v.Catalog)
	v.Infohashes = torrent.NewAllowList(v.Catalog.KnownInfohash)
	v.upload, err = upload.New(upload.Options{
		DB: o.DB, Catalog: v.Catalog, Channels: o.Channels, Store: v.store, Tool: o.Tool,
		Dir:         filepath.Join(cfg.Storage.TmpPersistent, "uploads"),
		Transcoding: func() config.Transcoding { return cfg.Current().Transcoding }, Defaults: func() config.DefaultsPublish { return cfg.Current().Defaults.Publish }, MaxFileSize: cfg.Upload.MaxFileSize,
		ExpireAfter: cfg.Upload.ExpireAfter, Reserve: reserve, Logger: o.Logger,
		Replace: func() bool { return cfg.Current().VideoFile.Update.Enabled },
	})
	if err != nil {
		return err
	}
	v.transcode, err = transcode.New(transcode.Options{
		DB: o.DB, Catalog: v.Catalog, Store: v.store, Executor: transcode.Local{Tool: o.Tool},
		Dir: filepath.Join(cfg.Storage.Tmp, "transcode"), MaxFPS: func() int { return cfg.Current().Transcoding.FPS.Max },
		CopyOnly: func() bool { return !cfg.Current().Transcoding.Enabled }, AllowList: v.Infohashes, Logger: o.Logger,
		Plan: v.upload.Plan,
	})
	if err != nil {
		return err
	}
	v.serve, err = serve.New(serve.Options{
		DB: o.DB, Catalog: v.Catalog, Store: v.store, Secret: string(cfg.Secrets.PeerTube),
		Tool: o.Tool, MaxGenerated: cfg.DownloadGenerateVideo.MaxParallelDownloads,
		OpenPrivateFiles: !cfg.StaticFiles.PrivateFilesRequireAuth, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	v.serve.Passwords = v.passwords
	v.federation = federation.New(federation.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Channels: o.Channels, Transport: o.Transport, Logger: o.Logger,
	})
	v.moderation()
	v.social()
	v.discover()
	v.view = view.New(view.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Settings: cfg.Views.Videos, Changed: v.federation.Changed, Watched: v.History.Note, Logger: o.Logger,
	})
	v.Catalog.Viewers = v.view.Viewers
	v.redundancy = redundancy.New(redundancy.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, AcceptFrom: cfg.RemoteRedundancy.Videos.AcceptFrom,
		Files: o.Transport, Store: v.store, Logger: o.Logger,
	})
	v.report = report.New(report.Options{DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Channels: o.Channels, Mutes: o.Mutes, Logger: o.Logger})
	v.notify = notify.New(notify.Options{
		DB: o.DB, Catalog: v.Catalog, Channels: o.Channels, Notifications: o.Notifications, Origin: cfg.Origin(), Host: cfg.Host(),
	})
	v.notify.Hear(v.Comments, v.report)
	v.caption = caption.New(caption.Options{
		DB: o.DB, Catalog: v.Catalog, Transport: o.Transport, Put: v.put, Logger: o.Logger,
	})
	v.chapter = chapter.New(o.DB, v.Catalog)
	v.Playlists = playlist.New(playlist.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Listing: v.Listing, Channels: o.Channels, Logger: o.Logger,
	})
	v.storyboard, err = storyboard.New(storyboard.Options{
		DB: o.DB, Catalog: v.Catalog, Store: v.store, Tool: o.Tool, Transport: o.Transport,
		Dir: filepath.Join(cfg.Storage.Tmp, "storyboards"), Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	o.Channels.Stats, o.Channels.SupportChanged, o.Channels.Closing = v.view.ChannelStats, v.supportChanged, v.Playlists.ChannelCloses
	v.serve.PlaylistPicture = v.Playlists.Picture
	v.publishing()
	v.cache = cache.New(cache.Options{DB: o.DB, Store: v.store, Limits: func() config.Cache { return cfg.Current().Cache }})
	v.serve.FetchPictures, v.serve.FetchCaptions, v.serve.FetchStoryboard = v.federation.FetchPictures, v.caption.Fetch, v.storyboard.Fetch
	return nil
}

// Commands are the subcommands of the module, to be listed and explained; those
// of [Video.Module] run.
func Commands() []activitypub.Command { return command.Commands(command.Options{}) }

func (v *Video) commands() []activitypub.Command {
	return command.Commands(command.Options{
		DB: v.o.DB, Catalog: v.Catalog, Channels: v.o.Channels, Store: v.store, Tool: v.o.Tool, Import: v.upload.Import, Changed: v.federation.Changed,
		Garbage: (&audit.Audit{DB: v.o.DB, Store: v.store, Pending: v.upload.Keys}).Garbage,
	})
}

// Module is what the server plugs in.
func (v *Video) Module() activitypub.Module {
	// What lies below the path of a video is asked for before the video.
	m := activitypub.Merge(v.Comments.Module(), v.rate.Module(), v.view.Module(), v.History.Module(), v.report.Module(), v.redundancy.Module(), v.Playlists.Module(), v.federation.Module())
	m.Name = "video"
	m.Migrations, m.Commands = []migrations.Set{migrations.Video}, v.commands()
	m.Jobs = slices.Concat(m.Jobs, v.Catalog.Jobs(), v.upload.Jobs(), v.transcode.Jobs(), v.storyboard.Jobs(), v.schedule.Jobs(), v.words.Jobs(), v.cache.Jobs(), []jobs.Handler{jobs.Handle(v.copySupport)})
	m.Periodic = slices.Concat(m.Periodic, v.Catalog.Periodic(), v.upload.Periodic(), v.schedule.Periodic(), v.cache.Periodic())
	features := m.Routes
	m.Routes = func(r *rest.Router) {
		features(r)
		v.upload.Routes(r)
		v.passwords.Routes(r)
		v.feeds.Routes(r)
		v.source.Routes(r)
		v.stats.Routes(r)
		v.transcode.Routes(r)
		v.Catalog.Routes(r)
		oembed.New(oembed.Options{
			Catalog: v.Catalog, Channels: v.o.Channels, Playlists: v.Playlists,
			Provider: func() string { return v.o.Config.Current().Instance.Name },
		}).Routes(r)
		edit.New(v.Catalog).Routes(r)
		v.Listing.Routes(r)
		v.overview.Routes(r)
		v.serve.Routes(r)
		v.caption.Routes(r)
		v.chapter.Routes(r)
		v.storyboard.Routes(r)
		v.words.Routes(r)
		v.block.Routes(r)
	}
	return m
}

// Files keeps the files of all kinds, below the names of their folders.
func (v *Video) Files() storage.Store { return v.store }

// ServeActorPictures has avatars and banners handed out: find gives the key of a
// file by folder and name.
func (v *Video) ServeActorPictures(find func(ctx context.Context, folder, file string) (string, error)) {
	v.serve.ActorPicture = find
}

// FileToken makes a token that opens the files of a video that p, or whoever
// brought its password, may see.
func (v *Video) FileToken(ctx context.Context, p *rest.Principal, of *catalog.Video) (string, error) {
	token, _, err := v.serve.FileToken(ctx, p, of)
	return token, err
}

// UploadExtensions are the endings of files that may be uploaded.
func (v *Video) UploadExtensions() []string { return v.upload.Extensions() }

// Check tells what is amiss between rows, files and jobs.
func (v *Video) Check(ctx context.Context) ([]string, error) {
	a := audit.Audit{DB: v.o.DB, Store: v.store, Federated: v.o.Config.Federation.Enabled, Pending: v.upload.Keys}
	return a.Run(ctx)
}

// Tidy deletes the files that nothing names and tells how many there were. It is
// for a server that does not run: a running one may be about to name them.
func (v *Video) Tidy(ctx context.Context) (int, error) {
	a := audit.Audit{DB: v.o.DB, Store: v.store, Pending: v.upload.Keys, Grace: time.Nanosecond}
	keys, err := a.Garbage(ctx)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if err := v.store.Delete(ctx, key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// Close releases the folders.
func (v *Video) Close() error {
	var errs []error
	if v.upload != nil {
		errs = append(errs, v.upload.Close())
	}
	for _, f := range v.folders {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

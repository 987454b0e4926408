// Command kinemesh is a federated video server.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/kinemesh/kinemesh/accounts"
	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/transport/schemes"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/tracker"
	"github.com/kinemesh/kinemesh/video"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/web"
	"github.com/kinemesh/kinemesh/web/instance"
	"github.com/kinemesh/kinemesh/web/logbook"
	"github.com/kinemesh/kinemesh/web/openapi"
	"github.com/kinemesh/kinemesh/web/push"
	"github.com/kinemesh/kinemesh/web/settings"
)

// version is set by the build.
var version = "dev"

// databaseWait is how long a start waits for the database (REL-23).
const databaseWait = 60 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kinemesh:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "kinemesh", Short: "A federated video server", Version: version,
		SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	var file, roles string
	var asJSON bool
	root.PersistentFlags().StringVar(&file, "config", "", "settings, a YAML or JSON file (see kinemesh.example.yaml)")
	serve := &cobra.Command{
		Use: "serve", Short: "Start the server", Args: cobra.NoArgs,
		Long: "Start the server. Settings come from the file, then from KINEMESH_… variables, as KINEMESH_LISTEN_PORT.\n" +
			"The first start makes the administrator root and prints its password once.",
		RunE: func(c *cobra.Command, _ []string) error { return runServe(c.Context(), file, roles) },
	}
	serve.Flags().StringVar(&roles, "roles", "all", "what this process does: all, or some of web, worker, tracker with commas between")
	check := &cobra.Command{
		Use: "check", Short: "Look for gaps between database, files and jobs", Args: cobra.NoArgs,
		Long: "Look for rows without files, files without rows and promises without jobs. Exits with 1 when there is a gap.",
		RunE: func(c *cobra.Command, _ []string) error { return runCheck(c.Context(), file, asJSON) },
	}
	check.Flags().BoolVar(&asJSON, "json", false, "print the gaps as JSON")
	settings := &cobra.Command{
		Use: "settings", Short: "Print every setting with its default and what it means", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(config.Example())
			return err
		},
	}
	root.AddCommand(serve, check, settings, actorCommand(&file), jobsCommand(&file))
	root.AddCommand(append(backupCommands(&file), hostCommand(&file))...)
	addCommands(root, &file, slices.Concat(activitypub.Commands(nil, nil, nil), accounts.Commands(), video.Commands()))
	return root
}

// app is everything that is put together before a role is started.
type app struct {
	cfg      *config.Config
	log      *slog.Logger
	db       *db.DB
	engine   *activitypub.Engine
	settings *settings.Store
	book     logbook.Book
	about    *instance.Instance // nil: the process answers no requests
	accounts *accounts.Accounts
	video    *video.Video
	push     *push.Service // nil where no pages are served
	metrics  *prometheus.Registry

	// For tests; nil outside of them.
	newKey func() (*actor.Key, error)                                   // of actors
	now    func() time.Time                                             // clock of the signature window
	lookup func(ctx context.Context, host string) ([]netip.Addr, error) // of the names of other servers
}

// build reads the settings, opens the database, applies the migrations and
// assembles the modules.
func build(ctx context.Context, file, roles string) (_ *app, err error) {
	cfg, warnings, err := config.Load(file, os.Environ())
	if err != nil {
		return nil, err
	}
	rs, err := config.ParseRoles(roles)
	if err != nil {
		return nil, err
	}
	if err := cfg.CheckRoles(rs); err != nil {
		return nil, err
	}
	a := &app{cfg: cfg, metrics: prometheus.NewRegistry()}
	a.log = slog.New(a.book.Handler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel()})))
	slog.SetDefault(a.log)
	for _, w := range warnings {
		a.log.Warn(w) //nolint:sloglint // the sentence is the message
	}
	if err := cfg.Prepare(); err != nil {
		return nil, err
	}
	var tool *ffmpeg.Tool
	var g errgroup.Group // looking for ffmpeg and migrating take about as long
	g.Go(func() (err error) { tool, err = ffmpeg.Find(ctx); return err })
	g.Go(func() error { return a.openDatabase(ctx) })
	if err := g.Wait(); err != nil {
		return nil, errors.Join(err, a.close())
	}
	a.settings = settings.New(settings.Options{DB: a.db, Config: cfg, Logger: a.log})
	if err := a.settings.Load(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	tool.Threads = func() int { return cfg.Current().Transcoding.Threads }
	if err := a.assemble(tool); err != nil { //nolint:contextcheck // requests bring their own contexts
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// openDatabase waits for a PostgreSQL that is starting too.
func (a *app) openDatabase(ctx context.Context) error {
	until := time.Now().Add(databaseWait)
	for told := false; ; told = true {
		d, err := db.Open(ctx, a.cfg.DatabaseURL(), db.MaxConns(a.cfg.Database.Pool.Max))
		if err == nil {
			a.db = d
			return migrations.Up(ctx, d, migrations.All()...)
		}
		if a.cfg.UsesSQLite() || time.Now().After(until) {
			return fmt.Errorf("database: %w", err)
		}
		if !told {
			a.log.WarnContext(ctx, "the database does not answer, waiting", "for", databaseWait, "error", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("database: %w", err)
		case <-time.After(time.Second):
		}
	}
}

// assemble lists the modules: this is the place where one is added.
func (a *app) assemble(tool *ffmpeg.Tool) (err error) {
	cfg := a.cfg
	rules := hostrule.New(hostrule.Options{DB: a.db, Mode: cfg.Federation.Mode, Own: cfg.Host(), Logger: a.log})
	out := transport.New(transport.Config{
		Blocked: rules.Blocked, Lookup: a.lookup,
		AllowHTTP: cfg.Federation.AllowHTTP, AllowNetworks: cfg.Federation.AllowNetworks,
		UserAgent:  "Kinemesh/" + version + " (+" + cfg.Origin() + ")",
		FirstKnock: signature.Scheme(cfg.Federation.FirstKnock), Schemes: schemes.New(a.db, a.log),
	})
	a.engine, err = activitypub.New(activitypub.Options{
		DB: a.db, Transport: out, Rules: rules, Origin: cfg.Origin(), NewKey: a.newKey, Federation: cfg.Federation, Followers: cfg.Followers,
		Followings: cfg.Followings, Follow: func() (config.Followers, config.Followings) {
			now := cfg.Current()
			return now.Followers, now.Followings
		},
		Logger: a.log, Metrics: a.metrics, Now: a.now,
		Software:          webfinger.Software{Name: "kinemesh", Version: version, Repository: "https://github.com/kinemesh/kinemesh"},
		OpenRegistrations: func(context.Context) bool { return cfg.Current().Signup.Enabled },
		Metadata: func(context.Context) map[string]any {
			now := cfg.Current().Instance
			about := map[string]any{"nodeName": now.Name, "nodeDescription": now.ShortDescription}
			if a.about != nil {
				about["nodeConfig"] = a.about.NodeConfig(cfg.Current())
			}
			return about
		},
	})
	if err != nil {
		return err
	}
	a.accounts = accounts.New(accounts.Options{DB: a.db, Engine: a.engine, Transport: out, Config: cfg, Logger: a.log, Rules: rules})
	a.video, err = video.New(video.Options{
		DB: a.db, Engine: a.engine, Channels: a.accounts.Channels, Mutes: a.accounts.Mutes, Transport: out, Config: cfg, Tool: tool, Logger: a.log,
		Notifications: a.accounts.Notifications,
		FeedToken: func(ctx context.Context, accountID int64, token string) error {
			_, err := a.accounts.Users.ByFeedToken(ctx, accountID, token)
			return err
		},
	})
	if err != nil {
		return err
	}
	a.video.TellUsers(a.accounts.Users)
	a.video.History.Wanted = a.accounts.Users.KeepsHistory
	a.accounts.Pictures.Files = a.video.Files()
	a.video.ServeActorPictures(a.accounts.Pictures.Find)
	return a.engine.Use(a.accounts.Module(), a.video.Module())
}

func (a *app) close() error {
	var errs []error
	if a.video != nil {
		errs = append(errs, a.video.Close())
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	return errors.Join(errs...)
}

// runServe starts the chosen roles and stops them when ctx ends.
func runServe(ctx context.Context, file, roleNames string) (err error) {
	a, err := build(ctx, file, roleNames)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	roles, err := config.ParseRoles(roleNames)
	if err != nil {
		return err
	}
	has := func(r config.Role) bool { return slices.Contains(roles, r) }
	if err := a.engine.Prepare(ctx); err != nil {
		return err
	}
	if err := a.firstUser(ctx); err != nil {
		return err
	}
	runner, err := jobs.NewRunner(jobs.Options{
		DB: a.db, RedisURL: a.cfg.RedisURL(), Owner: a.cfg.Origin(), Handlers: a.engine.Jobs(), Periodic: a.engine.Periodic(), Logger: a.log,
		Concurrency: map[string]int{"media": a.cfg.Current().Transcoding.Concurrency}, RelayOnly: !has(config.RoleWorker), Metrics: a.metrics,
		Every: intervals(a.cfg.Schedulers),
	})
	if err != nil {
		return err
	}
	a.settings.Adopted = func() { runner.Resize("media", a.cfg.Current().Transcoding.Concurrency) }
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return runner.Run(ctx) })
	g.Go(func() error { return a.settings.Run(ctx) })
	if has(config.RoleWeb) || has(config.RoleTracker) {
		server, track, err := a.server(runner, has(config.RoleWeb), has(config.RoleTracker)) //nolint:contextcheck // as above
		if err != nil {
			return err
		}
		if track != nil {
			g.Go(func() error { return track.Run(ctx) })
		}
		if a.push != nil {
			g.Go(func() error { return a.push.Run(ctx) })
		}
		g.Go(func() error {
			return server.Run(ctx, func() {
				a.log.InfoContext(ctx, "ready", "url", a.cfg.Origin(), "listen", a.cfg.ListenAddress(), "roles", roles, "version", version)
			})
		})
	}
	for _, m := range a.engine.Modules() {
		for _, s := range m.Services {
			if has(s.Role) {
				g.Go(func() error { return s.Run(ctx) })
			}
		}
	}
	time.AfterFunc(startOver, forgetStart)
	return g.Wait()
}

// startOver is how long after the start its code is run no more.
const startOver = 10 * time.Second

// intervals are those of the periodic jobs that the settings name.
func intervals(s config.Schedulers) map[string]time.Duration {
	return map[string]time.Duration{
		"video.schedule": s.UpdateVideos, "video.upload-clean": s.RemoveOldUploads, "accounts.clean_sessions": s.RemoveOldSessions,
		"notification.clean": s.RemoveOldNotifications, "video.clean-history": s.RemoveOldHistory,
		"video.expire-redundancy": s.ExpireRedundancy, "jobs.clean": s.RemoveOldJobs,
	}
}

// debugCommands are PeerTube's names of periodic jobs that administrators may
// have run before their time.
func debugCommands(r *jobs.Runner) map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{}
	for command, job := range map[string]string{
		"remove-dandling-resumable-uploads": "video.upload-clean", "process-video-stats-buffer": "video.tell-views",
		"process-video-views-buffer": "video.tell-views", "process-video-viewers": "video.tell-viewers",
		"process-update-videos-scheduler": "video.schedule",
	} {
		out[command] = func(ctx context.Context) error {
			if ok, err := r.RunNow(ctx, job); err != nil || ok {
				return err
			}
			return fmt.Errorf("there is no job %s", job)
		}
	}
	return out
}

// firstUser makes the administrator at the first start.
func (a *app) firstUser(ctx context.Context) error {
	created, password, err := a.accounts.Users.EnsureRoot(ctx, string(a.cfg.InitialRootPassword))
	if err != nil || !created {
		return err
	}
	if a.cfg.InitialRootPassword != "" {
		fmt.Fprintln(os.Stderr, "\n  Administrator root created with the password of KINEMESH_INITIAL_ROOT_PASSWORD.")
		return nil
	}
	fmt.Fprintf(os.Stderr, "\n  Administrator created. Log in as\n\n    user      root\n    password  %s\n\n  It is shown this once.\n\n", password)
	return nil
}

// server is the HTTP server of a process. One that is a tracker only answers
// announces, ping and health.
func (a *app) server(runner *jobs.Runner, withWeb, withTracker bool) (*web.Server, *tracker.Server, error) {
	o := web.ServerOptions{
		Config: a.cfg, Logger: a.log, Authenticate: a.accounts.OAuth.Authenticate,
		AuthenticateAdmin: a.accounts.OAuth.AuthenticateStrict, Metrics: a.metrics, Changes: a.db.Changes,
	}
	var s *web.Server
	clientIP := func(r *http.Request) string { return s.ClientIP(r) }
	a.about = instance.New(instance.Options{
		Config: a.cfg, Version: version, ClientIP: clientIP, Metrics: a.metrics, VideoExtensions: a.video.UploadExtensions, Waiting: a.engine.Waiting,
		DB: a.db, Mail: a.accounts.Mail, Commands: debugCommands(runner),
		SignupOpen: func(c echo.Context) (bool, error) {
			return a.accounts.Users.SignupOpen(c.Request().Context(), c.RealIP())
		},
		Pictures: func(ctx context.Context) (avatars, banners []channel.Image, err error) {
			set, err := a.accounts.Channels.InstancePictures(ctx)
			return channel.Images(set.Avatar), channel.Images(set.Banner), err
		},
		Ready: func(ctx context.Context) error {
			if !s.Ready() {
				return errors.New("stopping")
			}
			return a.db.Ping(ctx)
		},
	})
	o.Register = append(o.Register, openapi.Routes, a.about.Routes)
	if withWeb {
		site, err := web.NewSite(web.SiteOptions{
			Config: a.cfg, DB: a.db, Catalog: a.video.Catalog, Listing: a.video.Listing, Channels: a.accounts.Channels, Users: a.accounts.Users,
			OAuth: a.accounts.OAuth, Registrations: a.accounts.Registrations, Comments: a.video.Comments, Notifications: a.accounts.Notifications, Subscriptions: a.accounts.Subscriptions, Playlists: a.video.Playlists, FileToken: a.video.FileToken, Version: version, Logger: a.log,
			Totals: func(ctx context.Context) (n web.Totals, err error) {
				n.Users, n.LocalVideos, n.Videos, err = a.about.Totals(ctx)
				return n, err
			},
		})
		if err != nil {
			return nil, nil, err
		}
		o.Register = append(o.Register, a.engine.Routes, runner.Routes, a.settings.Routes, site.Routes,
			(&logbook.API{Book: &a.book, Config: a.cfg, Logger: a.log}).Routes)
		o.Audit = a.book.Audit
		a.push = push.New(push.Options{
			DB: a.db, OAuth: a.accounts.OAuth, Notifications: a.accounts.Notifications, Catalog: a.video.Catalog, ClientIP: clientIP, Logger: a.log,
		})
		o.Socket = a.push.Handler()
		o.PageError = site.Error
		o.Dashboard = runner.Dashboard(web.DashboardRoot, false)
		o.Negotiate = a.engine.Negotiate
	}
	var track *tracker.Server
	if withTracker {
		track = tracker.New(tracker.Options{
			Enabled: a.cfg.Tracker.Enabled, Private: a.cfg.Tracker.Private, RejectTooManyAnnounces: a.cfg.Tracker.RejectTooManyAnnounces,
			AnonymizeIP: a.cfg.Log.AnonymizeIP, Logger: a.log, Registerer: a.metrics,
			Allow: func(ctx context.Context, h tracker.InfoHash) (bool, error) { return a.video.Infohashes.Allow(ctx, h) },
			ClientIP: func(r *http.Request) netip.Addr {
				addr, err := netip.ParseAddr(clientIP(r))
				if err != nil {
					return netip.Addr{}
				}
				return addr.Unmap()
			},
		})
		o.Tracker = track.Handler()
	}
	var err error
	s, err = web.NewServer(o)
	return s, track, err
}

// runCheck prints the gaps.
func runCheck(ctx context.Context, file string, asJSON bool) (err error) {
	a, err := build(ctx, file, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	gaps := []string{}
	for _, check := range []func(context.Context) ([]string, error){a.engine.Check, a.video.Check} {
		found, err := check(ctx)
		if err != nil {
			return err
		}
		gaps = append(gaps, found...)
	}
	if asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"gaps": gaps}); err != nil {
			return err
		}
	} else {
		for _, g := range gaps {
			fmt.Println(g)
		}
	}
	if len(gaps) > 0 {
		return fmt.Errorf("%d gaps found", len(gaps))
	}
	if !asJSON {
		fmt.Println("no gap found")
	}
	return nil
}

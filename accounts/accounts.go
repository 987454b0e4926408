// Package accounts is the module of people: it assembles users, the ways they
// log in, and the accounts and channels that the world sees of them.
package accounts

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/command"
	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/accounts/registration"
	"github.com/kinemesh/kinemesh/accounts/subscription"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what the module needs.
type Options struct {
	DB     *db.DB
	Engine *activitypub.Engine
	Config *config.Config
	Logger *slog.Logger
	// Transport fetches the pictures of remote actors; nil: they are not shown.
	Transport *transport.Client
	// Rules say whose content is shown to whom; nil: all to everybody.
	Rules *hostrule.Rules
	// AnyHost gives the OAuth client to requests for any host name; for tests.
	AnyHost bool
}

// Accounts is the assembled module. What users' videos take is told by setting
// Users.Used at start.
type Accounts struct {
	Users    *user.Service
	OAuth    *oauth.Service
	Channels *channel.Service
	Mail     *mail.Service
	// Registrations are those that moderators approve.
	Registrations *registration.Service
	Pictures      *picture.Service
	Mutes         *moderation.Service
	// Subscriptions are the channels that users follow.
	Subscriptions *subscription.Service

	commands []activitypub.Command
	// Notifications know what happens to users and follows. Modules that have more
	// to tell add to them at start.
	Notifications *notification.Service
}

// New assembles the module.
func New(o Options) *Accounts {
	f := federation{o.Engine}
	mails := mail.New(mail.Options{DB: o.DB, Config: o.Config})
	pictures := picture.New(picture.Options{
		DB: o.DB, Transport: o.Transport, Origin: o.Config.Origin(), Rules: o.Rules, Logger: o.Logger,
		MaxFetched: func() int { return o.Config.Current().Cache.ActorImages.Size },
		Avatars:    pictureSizes(o.Config.ActorImages.AvatarSizes), Banners: pictureSizes(o.Config.ActorImages.BannerSizes),
	})
	channels := channel.New(channel.Options{
		Pictures: pictures,
		DB:       o.DB, Actors: o.Engine.Actors, MaxPerUser: func() int { return o.Config.Current().VideoChannels.MaxPerUser }, Logger: o.Logger, Rules: o.Rules,
		Changed: f.changed, Gone: f.gone,
		MayAsk: func(p *rest.Principal) bool {
			may := o.Config.Current().Search.RemoteURI
			return p == nil && may.Anonymous || p != nil && may.Users
		},
	})
	o.Engine.Pictures = func(ctx context.Context, actorIDs ...int64) (map[int64]activitypub.Pictures, error) {
		sets, err := pictures.Of(ctx, actorIDs...)
		out := make(map[int64]activitypub.Pictures, len(sets))
		for id, set := range sets {
			out[id] = activitypub.Pictures{Avatars: channel.Images(set.Avatar), Banners: channel.Images(set.Banner)}
		}
		return out, err
	}
	users := user.New(user.Options{DB: o.DB, Channels: channels, Mail: mails, Config: o.Config, Logger: o.Logger})
	auth := oauth.New(oauth.Options{
		DB: o.DB, Users: users, Origin: o.Config.Origin(), Host: o.Config.Host(), AnyHost: o.AnyHost,
		AccessLifetime:  o.Config.OAuth2.TokenLifetime.AccessToken,
		RefreshLifetime: o.Config.OAuth2.TokenLifetime.RefreshToken, Logger: o.Logger,
	})
	users.EndSessions = auth.EndSessions
	told := notification.New(notification.Options{DB: o.DB, Channels: channels, Actors: o.Engine.Actors, Config: o.Config, Mail: mails})
	users.NotificationSettings = told.Settings
	applicants := registration.New(registration.Options{DB: o.DB, Users: users, Mail: mails, Config: o.Config})
	users.Applicant = applicants.Applicant
	applicants.Requested = func(tx *db.Tx, r *registration.Registration) error { return told.RegistrationAsked(tx, r.ID) }
	users.Registered = func(tx *db.Tx, u *user.User) error { return told.UserCreated(tx, u.ID) }
	mutes := moderation.New(moderation.Options{DB: o.DB, Actors: o.Engine.Actors, Channels: channels, Rules: o.Rules})
	channels.Hidden = mutes.Hidden
	return &Accounts{
		Registrations: applicants,
		Notifications: told, Users: users, OAuth: auth, Channels: channels, Mail: mails, Pictures: pictures,
		Mutes:         mutes,
		Subscriptions: subscription.New(subscription.Options{DB: o.DB, Engine: o.Engine, Channels: channels}),
		commands:      command.Commands(command.Options{DB: o.DB, Engine: o.Engine, Users: users, OAuth: auth}),
	}
}

func pictureSizes(of []config.ImageSize) []picture.Size {
	out := make([]picture.Size, len(of))
	for i, s := range of {
		out[i] = picture.Size(s)
	}
	return out
}

// Commands are the subcommands of the module, to be listed and explained; those
// of [Accounts.Module] run.
func Commands() []activitypub.Command { return command.Commands(command.Options{}) }

// CleanArgs removes sessions and links of mails that are over.
type CleanArgs struct{}

// Kind implements jobs.Args.
func (CleanArgs) Kind() string { return "accounts.clean_sessions" }

// cleanEvery is how often expired sessions are removed; they end by
// themselves, this is for the size of the tables.
const cleanEvery = time.Hour

// Module is what the server plugs in.
func (a *Accounts) Module() activitypub.Module {
	return activitypub.Module{
		Name: "accounts",
		Jobs: slices.Concat([]jobs.Handler{
			jobs.Handle(func(ctx context.Context, _ CleanArgs) error {
				return errors.Join(a.OAuth.DeleteExpired(ctx), a.Users.DeleteExpired(ctx))
			}),
		}, a.Mail.Jobs(), a.Pictures.Jobs(), a.Subscriptions.Jobs(), a.Notifications.Jobs()),
		Periodic: slices.Concat([]jobs.Periodic{
			{Name: "accounts.clean_sessions", Every: cleanEvery, Args: CleanArgs{}},
		}, a.Mail.Periodic(), a.Pictures.Periodic(), a.Notifications.Periodic()),
		Routes:        a.Routes,
		Commands:      a.commands,
		Migrations:    []migrations.Set{migrations.Accounts},
		ActorFields:   a.Channels.ActorFields,
		ActorSaved:    a.actorSaved,
		ActorDeleted:  a.actorDeleted,
		FollowChanged: a.Notifications.FollowChanged,
		Counts:        a.Users.Counts,
	}
}

func (a *Accounts) actorSaved(tx *db.Tx, saved *actor.Actor) error {
	return errors.Join(a.Pictures.ActorSaved(tx, saved), a.Channels.ActorSaved(tx, saved))
}

func (a *Accounts) actorDeleted(ctx context.Context, gone *actor.Actor) error {
	return errors.Join(a.Pictures.ActorDeleted(ctx, gone), a.Channels.ActorDeleted(ctx, gone))
}

// Routes registers the REST routes of the module.
func (a *Accounts) Routes(r *rest.Router) {
	a.OAuth.Routes(r)
	a.Users.Routes(r)
	a.Registrations.Routes(r)
	a.Channels.Routes(r)
	a.Subscriptions.Routes(r)
	a.Mutes.Routes(r)
	a.Notifications.Routes(r)
}

// federation tells other servers what happens to our actors.
type federation struct{ engine *activitypub.Engine }

// changed sends Update to the followers of the actor and of the instance, who
// may show its videos (PT federation 3).
func (f federation) changed(tx *db.Tx, a *actor.Actor, fields map[string]any) error {
	also, err := f.instance(tx)
	if err != nil {
		return err
	}
	return f.engine.PublishUpdate(tx, a, fields, also)
}

// gone sends Delete and has the modules drop what hangs on the actor.
func (f federation) gone(tx *db.Tx, a *actor.Actor) error {
	also, err := f.instance(tx)
	if err != nil {
		return err
	}
	return f.engine.DeleteLocal(tx, a, also)
}

func (federation) instance(tx *db.Tx) (activitypub.Delivery, error) {
	var ids []int64
	err := tx.Model(&actor.Actor{}).Where("username = ? AND host = ''", actor.InstanceName).Pluck("id", &ids).Error
	return activitypub.Delivery{FollowersOf: ids}, err
}

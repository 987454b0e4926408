// Package accounts is the module of people: it assembles users, the ways they
// log in, and the accounts and channels that the world sees of them.
package accounts

import (
	"log/slog"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what the module needs.
type Options struct {
	DB     *db.DB
	Actors *actor.Service
	Config *config.Config
	Logger *slog.Logger
}

// Accounts is the assembled module.
type Accounts struct {
	Users    *user.Service
	OAuth    *oauth.Service
	Channels *channel.Service
}

// New assembles the module.
func New(o Options) *Accounts {
	channels := channel.New(channel.Options{
		DB: o.DB, Actors: o.Actors, MaxPerUser: o.Config.VideoChannels.MaxPerUser, Logger: o.Logger,
	})
	users := user.New(user.Options{DB: o.DB, Channels: channels, Config: o.Config, Logger: o.Logger})
	auth := oauth.New(oauth.Options{
		DB: o.DB, Users: users, Origin: o.Config.Origin(), Host: o.Config.Host(),
		AccessLifetime:  o.Config.OAuth2.TokenLifetime.AccessToken,
		RefreshLifetime: o.Config.OAuth2.TokenLifetime.RefreshToken, Logger: o.Logger,
	})
	users.EndSessions = auth.EndSessions
	return &Accounts{Users: users, OAuth: auth, Channels: channels}
}

// Routes registers the REST routes of the module.
func (a *Accounts) Routes(r *rest.Router) {
	a.OAuth.Routes(r)
	a.Users.Routes(r)
	a.Channels.Routes(r)
}

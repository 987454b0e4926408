package user

import (
	"context"

	"github.com/kinemesh/kinemesh/accounts/channel"
)

type apiRole struct {
	ID    int    `json:"id"`
	Label string `json:"label"`
}

// apiUser is a user in the API, as itself and administrators see it.
type apiUser struct {
	ID                        int64                 `json:"id"`
	Username                  string                `json:"username"`
	Email                     string                `json:"email"`
	Theme                     string                `json:"theme"`
	Language                  *string               `json:"language"`
	PendingEmail              *string               `json:"pendingEmail"`
	EmailPublic               bool                  `json:"emailPublic"`
	EmailVerified             *bool                 `json:"emailVerified"`
	NSFWPolicy                string                `json:"nsfwPolicy"`
	NSFWFlagsDisplayed        int                   `json:"nsfwFlagsDisplayed"`
	NSFWFlagsHidden           int                   `json:"nsfwFlagsHidden"`
	NSFWFlagsWarned           int                   `json:"nsfwFlagsWarned"`
	NSFWFlagsBlurred          int                   `json:"nsfwFlagsBlurred"`
	P2PEnabled                bool                  `json:"p2pEnabled"`
	VideosHistoryEnabled      bool                  `json:"videosHistoryEnabled"`
	AutoPlayVideo             bool                  `json:"autoPlayVideo"`
	AutoPlayNextVideo         bool                  `json:"autoPlayNextVideo"`
	AutoPlayNextVideoPlaylist bool                  `json:"autoPlayNextVideoPlaylist"`
	VideoLanguages            []string              `json:"videoLanguages"`
	Role                      apiRole               `json:"role"`
	VideoQuota                int64                 `json:"videoQuota"`
	VideoQuotaDaily           int64                 `json:"videoQuotaDaily"`
	TotalVideoFileSize        *int64                `json:"totalVideoFileSize,omitempty"`
	VideoQuotaUsed            *int64                `json:"videoQuotaUsed,omitempty"`
	VideoQuotaUsedDaily       *int64                `json:"videoQuotaUsedDaily,omitempty"`
	NoInstanceConfigModal     bool                  `json:"noInstanceConfigWarningModal"`
	NoWelcomeModal            bool                  `json:"noWelcomeModal"`
	NoAccountSetupModal       bool                  `json:"noAccountSetupWarningModal"`
	Blocked                   bool                  `json:"blocked"`
	BlockedReason             *string               `json:"blockedReason"`
	Account                   *channel.AccountJSON  `json:"account"`
	NotificationSettings      map[string]int        `json:"notificationSettings,omitempty"`
	VideoChannels             []channel.ChannelJSON `json:"videoChannels"`
	CreatedAt                 channel.Time          `json:"createdAt"`
	PluginAuth                *string               `json:"pluginAuth"`
	LastLoginDate             *channel.Time         `json:"lastLoginDate"`
	TwoFactorEnabled          bool                  `json:"twoFactorEnabled"`
	AdminFlags                int                   `json:"adminFlags"`
	SpecialPlaylists          *[]SpecialPlaylist    `json:"specialPlaylists,omitempty"`
	NewFeaturesInfoRead       int                   `json:"newFeaturesInfoRead"`
	*Stats                                          // when it is asked for
}

// toAPI makes the answers for users, in a fixed number of queries.
func (s *Service) toAPI(ctx context.Context, users ...*User) ([]apiUser, error) {
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	owned, err := s.o.Channels.OfUsers(ctx, ids...)
	if err != nil {
		return nil, err
	}
	told, err := s.NotificationSettings(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := make([]apiUser, 0, len(users))
	for i, u := range users {
		set, err := s.SettingsOf(u)
		if err != nil {
			return nil, err
		}
		out = append(out, s.oneToAPI(u, set, owned[u.ID]))
		out[i].NotificationSettings = told[u.ID]
	}
	return out, nil
}

func (s *Service) oneToAPI(u *User, set Settings, owned channel.Owned) apiUser {
	a := apiUser{
		ID: u.ID, Username: u.Username, Email: u.Email, EmailVerified: u.EmailVerified,
		Role:       apiRole{int(u.Role), u.Role.Label()},
		VideoQuota: u.VideoQuota, VideoQuotaDaily: u.VideoQuotaDaily, AdminFlags: u.AdminFlags,
		PendingEmail: u.PendingEmail, TwoFactorEnabled: u.OTPSecret != "", NewFeaturesInfoRead: u.FeaturesRead,
		Blocked: u.Blocked, CreatedAt: channel.Time(u.CreatedAt), LastLoginDate: channel.TimePtr(u.LastLoginAt),
		Theme: set.Theme, Language: set.Language, EmailPublic: set.EmailPublic, NSFWPolicy: set.NSFWPolicy, P2PEnabled: set.P2PEnabled,
		VideosHistoryEnabled: set.VideosHistoryEnabled, AutoPlayVideo: set.AutoPlayVideo, AutoPlayNextVideo: set.AutoPlayNextVideo,
		AutoPlayNextVideoPlaylist: set.AutoPlayNextVideoPlaylist, VideoLanguages: set.VideoLanguages,
		NoInstanceConfigModal: set.NoInstanceConfigModal, NoWelcomeModal: set.NoWelcomeModal, NoAccountSetupModal: set.NoAccountSetupModal,
		NSFWFlagsDisplayed: set.NSFWFlagsDisplayed, NSFWFlagsHidden: set.NSFWFlagsHidden,
		NSFWFlagsWarned: set.NSFWFlagsWarned, NSFWFlagsBlurred: set.NSFWFlagsBlurred,
		VideoChannels: []channel.ChannelJSON{},
	}
	if u.BlockedReason != "" {
		a.BlockedReason = &u.BlockedReason
	}
	if owned.Account != nil {
		acc := s.o.Channels.APIAccount(owned.Account)
		a.Account = &acc
	}
	for _, c := range owned.Channels {
		a.VideoChannels = append(a.VideoChannels, s.o.Channels.APIChannelOnly(c))
	}
	return a
}

// addUsed sets what the videos of each user take.
func addUsed(ctx context.Context, users []apiUser, tell func(context.Context, []int64) (map[int64]usage, error)) error {
	ids := make([]int64, len(users))
	for i := range users {
		ids[i] = users[i].ID
	}
	of, err := tell(ctx, ids)
	if err != nil {
		return err
	}
	for i := range users {
		u := of[users[i].ID]
		users[i].VideoQuotaUsed, users[i].VideoQuotaUsedDaily, users[i].TotalVideoFileSize = &u.Used, &u.Daily, &u.Files
	}
	return nil
}

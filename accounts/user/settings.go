package user

import (
	"context"
	"encoding/json"
	"fmt"
)

// Settings are a user's own preferences, kept as JSON in the row. A field that
// the stored text lacks has its default.
type Settings struct {
	Theme                     string   `json:"theme"`
	Language                  *string  `json:"language"`
	EmailPublic               bool     `json:"emailPublic"`
	NSFWPolicy                string   `json:"nsfwPolicy"`
	NSFWFlagsDisplayed        int      `json:"nsfwFlagsDisplayed"` // bits, see [maxNSFWFlags]
	NSFWFlagsHidden           int      `json:"nsfwFlagsHidden"`
	NSFWFlagsWarned           int      `json:"nsfwFlagsWarned"`
	NSFWFlagsBlurred          int      `json:"nsfwFlagsBlurred"`
	P2PEnabled                bool     `json:"p2pEnabled"`
	VideosHistoryEnabled      bool     `json:"videosHistoryEnabled"`
	AutoPlayVideo             bool     `json:"autoPlayVideo"`
	AutoPlayNextVideo         bool     `json:"autoPlayNextVideo"`
	AutoPlayNextVideoPlaylist bool     `json:"autoPlayNextVideoPlaylist"`
	VideoLanguages            []string `json:"videoLanguages"`
	NoInstanceConfigModal     bool     `json:"noInstanceConfigWarningModal"`
	NoWelcomeModal            bool     `json:"noWelcomeModal"`
	NoAccountSetupModal       bool     `json:"noAccountSetupWarningModal"`
}

// maxNSFWFlags is all bits of what a video may be marked with: 1 violent, 2
// explicit sex.
const maxNSFWFlags = 3

// nsfwPolicies are what nsfwPolicy may be.
func nsfwPolicies() []string { return []string{"do_not_list", "warn", "blur", "display"} }

// defaults are the preferences of a user who set none.
func (s *Service) defaults() Settings {
	c := s.o.Config.Current()
	return Settings{
		Theme: "instance-default", NSFWPolicy: c.Instance.DefaultNSFWPolicy, P2PEnabled: c.Defaults.P2P.Webapp.Enabled,
		VideosHistoryEnabled: c.User.History.Videos.Enabled, AutoPlayVideo: c.Defaults.Player.AutoPlay, AutoPlayNextVideoPlaylist: true,
	}
}

// SettingsOf are the preferences of a user.
func (s *Service) SettingsOf(u *User) (Settings, error) {
	out := s.defaults()
	if u.Settings == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(u.Settings), &out); err != nil {
		return out, fmt.Errorf("settings of user %d: %w", u.ID, err)
	}
	return out, nil
}

// KeepsHistory tells whether a user wants to see again what was watched.
func (s *Service) KeepsHistory(ctx context.Context, userID int64) (bool, error) {
	u, err := s.ByID(ctx, userID)
	if err != nil {
		return false, err
	}
	set, err := s.SettingsOf(u)
	return set.VideosHistoryEnabled, err
}

func (s Settings) encode() (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("settings: %w", err)
	}
	return string(b), nil
}

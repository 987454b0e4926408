package rest

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
)

// VideoPasswordHeader carries the password of a protected video.
const VideoPasswordHeader = "X-Peertube-Video-Password" //nolint:gosec // the name of a header

// passwordCookie is the beginning of the names of cookies that carry passwords
// which were typed into our pages; the UUID of the video follows.
const passwordCookie = "video-password-"

// PasswordCookie keeps the password of a video in the browser until it is
// closed, for the pages and files of this server alone.
func PasswordCookie(uuid, password string, https bool) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without https there is no other
		Name: passwordCookie + uuid, Value: base64.RawURLEncoding.EncodeToString([]byte(password)), Path: "/",
		HttpOnly: true, Secure: https, SameSite: http.SameSiteLaxMode,
	}
}

// Guess is what a request brought to see protected videos, right or wrong.
type Guess struct {
	Password string // of the header; empty: none
	From     string // address of the client

	kept map[string]string // passwords of cookies by the UUID of the video
}

// For is the password for a video; empty: none was brought.
func (g Guess) For(uuid string) string {
	if g.Password != "" {
		return g.Password
	}
	return g.kept[uuid]
}

// guessOf reads the passwords of a request that came from an address.
func guessOf(r *http.Request, from string) (g Guess, ok bool) {
	g = Guess{Password: r.Header.Get(VideoPasswordHeader), From: from}
	if strings.Contains(r.Header.Get("Cookie"), passwordCookie) {
		for _, c := range r.Cookies() {
			uuid, ours := strings.CutPrefix(c.Name, passwordCookie)
			password, err := base64.RawURLEncoding.DecodeString(c.Value)
			if !ours || err != nil {
				continue
			}
			if g.kept == nil {
				g.kept = map[string]string{}
			}
			g.kept[uuid] = string(password)
		}
	}
	return g, g.Password != "" || g.kept != nil
}

type guessKey struct{}

// WithGuess returns a context that carries g.
func WithGuess(ctx context.Context, g Guess) context.Context {
	return context.WithValue(ctx, guessKey{}, g)
}

// CurrentGuess is what the request brought, empty for one that brought nothing.
func CurrentGuess(ctx context.Context) Guess {
	g, _ := ctx.Value(guessKey{}).(Guess)
	return g
}

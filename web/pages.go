package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

//go:embed templates/*.html
var templateFS embed.FS

// Pages renders views. It is safe for concurrent use.
type Pages struct {
	templates *template.Template
	https     bool
}

// NewPages parses the templates. https says whether the instance is reached
// by TLS; it widens the content policy when not ([SetPolicy]).
func NewPages(assets *Assets, https bool) (*Pages, error) {
	t, err := template.New("").Funcs(functions(assets, time.Now)).ParseFS(templateFS, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return &Pages{templates: t, https: https}, nil
}

// List writes home or another list of videos.
func (p *Pages) List(w http.ResponseWriter, v *ListPage) error {
	return p.render(w, http.StatusOK, PolicyPage, "list.html", v)
}

// Search writes the result of a search.
func (p *Pages) Search(w http.ResponseWriter, v *SearchPage) error {
	v.Robots = "noindex"
	return p.render(w, http.StatusOK, PolicyPage, "search.html", v)
}

// Actor writes the page of a channel or an account.
func (p *Pages) Actor(w http.ResponseWriter, v *ActorPage) error {
	return p.render(w, http.StatusOK, PolicyPage, "actor.html", v)
}

// Playlist writes the page of a playlist.
func (p *Pages) Playlist(w http.ResponseWriter, v *PlaylistPage) error {
	if !v.Indexed {
		v.Robots = "noindex"
	}
	return p.render(w, http.StatusOK, PolicyPage, "playlist.html", v)
}

// Watch writes the page of a video.
func (p *Pages) Watch(w http.ResponseWriter, v *WatchPage) error {
	if !v.Indexed {
		v.Robots = "noindex"
	}
	return p.render(w, http.StatusOK, PolicyPlayer, "watch.html", v)
}

// Embed writes the page of a video for a frame of another site.
func (p *Pages) Embed(w http.ResponseWriter, v *EmbedPage) error {
	return p.render(w, http.StatusOK, PolicyEmbed, "embed.html", v)
}

// AskInFrame asks for the password of a video there, with the status of the
// refusal.
func (p *Pages) AskInFrame(w http.ResponseWriter, status int, v *EmbedPage) error {
	w.Header().Set("Cache-Control", "no-store")
	return p.render(w, status, PolicyEmbed, "embed.html", v)
}

// Login writes the login form: 200, or status when the last attempt failed.
func (p *Pages) Login(w http.ResponseWriter, status int, v *LoginPage) error {
	v.Robots = "noindex"
	w.Header().Set("Cache-Control", "no-store")
	return p.render(w, status, PolicyPage, "login.html", v)
}

// Password asks for the password of a video, with the status of the refusal.
func (p *Pages) Password(w http.ResponseWriter, status int, v *PasswordPage) error {
	v.Robots = "noindex"
	w.Header().Set("Cache-Control", "no-store")
	return p.render(w, status, PolicyPage, "password.html", v)
}

// Publish writes the upload page.
func (p *Pages) Publish(w http.ResponseWriter, v *PublishPage) error {
	v.Robots = "noindex"
	w.Header().Set("Cache-Control", "no-store")
	return p.render(w, http.StatusOK, PolicyPage, "publish.html", v)
}

// Error writes what went wrong, with v.Status.
func (p *Pages) Error(w http.ResponseWriter, v *ErrorPage) error {
	v.Robots = "noindex"
	describe(v)
	return p.render(w, v.Status, PolicyPage, "error.html", v)
}

// render executes a template into memory first, so that a failing one still
// becomes an error page.
func (p *Pages) render(w http.ResponseWriter, status int, policy Policy, name string, data any) error {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	h := w.Header()
	SetPolicy(h, policy, p.https)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}

// describe fills the words of an error page that its handler left empty.
func describe(v *ErrorPage) {
	words := map[int][2]string{
		http.StatusBadRequest:      {"This request cannot be understood", "The address or the form holds something that is not allowed here."},
		http.StatusUnauthorized:    {"Please log in", "This page is only for people who are logged in."},
		http.StatusForbidden:       {"You may not see this", "This page is private, or only for others."},
		http.StatusNotFound:        {"Nothing here", "The page does not exist. The address may be mistyped, or what was here is gone."},
		http.StatusGone:            {"This was deleted", "What was here has been removed by its author or an administrator."},
		http.StatusTooManyRequests: {"Too many requests", "Wait a moment, then try again."},
	}
	w, ok := words[v.Status]
	if !ok {
		w = [2]string{"Something went wrong", "The fault is on our side. Try again in a moment."}
	}
	if v.Title == "" {
		v.Title = w[0]
	}
	if v.Text == "" {
		v.Text = w[1]
	}
	if v.Link == "" {
		v.Link, v.Action = "/", "Go to the home page"
		if v.Status == http.StatusUnauthorized {
			v.Link, v.Action = "/login", "Log in"
		}
	}
}

// Package rest is what every REST handler stands on: routes with their access
// rule, the signed-in principal, problem answers, paging and sorting as
// PeerTube's clients expect them. It knows no feature.
package rest

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strings"

	"github.com/labstack/echo/v4"
)

// Role is a user's role; the numbers go over the API.
type Role int

// The roles.
const (
	RoleAdmin     Role = 0
	RoleModerator Role = 1
	RoleUser      Role = 2
)

// Label is the role's name in API answers.
func (r Role) Label() string {
	switch r {
	case RoleAdmin:
		return "Administrator"
	case RoleModerator:
		return "Moderator"
	case RoleUser:
		return "User"
	default:
		return "User"
	}
}

// Principal is who makes a request.
type Principal struct {
	UserID    int64
	AccountID int64
	ActorID   int64
	Username  string
	Role      Role
	TokenID   int64 // row of the bearer token; 0 for a browser session
	SessionID int64 // row of the browser session; 0 for a bearer token
}

// IsModerator tells whether p may do what moderators may; false for nil.
func (p *Principal) IsModerator() bool { return p != nil && p.Role <= RoleModerator }

// IsAdmin tells whether p is an administrator; false for nil.
func (p *Principal) IsAdmin() bool { return p != nil && p.Role == RoleAdmin }

// Access says who may call a route (SEC-43). It is the rule that holds before
// the operation runs; whose the object is, the operation of an [Owner] route
// finds out.
type Access int

// The access rules. The zero value is no rule, and a route without a rule is
// refused at start.
const (
	_         Access = iota
	Anyone           // no token needed; one that is sent must be valid
	SignedIn         // any user
	Owner            // users, for what is theirs or what they look after: the operation asks
	Moderator        // moderators and administrators
	Admin            // administrators
)

// String names the rule, for the list of routes.
func (a Access) String() string {
	return [...]string{"none", "anyone", "user", "owner", "moderator", "admin"}[a]
}

// Authenticate finds the principal of a request: nil without credentials, an
// error (a *Problem) with bad ones.
type Authenticate func(c echo.Context) (*Principal, error)

// Route is one registered route.
type Route struct {
	Method, Path string
	Access       Access
}

// Router is where modules register their routes. It is used at start, by one
// goroutine.
type Router struct {
	API  *Group // below /api/v1
	Root *Group // pages, files, well-known documents

	routes []Route
	errs   []error
}

// Group registers routes below one prefix.
type Group struct {
	r      *Router
	prefix string
	e      *echo.Group
	auth   Authenticate
}

// NewRouter returns a router on e. Requests are authenticated by auth.
func NewRouter(e *echo.Echo, auth Authenticate) *Router {
	r := &Router{}
	r.API = &Group{r: r, prefix: "/api/v1", e: e.Group("/api/v1"), auth: auth}
	r.Root = &Group{r: r, e: e.Group(""), auth: auth}
	return r
}

// Handle registers a route. A path below an already registered prefix, a
// missing access rule or a second registration is a programmer's mistake that
// [Router.Err] reports.
func (g *Group) Handle(method, path string, access Access, h echo.HandlerFunc, mw ...echo.MiddlewareFunc) {
	full := g.prefix + path
	if access == 0 {
		g.r.errs = append(g.r.errs, fmt.Errorf("route %s %s has no access rule", method, full))
		return
	}
	for _, r := range g.r.routes {
		if r.Method == method && r.Path == full {
			g.r.errs = append(g.r.errs, fmt.Errorf("route %s %s is registered twice", method, full))
			return
		}
	}
	g.r.routes = append(g.r.routes, Route{method, full, access})
	g.e.Add(method, path, permit(g.auth, access, h), mw...)
}

// GET registers a route for GET, and for HEAD as HTTP demands.
func (g *Group) GET(path string, access Access, h echo.HandlerFunc, mw ...echo.MiddlewareFunc) {
	g.Handle("GET", path, access, h, mw...)
	g.e.Add("HEAD", path, permit(g.auth, access, h), mw...)
}

// POST registers a route for POST.
func (g *Group) POST(path string, access Access, h echo.HandlerFunc, mw ...echo.MiddlewareFunc) {
	g.Handle("POST", path, access, h, mw...)
}

// PUT registers a route for PUT.
func (g *Group) PUT(path string, access Access, h echo.HandlerFunc, mw ...echo.MiddlewareFunc) {
	g.Handle("PUT", path, access, h, mw...)
}

// DELETE registers a route for DELETE.
func (g *Group) DELETE(path string, access Access, h echo.HandlerFunc, mw ...echo.MiddlewareFunc) {
	g.Handle("DELETE", path, access, h, mw...)
}

// Routes lists what was registered, by path and method.
func (r *Router) Routes() []Route {
	out := append([]Route(nil), r.routes...)
	sort.Slice(out, func(i, j int) bool {
		if out[i].Path != out[j].Path {
			return out[i].Path < out[j].Path
		}
		return out[i].Method < out[j].Method
	})
	return out
}

// Err tells what was registered wrongly; the server does not start with it.
func (r *Router) Err() error {
	if len(r.errs) == 0 {
		return nil
	}
	msgs := make([]string, len(r.errs))
	for i, e := range r.errs {
		msgs[i] = e.Error()
	}
	return fmt.Errorf("routes: %s", strings.Join(msgs, "; "))
}

type principalKey struct{}

// permit authenticates, applies the access rule and runs h.
func permit(auth Authenticate, access Access, h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, err := auth(c)
		if err != nil {
			return err
		}
		switch {
		case access != Anyone && p == nil:
			return &Problem{Status: http.StatusUnauthorized, Code: "unauthorized_request", Detail: "Token is invalid"}
		case access == Moderator && !p.IsModerator(), access == Admin && !p.IsAdmin():
			return Forbidden("Your role does not allow this")
		}
		if p != nil {
			c.SetRequest(c.Request().WithContext(WithPrincipal(c.Request().Context(), p)))
		}
		if g, ok := guessOf(c.Request(), c.RealIP()); ok {
			c.SetRequest(c.Request().WithContext(WithGuess(c.Request().Context(), g)))
		}
		return h(c)
	}
}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// Current is the principal of the request, nil for an anonymous one.
func Current(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}

package catalog

import (
	"context"
	"net/http"
	"strings"

	"github.com/kinemesh/kinemesh/web/rest"
)

// CanSee decides whether p (nil: anonymous) may see v and its bytes, without its
// password. Every way to a video asks it, or [Service.Permit]: API, pages,
// ActivityPub, files, downloads, feeds, search (SEC-54). v must have its Owner.
func (s *Service) CanSee(ctx context.Context, p *rest.Principal, v *Video) bool {
	return s.Permit(rest.WithGuess(ctx, rest.Guess{}), p, v) == nil
}

// Shows tells whether the rules for hosts let p have a video: of another server
// that is blocked nobody has one (SEC-19).
func (s *Service) Shows(ctx context.Context, p *rest.Principal, v *Video) bool {
	return v.Local || s.opts.Channels.Shows(ctx, p, HostOf(v.IRI), v.Owner.ChannelActorID)
}

// HostOf is the host of an ActivityPub id.
func HostOf(iri string) string {
	_, after, _ := strings.Cut(iri, "://")
	host, _, _ := strings.Cut(after, "/")
	return host
}

// IsOwner tells whether v belongs to p.
func IsOwner(p *rest.Principal, v *Video) bool {
	return p != nil && v.Owner.UserID != 0 && v.Owner.UserID == p.UserID
}

// Permit is nil when p may see v with the password that the request brought, if
// any, else what to answer.
func (s *Service) Permit(ctx context.Context, p *rest.Principal, v *Video) *rest.Problem {
	if !s.Shows(ctx, p, v) {
		return rest.NotFound("Video not found")
	}
	if IsOwner(p, v) || p.IsModerator() {
		return nil
	}
	ready := v.State == Published || v.State == WaitingForLive || v.State == LiveEnded
	switch {
	case !ready:
		return rest.NotFound("Video not found")
	case v.Blocked:
		return rest.Forbidden("Cannot fetch information of private/internal/blocked video")
	case v.Privacy == Internal && v.Local && p != nil:
		return nil
	case v.Privacy == Password && v.Local && s.Unlock != nil:
		return s.Unlock(ctx, v)
	case v.Privacy != Public && v.Privacy != Unlisted && p == nil:
		return &rest.Problem{Status: http.StatusUnauthorized, Detail: "Please authenticate to see this video"}
	case v.Privacy != Public && v.Privacy != Unlisted:
		return rest.Forbidden("Cannot fetch information of private/internal/blocked video")
	case !v.Listed && !s.RemoteAllowed(p):
		return &rest.Problem{
			Status: http.StatusForbidden, Code: "does_not_respect_follow_constraints",
			Detail: "Cannot get this video regarding follow constraints",
		}
	}
	return nil
}

// RemoteAllowed tells whether p may look up objects of servers that this
// instance does not follow.
func (s *Service) RemoteAllowed(p *rest.Principal) bool {
	may := s.opts.RemoteURI()
	return may.Anonymous || (p != nil && may.Users)
}

// Find loads the video that a client named and lets p see it, or answers with
// a *rest.Problem. An unlisted video is found by its UUID, which is its secret,
// not by a number that can be counted up.
func (s *Service) Find(ctx context.Context, p *rest.Principal, id string) (*Video, error) {
	notFound := rest.NotFound("Video not found")
	ref, ok := ParseRef(id)
	if !ok {
		return nil, notFound
	}
	v, err := s.Get(ctx, ref)
	if err != nil {
		return nil, Problem(err)
	}
	if problem := s.Permit(ctx, p, v); problem != nil {
		return nil, problem
	}
	if v.Privacy == Unlisted && ref.UUID == "" && !IsOwner(p, v) && !p.IsModerator() {
		return nil, notFound
	}
	if s.Touched != nil && !v.Local {
		s.Touched(ctx, v)
	}
	return v, nil
}

// FindOwn loads a local video that p may change, its owner or a moderator, or
// answers with a *rest.Problem (SEC-44).
func (s *Service) FindOwn(ctx context.Context, p *rest.Principal, id string) (*Video, error) {
	ref, ok := ParseRef(id)
	if !ok {
		return nil, rest.NotFound("Video not found")
	}
	v, err := s.Get(ctx, ref)
	if err == nil && (!v.Local || !mayEdit(p, v)) {
		err = ErrForbidden
	}
	if err != nil {
		return nil, Problem(err)
	}
	return v, nil
}

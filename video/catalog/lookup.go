package catalog

import (
	"context"
	"net/url"
	"strings"

	"github.com/kinemesh/kinemesh/web/rest"
)

// localRef reads an address of one of this instance's videos: its page or its
// ActivityPub id.
func (s *Service) localRef(u *url.URL) (Ref, bool) {
	if !strings.EqualFold(u.Host, s.urls.Host) {
		return Ref{}, false
	}
	for _, prefix := range []string{"/w/", "/videos/watch/", "/videos/embed/"} {
		if id, ok := strings.CutPrefix(u.Path, prefix); ok {
			return ParseRef(strings.TrimSuffix(id, "/"))
		}
	}
	return Ref{}, false
}

// Lookup finds the video at a URL: one of this instance, one that is known, or
// where p may, one that its server is asked for. ErrNotFound when there is none
// that p may see.
func (s *Service) Lookup(ctx context.Context, p *rest.Principal, uri string) (*Video, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil, ErrNotFound
	}
	var v *Video
	if strings.EqualFold(u.Host, s.urls.Host) {
		ref, ok := s.localRef(u)
		if !ok {
			return nil, ErrNotFound
		}
		v, err = s.Get(ctx, ref)
	} else {
		v, err = s.ByIRI(ctx, uri)
		if err != nil && s.Resolve != nil && s.RemoteAllowed(p) {
			var id int64
			if id, err = s.Resolve(ctx, uri); err == nil {
				v, err = s.ByID(ctx, id)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if !s.CanSee(ctx, p, v) {
		return nil, ErrNotFound
	}
	if s.Touched != nil && !v.Local {
		s.Touched(ctx, v)
	}
	return v, nil
}

package picture

import (
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/actor"
)

// Fields are the members icon and image of the document of one of our actors,
// smallest first as PeerTube lists them (PT federation 1). What it has no
// picture of is left out. q is db.Read or a transaction.
func (s *Service) Fields(q *gorm.DB, a *actor.Actor) (map[string]any, error) {
	if s == nil {
		return nil, nil
	}
	sets, err := of(q, a.ID)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for name, p := range map[string]*Picture{"icon": sets[a.ID].Avatar, "image": sets[a.ID].Banner} {
		if p == nil {
			continue
		}
		links := make([]map[string]any, 0, len(p.Sizes))
		for i := range p.Sizes {
			size := p.Sizes[len(p.Sizes)-1-i]
			links = append(links, map[string]any{
				"type": "Image", "mediaType": p.mediaType(), "height": size.Height, "width": size.Width,
				"url": s.o.Origin + p.Path(size),
			})
		}
		out[name] = links
	}
	return out, nil
}

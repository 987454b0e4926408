package oauth

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Connect finds who holds an access token, for a connection that outlives its
// request. The connection may last as long as [Service.Living] knows its family:
// clients replace their token on the way. A token that does not hold is a
// *rest.Problem.
func (s *Service) Connect(ctx context.Context, plain string, from Place) (p *rest.Principal, family string, err error) {
	if p, err = s.byToken(ctx, plain, from); err != nil {
		return nil, "", err
	}
	err = s.o.DB.Read(ctx).Model(&token{}).Select("family").Where("id = ?", p.TokenID).Take(&family).Error
	if err != nil {
		return nil, "", fmt.Errorf("family of a token: %w", err)
	}
	return p, family, nil
}

// Living tells which families of tokens still let somebody in: they were neither
// revoked nor are they over, and the user is not blocked (SEC-47).
func (s *Service) Living(ctx context.Context, families []string) (map[string]bool, error) {
	var alive []string
	err := s.o.DB.Read(ctx).Raw(`SELECT t.family FROM oauth_tokens t JOIN users u ON u.id = t.user_id
		WHERE t.family IN ? AND t.rotated_at IS NULL AND t.refresh_expires_at > ? AND NOT u.blocked`, families, db.Now()).Scan(&alive).Error
	if err != nil {
		return nil, fmt.Errorf("living sessions: %w", err)
	}
	out := make(map[string]bool, len(alive))
	for _, f := range alive {
		out[f] = true
	}
	return out, nil
}

package channel

import (
	"context"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// followScore is the health of a follow whose other side answers.
const followScore = 10000

// apiFollowActor is one end of a follow in the API.
type apiFollowActor struct {
	URL                   string  `json:"url"`
	Name                  string  `json:"name"`
	Host                  string  `json:"host"`
	Avatars               []Image `json:"avatars"`
	ID                    int64   `json:"id"` // of the actor
	HostRedundancyAllowed bool    `json:"hostRedundancyAllowed"`
	FollowingCount        int64   `json:"followingCount"`
	FollowersCount        int64   `json:"followersCount"`
	CreatedAt             Time    `json:"createdAt"`
	Banners               []Image `json:"banners"`
}

// apiFollow is a follow in the API.
type apiFollow struct {
	ID        int64          `json:"id"`
	Follower  apiFollowActor `json:"follower"`
	Following apiFollowActor `json:"following"`
	Score     int            `json:"score"`
	State     string         `json:"state"`
	CreatedAt Time           `json:"createdAt"`
	UpdatedAt Time           `json:"updatedAt"`
}

// Followers lists the accepted follows of some actors, with both ends. A search
// keeps those whose follower's name, display name or host contains it. Page.Sort
// is "createdAt", "state" or "score".
func (s *Service) Followers(ctx context.Context, targetIDs []int64, search string, page rest.Page) ([]actor.Follow, int64, error) {
	q := s.o.DB.Read(ctx).Table("follows AS f").Joins("JOIN actors a ON a.id = f.follower_id").
		Where("f.target_id IN ? AND f.state = ? AND a.gone_at IS NULL", targetIDs, actor.Accepted)
	if search = input.Line(search); search != "" {
		like := "%" + db.Like(search) + "%" // SEC-51
		q = q.Where(`(LOWER(a.username) LIKE LOWER(?) ESCAPE '\' OR LOWER(a.name) LIKE LOWER(?) ESCAPE '\' OR a.host LIKE LOWER(?) ESCAPE '\')`, like, like, like)
	}
	q = q.Session(&gorm.Session{})
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count followers: %w", err)
	}
	column := "f.created_at" // state and score are the same for all
	if page.Sort != "createdAt" {
		column = "f.id"
	}
	var ids []int64
	if err := q.Order(page.Order(column, "f.id")).Offset(page.Start).Limit(page.Count).Pluck("f.id", &ids).Error; err != nil {
		return nil, 0, fmt.Errorf("list followers: %w", err)
	}
	rows, err := s.o.Actors.FollowsByIDs(ctx, ids)
	return rows, total, err
}

// followersOfAccount answers who follows an account or one of its channels.
func (s *Service) followersOfAccount(c echo.Context) error {
	ctx := c.Request().Context()
	a, err := s.AccountByHandle(ctx, c.Param("name"))
	if err != nil {
		return orNotFound(err, accountNotFound)
	}
	if p := rest.Current(ctx); !a.OwnedBy(p.UserID) && !p.IsModerator() { // SEC-44
		return rest.Forbidden("Only the owner of the account may see its followers")
	}
	var targets []int64
	if err := s.channels(ctx).Where("channels.account_id = ?", a.ID).Order("channels.id").Pluck("channels.actor_id", &targets).Error; err != nil {
		return fmt.Errorf("channels of account %d: %w", a.ID, err)
	}
	return s.answerFollowers(c, append(targets, a.ActorID))
}

func (s *Service) followersOfChannel(c echo.Context) error {
	ch, err := s.editable(c)
	if err != nil {
		return err
	}
	return s.answerFollowers(c, []int64{ch.ActorID})
}

func (s *Service) answerFollowers(c echo.Context, targetIDs []int64) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt", "state", "score")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	rows, total, err := s.Followers(ctx, targetIDs, c.QueryParam("search"), page)
	if err != nil {
		return err
	}
	actors, ids := make([]*actor.Actor, 0, 2*len(rows)), make([]int64, 0, 2*len(rows))
	for _, f := range rows {
		actors, ids = append(actors, f.Follower, f.Target), append(ids, f.FollowerID, f.TargetID)
	}
	if err := s.count(ctx, actors...); err != nil {
		return err
	}
	pictures, err := s.PicturesOf(ctx, ids...)
	if err != nil {
		return err
	}
	toAPI := func(a *actor.Actor) apiFollowActor {
		set := pictures[a.ID]
		return apiFollowActor{
			URL: a.IRI, Name: a.Username, Host: s.host(a), Avatars: Images(set.Avatar), ID: a.ID, FollowingCount: a.FollowingCount,
			FollowersCount: a.FollowersCount, CreatedAt: Time(a.CreatedAt), Banners: Images(set.Banner),
		}
	}
	out := make([]apiFollow, len(rows))
	for i, f := range rows {
		out[i] = apiFollow{
			ID: f.ID, Follower: toAPI(f.Follower), Following: toAPI(f.Target), Score: followScore, State: f.State,
			CreatedAt: Time(f.CreatedAt), UpdatedAt: Time(f.UpdatedAt),
		}
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

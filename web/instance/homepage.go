package instance

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxHomepage is the length of the home page in bytes.
const maxHomepage = 90_000

// Page is a row: a page that administrators write.
type Page struct {
	Name      string `gorm:"primaryKey"`
	Content   string
	UpdatedAt time.Time
}

// TableName is for GORM.
func (Page) TableName() string { return "custom_pages" }

const homepageName = "homepage"

func (i *Instance) page(ctx context.Context) ([]Page, error) {
	var pages []Page
	if err := i.o.DB.Read(ctx).Where("name = ?", homepageName).Limit(1).Find(&pages).Error; err != nil {
		return nil, fmt.Errorf("home page: %w", err)
	}
	return pages, nil
}

// homepage is the text of the home page, empty when there is none.
func (i *Instance) homepage(ctx context.Context) (string, error) {
	pages, err := i.page(ctx)
	if err != nil || len(pages) == 0 {
		return "", err
	}
	return pages[0].Content, nil
}

func (i *Instance) getHomepage(c echo.Context) error {
	pages, err := i.page(c.Request().Context())
	if err != nil {
		return err
	}
	if len(pages) == 0 {
		return rest.NotFound("Custom homepage not found")
	}
	return c.JSON(http.StatusOK, object{"content": pages[0].Content})
}

func (i *Instance) putHomepage(c echo.Context) error {
	var in struct{ Content *string }
	if err := input.JSON(c, &in); err != nil {
		return err
	}
	if in.Content == nil || len(*in.Content) > maxHomepage {
		return rest.Invalid("body", "content", fmt.Sprintf("Should be a text of at most %d bytes", maxHomepage), nil)
	}
	p := Page{Name: homepageName, Content: input.Text(*in.Content), UpdatedAt: db.Now()}
	err := i.o.DB.Tx(c.Request().Context(), func(tx *db.Tx) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&p).Error
	})
	if err != nil {
		return fmt.Errorf("home page: %w", err)
	}
	return rest.NoContent(c)
}

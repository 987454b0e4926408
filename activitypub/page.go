package activitypub

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

type pageKey struct{}

// asked is the page of a collection that is asked for, and how many items one
// holds.
type asked struct {
	page string
	size int
}

func withPage(ctx context.Context, page string, size int) context.Context {
	return context.WithValue(ctx, pageKey{}, asked{page, size})
}

func pageOf(ctx context.Context) asked {
	a, ok := ctx.Value(pageKey{}).(asked)
	if !ok {
		a.size = defaultPageSize
	}
	return a
}

// Page is the page of a collection that a request asks [ObjectType.Local] for,
// as it stands in the address; "" for the collection itself.
func Page(ctx context.Context) string {
	return pageOf(ctx).page
}

// Paged answers for a collection of ours (AS2 5): the collection with its size,
// or the page of it that [Page] names. items gives a part of it and its size;
// it is asked for no items when the size alone is wanted.
func Paged(ctx context.Context, id string, items func(ctx context.Context, offset, limit int) ([]string, int64, error)) (json.RawMessage, error) {
	return paged(pageOf(ctx), id, func(offset, limit int) (any, int64, error) {
		part, total, err := items(ctx, offset, limit)
		return nonNil(part), total, err
	})
}

// paged is [Paged] for items of any kind.
func paged(a asked, id string, items func(offset, limit int) (any, int64, error)) (json.RawMessage, error) {
	if a.page == "" {
		_, total, err := items(0, 0)
		if err != nil {
			return nil, err
		}
		doc := map[string]any{"id": id, "type": "OrderedCollection", "totalItems": total}
		if total > 0 {
			doc["first"] = id + "?page=1"
		}
		return vocab.Build(vocab.Base, doc)
	}
	n, err := strconv.Atoi(a.page)
	if err != nil || n < 1 || n > maxPage {
		return nil, fmt.Errorf("%w: page %q", ErrNotFound, a.page)
	}
	part, total, err := items((n-1)*a.size, a.size)
	if err != nil {
		return nil, err
	}
	doc := map[string]any{
		"id": id + "?page=" + strconv.Itoa(n), "type": "OrderedCollectionPage", "partOf": id,
		"orderedItems": part, "totalItems": total,
	}
	if int64(n)*int64(a.size) < total {
		doc["next"] = id + "?page=" + strconv.Itoa(n+1)
	}
	if n > 1 {
		doc["prev"] = id + "?page=" + strconv.Itoa(n-1)
	}
	return vocab.Build(vocab.Base, doc)
}

// pageSize is federation.collection_page_size.
func (e *Engine) pageSize() int {
	if n := e.o.Federation.CollectionPageSize; n > 0 {
		return n
	}
	return defaultPageSize
}

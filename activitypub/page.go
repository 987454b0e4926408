package activitypub

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

type pageKey struct{}

func withPage(ctx context.Context, page string) context.Context {
	return context.WithValue(ctx, pageKey{}, page)
}

// Page is the page of a collection that a request asks [ObjectType.Local] for,
// as it stands in the address; "" for the collection itself.
func Page(ctx context.Context) string {
	page, _ := ctx.Value(pageKey{}).(string)
	return page
}

// Paged answers for a collection of ours (AS2 5): the collection with its size,
// or the page of it that [Page] names. items gives a part of it and its size;
// it is asked for no items when the size alone is wanted.
func Paged(ctx context.Context, id string, items func(ctx context.Context, offset, limit int) ([]string, int64, error)) (json.RawMessage, error) {
	return paged(Page(ctx), id, func(offset, limit int) (any, int64, error) {
		part, total, err := items(ctx, offset, limit)
		return nonNil(part), total, err
	})
}

// paged is [Paged] for items of any kind.
func paged(page, id string, items func(offset, limit int) (any, int64, error)) (json.RawMessage, error) {
	if page == "" {
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
	n, err := strconv.Atoi(page)
	if err != nil || n < 1 || n > maxPage {
		return nil, fmt.Errorf("%w: page %q", ErrNotFound, page)
	}
	part, total, err := items((n-1)*pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	doc := map[string]any{
		"id": id + "?page=" + strconv.Itoa(n), "type": "OrderedCollectionPage", "partOf": id,
		"orderedItems": part, "totalItems": total,
	}
	if int64(n)*pageSize < total {
		doc["next"] = id + "?page=" + strconv.Itoa(n+1)
	}
	if n > 1 {
		doc["prev"] = id + "?page=" + strconv.Itoa(n-1)
	}
	return vocab.Build(vocab.Base, doc)
}

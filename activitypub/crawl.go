package activitypub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// CrawlArgs fetches what an actor has published before we followed it.
type CrawlArgs struct{ ActorID int64 }

// Kind names the job.
func (CrawlArgs) Kind() string { return "activitypub.crawl" }

// Limits of a crawl (SEC-28).
const (
	crawlPages = 100
	crawlItems = 2000
	crawlTime  = 10 * time.Minute
)

// Collection calls each for the items of a collection of some host, page by
// page, until it ends or a limit is reached: pages and items are counted, a
// page seen before, or on another host than the collection, ends the walk.
// An item is an IRI or an embedded object.
func (e *Engine) Collection(ctx context.Context, address string, each func(context.Context, vocab.Object) error) error {
	ctx, cancel := context.WithTimeout(ctx, crawlTime)
	defer cancel()
	seen, items := map[string]bool{}, 0
	page, err := e.Actors.FetchPart(ctx, address)
	for pages := 1; err == nil; pages++ {
		seen[address] = true
		for _, item := range itemsOf(page) {
			if items++; items > crawlItems {
				return nil
			}
			if err := each(ctx, item); err != nil {
				return err
			}
		}
		next := page.IRI("next")
		if first, ok := page.Object("first"); ok && pages == 1 {
			page, next = first, first.ID() // an embedded first page
			if seen[next] || next != "" && !iri.SameHost(address, next) {
				return nil
			}
			seen[next] = true
			continue
		}
		if pages == 1 && page.Has("first") {
			next = page.IRI("first")
		}
		if next == "" || seen[next] || !iri.SameHost(address, next) || pages > crawlPages {
			return nil
		}
		address = next
		page, err = e.Actors.FetchPart(ctx, address)
	}
	return err
}

func itemsOf(page vocab.Object) []vocab.Object {
	for _, key := range []string{"orderedItems", "items"} {
		if !page.Has(key) {
			continue
		}
		out := page.Objects(key)
		for _, id := range page.Strings(key) {
			if iri.Valid(id) {
				out = append(out, vocab.FromIRI(id))
			}
		}
		return out
	}
	return nil
}

// crawl walks over an actor's outbox and takes each Create and Announce as if
// it had been delivered (PT federation 6). One bad item does not end it.
func (e *Engine) crawl(ctx context.Context, args CrawlArgs) error {
	a, err := e.Actors.ByID(ctx, args.ActorID)
	if err != nil || a.Local() || a.GoneAt != nil {
		return err
	}
	if err := e.countFollows(ctx, a); err != nil {
		e.log.DebugContext(ctx, "follow counts not fetched", "actor", a.IRI, "error", err)
	}
	if a.Outbox == "" {
		return nil
	}
	err = e.Collection(ctx, a.Outbox, func(ctx context.Context, item vocab.Object) error {
		err := e.crawled(transport.WithBudget(ctx, transport.ActivityBudget), a, item)
		if err != nil && ctx.Err() == nil {
			e.log.InfoContext(ctx, "item of an outbox not taken", "actor", a.IRI, "item", item.ID(), "error", err)
			return nil
		}
		return ctx.Err()
	})
	if err != nil && dropped(err) {
		e.log.InfoContext(ctx, "outbox not taken", "actor", a.IRI, "error", err)
		return nil // asking again would not help
	}
	return err
}

// crawled takes one item. What the outbox embeds is the word of its host, so
// its actor must be there.
func (e *Engine) crawled(ctx context.Context, a *actor.Actor, item vocab.Object) error {
	if item.Type() == "" {
		var err error
		if item, err = e.Actors.FetchDocument(ctx, item.ID()); err != nil {
			return err
		}
	}
	env, err := vocab.Activity(item)
	if err != nil {
		return err
	}
	if env.Type != "Create" && env.Type != "Announce" {
		return nil
	}
	if !iri.SameHost(a.Outbox, env.ID, env.Actor) || e.Actors.IsLocal(env.ID) {
		return Drop(fmt.Errorf("%w: %s by %s in the outbox of %s", vocab.ErrInvalid, env.ID, env.Actor, a.IRI))
	}
	return e.dispatch(ctx, env)
}

// countFollows takes the numbers that the actor's server gives.
func (e *Engine) countFollows(ctx context.Context, a *actor.Actor) error {
	set := map[string]any{}
	var errs []error
	for column, address := range map[string]string{"followers_count": a.Followers, "following_count": a.Following} {
		if address == "" {
			continue
		}
		doc, err := e.Actors.FetchPart(ctx, address)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if n, ok := doc.Int("totalItems"); ok && n >= 0 {
			set[column] = n
		}
	}
	if len(set) == 0 {
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, e.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(&actor.Actor{}).Where("id = ?", a.ID).Updates(set).Error
	}))...)
}

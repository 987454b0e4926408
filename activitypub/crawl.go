package activitypub

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/crawl"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// outboxKind is the kind of crawls that read outboxes.
const outboxKind = "outbox"

// CrawlArgs fetches what an actor has published before we followed it.
type CrawlArgs struct{ ActorID int64 }

// Kind names the job.
func (CrawlArgs) Kind() string { return "activitypub.crawl" }

// newCrawler makes the part that reads others' collections.
func (e *Engine) newCrawler() *crawl.Crawler {
	return crawl.New(crawl.Options{
		DB: e.db, Fetch: e.Actors.FetchPart, Local: e.Actors.IsLocal, Blocked: e.blocked, Final: dropped, Logger: e.log,
	})
}

// Collection calls each for the items of a collection of some host, page by
// page, until it ends or a limit of package crawl is reached (SEC-28). An item
// is an IRI without a type, or an embedded object, which is the word of the
// collection's host alone. For a collection of any length use Backfill.
func (e *Engine) Collection(ctx context.Context, address string, each func(context.Context, vocab.Object) error) error {
	return e.crawler.Walk(ctx, address, each)
}

// Backfill has a collection of another server read by jobs, beginning in tx:
// some pages a job, going on where a killed one stopped. kind is one of
// Module.Collections, whose Take gets the items; owner is the object or actor
// whose collection it is. While a crawl of the collection runs, it does nothing.
func (e *Engine) Backfill(tx *db.Tx, kind, owner, collection string) error {
	return e.crawler.Start(tx, kind, owner, collection)
}

// crawl starts to read an actor's outbox.
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
	err = e.db.Tx(ctx, func(tx *db.Tx) error { return e.Backfill(tx, outboxKind, a.IRI, a.Outbox) })
	if errors.Is(err, crawl.ErrForeign) {
		return jobs.Discard(err)
	}
	return err
}

// takePublished takes one item of an outbox: each Create and Announce as if it
// had been delivered (PT federation 6). What the outbox embeds is the word of
// its host, so the item's actor must be there.
func (e *Engine) takePublished(ctx context.Context, owner string, item vocab.Object) error {
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
	if !iri.SameHost(owner, env.ID, env.Actor) || e.Actors.IsLocal(env.ID) {
		return Drop(fmt.Errorf("%w: %s by %s in the outbox of %s", vocab.ErrInvalid, env.ID, env.Actor, owner))
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

package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// HostFilter narrows a list of hosts; empty fields do not.
type HostFilter struct {
	Host  string // part of the name
	Class string // healthy, shaky, broken or unreachable
}

// Unreachable is the class of hosts that have been broken for seven days.
const Unreachable = "unreachable"

// Classes lists what HostFilter.Class may be.
func Classes() []string { return []string{Healthy, Shaky, Broken, Unreachable} }

// HostInfo is what operators see of a host.
type HostInfo struct {
	Host        string  `json:"host"`
	Class       string  `json:"class"`
	Breaker     string  `json:"breaker"`
	Failures    int     `json:"failures"` // in a row
	Slow        bool    `json:"slow"`
	DownSince   *string `json:"downSince"`
	LastSuccess *string `json:"lastSuccess"`
	LastFailure *string `json:"lastFailure"`
	LastStatus  int     `json:"lastStatus"`
	LastError   string  `json:"lastError"`
	NextTry     *string `json:"nextTry"` // null: nothing waits
	Pending     int64   `json:"pending"`
	Failed      int64   `json:"failed"`
	// Missing tells that activities are no longer queued but looked up when the
	// host is back.
	Missing bool `json:"missing"`
}

// Hosts lists the hosts that were delivered to. order is trusted SQL.
func (o *Outbox) Hosts(ctx context.Context, f HostFilter, order string, offset, limit int) ([]HostInfo, int64, error) {
	now := o.now()
	q := o.db.Read(ctx).Model(&Host{})
	if f.Host != "" {
		q = q.Where(`host LIKE ? ESCAPE '\'`, "%"+db.Like(f.Host)+"%")
	}
	switch f.Class {
	case Healthy:
		q = q.Where("failures = 0")
	case Shaky:
		q = q.Where("failures > 0 AND failures < ?", breakAfter)
	case Broken:
		q = q.Where("failures >= ?", breakAfter)
	case Unreachable:
		q = q.Where("failures >= ? AND down_since <= ?", breakAfter, now.Add(-awayAfter))
	}
	q = q.Session(&gorm.Session{})
	var total int64
	var rows []Host
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count hosts: %w", err)
	}
	if err := q.Order(order).Offset(offset).Limit(limit).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list hosts: %w", err)
	}
	names := make([]string, len(rows))
	for i, h := range rows {
		names[i] = h.Host
	}
	counts, err := o.countsOf(ctx, names)
	if err != nil {
		return nil, 0, err
	}
	out := make([]HostInfo, len(rows))
	for i, h := range rows {
		out[i] = h.info(now)
		out[i].Pending, out[i].Failed = counts[h.Host+" "+Pending], counts[h.Host+" "+Failed]
	}
	return out, total, nil
}

func (h *Host) info(now time.Time) HostInfo {
	out := HostInfo{
		Host: h.Host, Class: h.Class(), Breaker: h.State, Failures: h.Failures, Slow: h.Slow,
		DownSince: isoTime(h.DownSince), LastSuccess: isoTime(h.LastSuccessAt), LastFailure: isoTime(h.LastFailureAt),
		LastStatus: h.LastStatus, LastError: h.LastError, Missing: h.MissedFrom != nil,
	}
	if h.Unreachable(now) {
		out.Class = Unreachable
	}
	if h.NextAt != nil {
		next := *h.NextAt
		if h.WaitUntil != nil && h.WaitUntil.After(next) {
			next = *h.WaitUntil
		}
		out.NextTry = isoTime(&next)
	}
	return out
}

func (o *Outbox) countsOf(ctx context.Context, hosts []string) (map[string]int64, error) {
	out := map[string]int64{}
	if len(hosts) == 0 {
		return out, nil
	}
	var rows []struct {
		Host, State string
		N           int64
	}
	err := o.db.Read(ctx).Model(&Receipt{}).Select("host, state, count(*) AS n").
		Where("host IN ? AND state IN ?", hosts, []string{Pending, Failed}).Group("host, state").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	for _, r := range rows {
		out[r.Host+" "+r.State] = r.N
	}
	return out, nil
}

// Down gives those of some hosts that are broken, and since when.
func (o *Outbox) Down(ctx context.Context, hosts []string) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	if len(hosts) == 0 {
		return out, nil
	}
	var rows []Host
	err := o.db.Read(ctx).Select("host", "down_since").Where("host IN ? AND failures >= ? AND down_since IS NOT NULL", hosts, breakAfter).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("broken hosts: %w", err)
	}
	for _, h := range rows {
		out[h.Host] = *h.DownSince
	}
	return out, nil
}

// Filter selects deliveries; empty fields do not narrow.
type Filter struct {
	ID       int64  `json:"id"`
	Host     string `json:"host"`
	State    string `json:"state"`
	Activity string `json:"activity"` // its id or its type
	Object   string `json:"object"`   // id of the object
}

// States lists what Filter.State may be.
func States() []string { return []string{Pending, Delivered, Failed, Superseded} }

func (f Filter) empty() bool { return f == Filter{} }

func (f Filter) apply(q *gorm.DB) *gorm.DB {
	if f.ID != 0 {
		q = q.Where("d.id = ?", f.ID)
	}
	if f.Host != "" {
		q = q.Where("d.host = ?", f.Host)
	}
	if f.State != "" {
		q = q.Where("d.state = ?", f.State)
	}
	if f.Activity != "" {
		q = q.Where("(o.iri = ? OR o.type = ?)", f.Activity, f.Activity)
	}
	if f.Object != "" {
		q = q.Where("(o.object = ? OR o.object_key = ?)", f.Object, f.Object)
	}
	return q
}

// Info is the receipt of one delivery as operators see it.
type Info struct {
	ID          int64        `json:"id"`
	Activity    InfoActivity `json:"activity"`
	Inbox       string       `json:"inbox"`
	Host        string       `json:"host"`
	State       string       `json:"state"`
	Attempts    int          `json:"attempts"`
	LastStatus  int          `json:"lastStatus"` // 0: no answer
	LastError   string       `json:"lastError"`
	CreatedAt   *string      `json:"createdAt"`
	TriedAt     *string      `json:"triedAt"`
	DeliveredAt *string      `json:"deliveredAt"`
	NextTry     *string      `json:"nextTry"` // of pending ones, when the host is up
}

// InfoActivity names what is delivered.
type InfoActivity struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Actor  string `json:"actor"` // who sends it
	Object string `json:"object"`
}

// Deliveries lists receipts. order is trusted SQL over d (deliveries).
func (o *Outbox) Deliveries(ctx context.Context, f Filter, order string, offset, limit int) ([]Info, int64, error) {
	q := f.apply(o.db.Read(ctx).Table("deliveries AS d").Joins("JOIN outbox o ON o.id = d.outbox_id")).Session(&gorm.Session{})
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count deliveries: %w", err)
	}
	var rows []struct {
		Receipt
		IRI, Type, Object, ActorIRI string
	}
	err := q.Joins("JOIN actors a ON a.id = o.actor_id").Select("d.*, o.iri AS iri, o.type AS type, o.object AS object, a.iri AS actor_iri").
		Order(order).Offset(offset).Limit(limit).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list deliveries: %w", err)
	}
	out := make([]Info, len(rows))
	for i, r := range rows {
		out[i] = Info{
			ID: r.ID, Activity: InfoActivity{ID: r.IRI, Type: r.Type, Actor: r.ActorIRI, Object: r.Object}, Inbox: r.Inbox, Host: r.Host,
			State: r.State, Attempts: r.Attempts, LastStatus: r.LastStatus, LastError: r.LastError,
			CreatedAt: isoTime(&r.CreatedAt), TriedAt: isoTime(r.TriedAt), DeliveredAt: isoTime(r.DeliveredAt),
		}
		if r.State == Pending {
			out[i].NextTry = isoTime(&r.NextAt)
		}
	}
	return out, total, nil
}

// Resend sends again, now, what failed or waits among the deliveries that f
// selects, with all attempts before it, and tells how many. What a newer
// activity has replaced at an inbox already stays as it is.
func (o *Outbox) Resend(ctx context.Context, f Filter) (int64, error) {
	if f.State != "" && f.State != Failed && f.State != Pending {
		return 0, fmt.Errorf("%w: only what is failed or pending can be sent again", vocab.ErrInvalid)
	}
	var n int64
	err := o.db.Tx(ctx, func(tx *db.Tx) error {
		now := o.now()
		which := f.apply(tx.Table("deliveries AS d").Joins("JOIN outbox o ON o.id = d.outbox_id")).
			Where("d.state IN ?", []string{Failed, Pending}).
			Where(`(d.merge_key = '' OR NOT EXISTS (SELECT 1 FROM deliveries n WHERE n.merge_key = d.merge_key AND n.inbox = d.inbox
				AND n.outbox_id > d.outbox_id AND n.state IN ('delivered', 'pending')))`)
		var ids []int64
		var hosts []string
		if err := which.Session(&gorm.Session{}).Order("d.id").Pluck("d.id", &ids).Error; err != nil {
			return fmt.Errorf("resend: %w", err)
		}
		if n = int64(len(ids)); n == 0 {
			return nil
		}
		for chunk := range slices.Chunk(ids, spreadChunk) {
			set := map[string]any{"state": Pending, "attempts": 0, "next_at": now, "created_at": now}
			if err := tx.Model(&Receipt{}).Where("id IN ?", chunk).Updates(set).Error; err != nil {
				return fmt.Errorf("resend: %w", err)
			}
			var some []string
			if err := tx.Model(&Receipt{}).Where("id IN ?", chunk).Distinct().Pluck("host", &some).Error; err != nil {
				return fmt.Errorf("resend: %w", err)
			}
			hosts = append(hosts, some...)
		}
		slices.Sort(hosts)
		for chunk := range slices.Chunk(slices.Compact(hosts), spreadChunk) {
			set := map[string]any{"wait_until": nil, "next_at": now}
			if err := tx.Model(&Host{}).Where("host IN ?", chunk).Updates(set).Error; err != nil {
				return fmt.Errorf("resend: %w", err)
			}
		}
		return wake(tx)
	})
	return n, err
}

func isoTime(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := vocab.Time(*t)
	return &s
}

// Package logbook keeps the last lines of the log in memory, so that
// administrators read them by the API, and notes who changed what.
//
// Invariants
//   - what it holds is bounded in lines and in bytes a line, and dies with the
//     process; each process has its own
//   - it holds what the log holds, so no secrets and no addresses of viewers
//
// Imported by: main. Imports no sibling.
package logbook

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	maxEntries = 5000    // each of the log and of the audit log
	maxValue   = 4 << 10 // bytes of one value; a stack is longer and is cut
)

// Entry is one line.
type Entry struct {
	Time    time.Time
	Level   string // debug, info, warn, error, audit
	Message string
	Values  map[string]string
}

// Book keeps entries. The zero value is ready; it is safe for concurrent use.
type Book struct {
	mu    sync.Mutex
	log   ring // guarded by mu
	audit ring // guarded by mu
}

// ring holds the newest entries; next is where the following one goes.
type ring struct {
	entries []Entry
	next    int
}

func (r *ring) add(e Entry) {
	if len(r.entries) < maxEntries {
		r.entries = append(r.entries, e)
		return
	}
	r.entries[r.next] = e
	r.next = (r.next + 1) % maxEntries
}

// between are the entries of a time, the oldest first.
func (r *ring) between(from, to time.Time, keep func(Entry) bool) []Entry {
	out := []Entry{}
	for i := range r.entries {
		e := r.entries[(r.next+i)%len(r.entries)]
		if !e.Time.Before(from) && !e.Time.After(to) && keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// Note adds a line to the audit log: who did what to what.
func (b *Book) Note(user, domain, action string, values map[string]string) {
	e := Entry{Time: time.Now(), Level: "audit", Message: action + " " + domain, Values: map[string]string{"user": user, "domain": domain, "action": action}}
	for k, v := range values {
		e.Values[k] = clip(v)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.audit.add(e)
}

func (b *Book) add(e Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := e.Values["audit"]; ok {
		delete(e.Values, "audit")
		e.Level = "audit"
		b.audit.add(e)
		return
	}
	b.log.add(e)
}

func clip(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return s[:maxValue] + "…"
}

// Handler returns a handler that passes everything to next and keeps it too.
// Records with an attribute "audit" go to the audit log.
func (b *Book) Handler(next slog.Handler) slog.Handler { return handler{book: b, next: next} }

type handler struct {
	book   *Book
	next   slog.Handler
	prefix string
	attrs  []slog.Attr // with their groups in the keys
}

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	e := Entry{Time: r.Time, Level: levelName(r.Level), Message: clip(r.Message), Values: map[string]string{}}
	for _, a := range h.attrs {
		e.put("", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		e.put(h.prefix, a)
		return true
	})
	h.book.add(e)
	return h.next.Handle(ctx, r)
}

func (e *Entry) put(prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, below := range v.Group() {
			e.put(prefix+a.Key+".", below)
		}
		return
	}
	e.Values[prefix+a.Key] = clip(fmt.Sprint(v.Any()))
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := append([]slog.Attr(nil), h.attrs...)
	for _, a := range attrs {
		all = append(all, slog.Attr{Key: h.prefix + a.Key, Value: a.Value})
	}
	return handler{h.book, h.next.WithAttrs(attrs), h.prefix, all}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return handler{h.book, h.next.WithGroup(name), h.prefix + name + ".", h.attrs}
}

// levels are the names in the order of their weight.
func levels() []string { return []string{"debug", "info", "warn", "error"} }

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}

// Package db opens the server's SQL database, SQLite or PostgreSQL, and hands
// out the two ways to use it: reads outside a transaction, and transactions
// that carry functions to run after the commit.
//
// One schema serves both engines. On SQLite there are two pools, many readers
// and a single writer with immediate transactions, so that a transaction which
// reads before it writes is never refused with "database is locked". On
// PostgreSQL one pool serves both.
//
// Times are stored in UTC with microseconds; use [Now].
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Dialect names a SQL engine.
type Dialect string

// The engines that are supported.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// ErrNotFound is what reads of a single row return when there is none.
var ErrNotFound = gorm.ErrRecordNotFound

// DB is an open database. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	read    *gorm.DB
	write   *gorm.DB
	pool    *pgxpool.Pool // below both, of PostgreSQL

	changes atomic.Uint64 // transactions committed

	mu        sync.Mutex
	listeners map[string][]chan struct{}
}

// Tx is a running transaction. It is valid until the function given to [DB.Tx]
// returns, and must not be used by two goroutines at once.
type Tx struct {
	*gorm.DB
	db    *DB
	after []func()
}

// Open connects to the database that rawURL names: "sqlite:PATH",
// "sqlite::memory:" is refused because two pools could not share it, or
// "postgres://user:password@host:port/name?sslmode=…". The connection is
// tried before Open returns.
func Open(ctx context.Context, rawURL string, opts ...Option) (*DB, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.maxConns == 0 {
		o.maxConns = max(8, 4*runtime.NumCPU())
	}
	switch {
	case strings.HasPrefix(rawURL, "sqlite:"):
		return openSQLite(ctx, strings.TrimPrefix(strings.TrimPrefix(rawURL, "sqlite:"), "//"))
	case strings.HasPrefix(rawURL, "postgres:"), strings.HasPrefix(rawURL, "postgresql:"):
		return openPostgres(ctx, rawURL, o)
	}
	scheme, _, _ := strings.Cut(rawURL, ":")
	return nil, fmt.Errorf("database.url: scheme %q is not known, use sqlite or postgres", scheme)
}

type options struct{ maxConns int }

// Option changes how [Open] connects.
type Option func(*options)

// MaxConns limits the connections to PostgreSQL; 0, as without it, is four for
// each core, at least 8.
func MaxConns(n int) Option { return func(o *options) { o.maxConns = n } }

func gormConfig() *gorm.Config {
	return &gorm.Config{
		Logger:                 logger.New(slogWriter{}, logger.Config{LogLevel: logger.Error, IgnoreRecordNotFoundError: true}),
		SkipDefaultTransaction: true,
		TranslateError:         true,
		NowFunc:                Now,
	}
}

// slogWriter passes GORM's own complaints to the default logger.
type slogWriter struct{}

func (slogWriter) Printf(format string, args ...any) {
	slog.Default().Debug("sql", "message", fmt.Sprintf(format, args...))
}

// idleReader is how long a connection of SQLite that nobody needs stays open: it
// holds the schema and a cache of pages, a megabyte and more.
const idleReader = 20 * time.Second

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return nil, errors.New("database.url: sqlite needs a file, as in sqlite:data/kinemesh.db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("database folder: %w", err)
	}
	base := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_time_format=sqlite&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
		"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-4000)"
	writer, err := openImmediate(base)
	if err != nil {
		return nil, fmt.Errorf("open sqlite %s: %w", path, err)
	}
	write, err := gorm.Open(sqlite.Dialector{Conn: writer}, gormConfig())
	if err != nil {
		return nil, fmt.Errorf("open sqlite %s: %w", path, err)
	}
	read, err := gorm.Open(sqlite.Open(base+"&_pragma=query_only(1)"), gormConfig())
	if err != nil {
		return nil, fmt.Errorf("open sqlite %s: %w", path, err)
	}
	d := &DB{dialect: SQLite, read: read, write: write}
	w, err := write.DB()
	if err != nil {
		return nil, fmt.Errorf("open sqlite %s: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	w.SetMaxIdleConns(1)
	r, err := read.DB()
	if err != nil {
		return nil, fmt.Errorf("open sqlite %s: %w", path, err)
	}
	n := max(4, 2*runtime.NumCPU())
	r.SetMaxOpenConns(n)
	r.SetMaxIdleConns(n)
	r.SetConnMaxIdleTime(idleReader)
	if err := d.Ping(ctx); err != nil {
		return nil, fmt.Errorf("open sqlite %s: %w", path, err)
	}
	return d, nil
}

func openPostgres(ctx context.Context, rawURL string, o options) (*DB, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("database.url: not a valid URL") // the URL holds a password, so it is not repeated
	}
	q := u.Query()
	if !q.Has("timezone") {
		q.Set("timezone", "UTC")
	}
	u.RawQuery = q.Encode()
	c, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL at %s: %w", u.Host, redact(err, u))
	}
	c.MaxConns, c.MaxConnIdleTime = int32(o.maxConns), 5*time.Minute //nolint:gosec // a setting, at most 1000
	// The pool of pgx throws a connection away that a client who left has broken;
	// that of database/sql would give it to the next ones.
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), c)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL at %s: %w", u.Host, redact(err, u))
	}
	p := stdlib.OpenDBFromPool(pool)
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: p}), gormConfig())
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to PostgreSQL at %s: %w", u.Host, redact(err, u))
	}
	d := &DB{dialect: Postgres, read: g, write: g, pool: pool}
	if err := d.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to PostgreSQL at %s: %w", u.Host, redact(err, u))
	}
	return d, nil
}

// redact keeps the password out of an error (SEC-53).
func redact(err error, u *url.URL) error {
	pw, ok := u.User.Password()
	if !ok || pw == "" || !strings.Contains(err.Error(), pw) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), pw, "[redacted]"))
}

// Dialect tells which engine is behind d.
func (d *DB) Dialect() Dialect { return d.dialect }

// Read returns a handle for queries outside transactions. On SQLite it refuses
// to write.
func (d *DB) Read(ctx context.Context) *gorm.DB { return d.read.WithContext(ctx) }

// Tx runs fn in a transaction and commits when it returns nil. Functions given
// to [Tx.AfterCommit] run, in order, after a successful commit. On PostgreSQL
// fn runs again, at most 3 times, when the server reports a serialisation
// failure or a deadlock, so fn must not touch anything outside the database.
func (d *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	var err error
	for range 3 {
		t := &Tx{db: d}
		err = d.write.WithContext(ctx).Transaction(func(g *gorm.DB) error {
			t.DB = g
			t.after = t.after[:0]
			return fn(t)
		})
		if err == nil {
			d.changes.Add(1)
			for _, f := range t.after {
				f()
			}
			return nil
		}
		if !retryable(err) {
			return err
		}
	}
	return err
}

// Changes is a number that grows with every transaction that this process
// commits. Whoever remembers what was read sees by it that nothing has changed
// here since; of other processes it tells nothing.
func (d *DB) Changes() uint64 { return d.changes.Load() }

// retryable tells whether PostgreSQL asks for the transaction to be run again
// (class 40, transaction rollback).
func retryable(err error) bool {
	return strings.HasPrefix(sqlState(err), "40")
}

// sqlState is what PostgreSQL calls an error, empty for others.
func sqlState(err error) string {
	var s interface{ SQLState() string }
	if errors.As(err, &s) {
		return s.SQLState()
	}
	return ""
}

// AfterCommit registers fn to run once the transaction has committed. It is for
// nudges (waking a worker, dropping a cache entry): the process may die before
// it runs, so nothing may depend on it.
func (t *Tx) AfterCommit(fn func()) { t.after = append(t.after, fn) }

// Dialect tells which engine the transaction runs on.
func (t *Tx) Dialect() Dialect { return t.db.dialect }

// Notify wakes the listeners of topic in this process once the transaction has
// committed.
func (t *Tx) Notify(topic string) { t.AfterCommit(func() { t.db.wake(topic) }) }

// Listen returns a channel that receives after every commit which called
// [Tx.Notify] with topic; several notifications may arrive as one. stop ends it.
func (d *DB) Listen(topic string) (wake <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listeners == nil {
		d.listeners = map[string][]chan struct{}{}
	}
	d.listeners[topic] = append(d.listeners[topic], ch)
	return ch, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.listeners[topic] = slices.DeleteFunc(d.listeners[topic], func(c chan struct{}) bool { return c == ch })
	}
}

func (d *DB) wake(topic string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ch := range d.listeners[topic] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// SkipLocked is what a query that claims rows appends to its inner SELECT:
// empty on SQLite, where the single writer is the lock.
func (d Dialect) SkipLocked() string {
	if d == Postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// ForUpdate is what a SELECT of one row appends to keep others from changing it
// until the transaction ends: empty on SQLite, where the single writer is the
// lock.
func (d Dialect) ForUpdate() string {
	if d == Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// Ping tries both pools.
func (d *DB) Ping(ctx context.Context) error {
	for _, g := range []*gorm.DB{d.write, d.read} {
		p, err := g.DB()
		if err != nil {
			return err
		}
		if err := p.PingContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Writer returns the pool that migrations and backups use.
func (d *DB) Writer() (*sql.DB, error) { return d.write.DB() }

// Close closes all connections.
func (d *DB) Close() error {
	w, err := d.write.DB()
	if err != nil {
		return err
	}
	if d.pool != nil {
		err := w.Close()
		d.pool.Close()
		return err
	}
	r, err := d.read.DB()
	if err != nil {
		return err
	}
	return errors.Join(r.Close(), w.Close())
}

// Now is the current time as the database keeps it: UTC, microseconds.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// IsDuplicate tells whether err comes from a unique index, or from a constraint
// that excludes equal values.
func IsDuplicate(err error) bool {
	return errors.Is(err, gorm.ErrDuplicatedKey) || sqlState(err) == "23P01"
}

// Like escapes the wildcards of a LIKE pattern in s; the query must say
// ESCAPE '\' (SEC-51).
func Like(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

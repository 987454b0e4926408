package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// immediate opens connections to SQLite whose transactions take the lock of the
// writer when they begin, and wait for it then. One that reads first and writes
// later would fail at once if another process has written between. The driver has
// a parameter for it, _txlock, which it does not look at beside _time_format.
type immediate struct {
	dsn    string
	driver driver.Driver
}

// openImmediate returns a pool of such connections.
func openImmediate(dsn string) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", dsn) // it connects to nothing yet
	if err != nil {
		return nil, err
	}
	d := pool.Driver()
	if err := pool.Close(); err != nil {
		return nil, err
	}
	return sql.OpenDB(immediate{dsn, d}), nil
}

// Connect implements driver.Connector.
func (i immediate) Connect(context.Context) (driver.Conn, error) {
	c, err := i.driver.Open(i.dsn)
	if err != nil {
		return nil, err
	}
	return writer{c.(sqliteConn)}, nil
}

// Driver implements driver.Connector.
func (i immediate) Driver() driver.Driver { return i.driver }

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
}

type writer struct{ sqliteConn }

// BeginTx implements driver.ConnBeginTx.
func (w writer) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := w.ExecContext(context.WithoutCancel(ctx), "BEGIN IMMEDIATE", nil) // cut short, it could have begun
	return writing{w}, err
}

// writing is a transaction of a writer. Like the driver's own, its end does not
// depend on a context.
type writing struct{ writer }

func (t writing) end(how string) error {
	_, err := t.ExecContext(context.Background(), how, nil)
	return err
}

// Commit implements driver.Tx.
func (t writing) Commit() error { return t.end("COMMIT") }

// Rollback implements driver.Tx.
func (t writing) Rollback() error { return t.end("ROLLBACK") }

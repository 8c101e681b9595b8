package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrDamaged is in the chain of every error that says that the database's content is not what was written.
var ErrDamaged = errors.New("the database is damaged")

// ErrNoDatabase wraps ErrDamaged: the file does not begin as a database does. Whether it ever was one cannot be told.
var ErrNoDatabase = fmt.Errorf("the file is no database, or %w at its beginning", ErrDamaged)

// The settings of connections; see https://www.sqlite.org/pragma.html.
const (
	// FULL syncs the write-ahead log at each commit: NORMAL would acknowledge before the disk has it.
	// auto_vacuum counts only before the first table is made.
	writerSettings = "_txlock=immediate&_busy_timeout=5000&_auto_vacuum=incremental&_journal_mode=wal&_synchronous=full&_foreign_keys=on"
	readerSettings = "_busy_timeout=5000&_query_only=on"
	peekSettings   = "_busy_timeout=5000&mode=ro"
)

// open returns a pool of at most conns connections to the database at path.
func open(path, settings string, conns int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()+"?"+settings)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// openWriter returns the only connection that writes. More would only wait for each other.
func openWriter(path string) (*sql.DB, error) { return open(path, writerSettings, 1) }

func openReaders(path string) (*sql.DB, error) {
	return open(path, readerSettings, max(4, runtime.GOMAXPROCS(0)))
}

// inTx runs f in a transaction and commits it if f returns nil.
func inTx(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return damage(err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return damage(err)
	}
	return damage(tx.Commit())
}

// damage puts ErrDamaged into the chain of an error by which SQLite says that the file is broken.
func damage(err error) error {
	const primary = 0xff // the low byte of a result code
	var e *sqlite.Error
	if !errors.As(err, &e) || errors.Is(err, ErrDamaged) {
		return err
	}
	switch e.Code() & primary {
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrNoDatabase, err)
	}
	return err
}

package data

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// migrations holds the steps of the schema in order: the n-th file leads to user_version n.
// A file is never edited once it has landed.
//
//go:embed migrations/*.sql
var migrations embed.FS

// steps returns the SQL of every migration.
func steps() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// migrate brings the schema to the newest version, in one transaction. It writes nothing where it is that already.
func migrate(ctx context.Context, db *sql.DB) error {
	all, err := steps()
	if err != nil {
		return err
	}
	return inTx(ctx, db, func(tx *sql.Tx) error {
		version, err := userVersion(ctx, tx)
		if err != nil || version == len(all) {
			return err
		}
		for ; version < len(all); version++ {
			if _, err := tx.ExecContext(ctx, all[version]); err != nil {
				return fmt.Errorf("migrate to version %d: %w", version+1, err)
			}
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
}

// keepOld backs up the file at path, beside it and named with its version, where migrate is going to change it. The one of an
// earlier try is replaced.
func keepOld(ctx context.Context, path string) error {
	version, known, err := peekVersion(ctx, path)
	if err != nil || version == 0 || version == known {
		return err
	}
	if err := duplicate(ctx, path, fmt.Sprintf("%s.v%d", path, version)); err != nil {
		return fmt.Errorf("back up the database before its schema is changed from version %d to %d: %w", version, known, err)
	}
	return nil
}

// refuseNewer returns an error where the file at path has a schema that is newer than this
// program. It asks on a connection that cannot write, so the file stays as it is.
func refuseNewer(ctx context.Context, path string) error {
	version, known, err := peekVersion(ctx, path)
	if err == nil && version > known {
		return fmt.Errorf("the database %s has schema version %d, this program knows only %d: use a newer liveboard", path, version, known)
	}
	return err
}

// refuseOther returns an error where the file at path, which another process has open, has another
// schema than this program's: nobody may migrate it under that process.
func refuseOther(ctx context.Context, path string) error {
	version, known, err := peekVersion(ctx, path)
	if err == nil && version != known {
		return fmt.Errorf("the process that has the database %s open gave it schema version %d, this program knows %d: use the same liveboard", path, version, known)
	}
	return err
}

// peekVersion returns the schema version of the file at path, 0 where there is none, and the newest
// that this program knows.
func peekVersion(ctx context.Context, path string) (version, known int, err error) {
	all, err := steps()
	if err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return 0, len(all), nil
	}
	db, err := open(path, peekSettings, 1)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	version, err = userVersion(ctx, db)
	return version, len(all), damage(err)
}

func userVersion(ctx context.Context, q querier) (version int, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

// querier is what a pool and a transaction have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

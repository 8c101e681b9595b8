package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Restore makes the database at path what the backup in file holds, once it has found that sound. It is refused
// while a server has the database, and where there is one unless over says so. Whatever happens meanwhile,
// path is either the one or the other. The error wraps ErrDamaged where file is damaged.
func Restore(ctx context.Context, file, path string, over bool) (err error) {
	if err := existing(file); err != nil {
		return err
	}
	lock, err := takeLock(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := refuseTarget(file, path, over); err != nil {
		return err
	}
	if err := refuseNewer(ctx, file); err != nil {
		return err
	}
	if err := restore(ctx, file, path); err != nil {
		return fmt.Errorf("restore %s: %w", file, err)
	}
	return nil
}

func restore(ctx context.Context, file, path string) error {
	found, err := Verify(ctx, file)
	if err != nil {
		return err
	}
	if err := found.Err(); err != nil {
		return err
	}
	part, err := newPart(path)
	if err != nil {
		return err
	}
	err = vacuumInto(ctx, file, part)
	if before, e := os.Stat(path); err == nil && e == nil {
		err = os.Chmod(part, before.Mode().Perm()) // whoever could read it still can
	}
	if err == nil {
		err = removeLogs(ctx, path)
	}
	if err == nil {
		err = moveInto(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}

// removeLogs removes the -wal and -shm of the database at path. SQLite would apply a log that is left to whatever
// file bears the name, so it goes before the file does; and because the file must be whole until
// then, what the log holds goes into the file first, as far as the two are sound.
func removeLogs(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err == nil {
		if err := checkpoint(ctx, path); err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
	}
	for _, log := range []string{path + "-wal", path + "-shm"} {
		if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncFolder(filepath.Dir(path))
}

func checkpoint(ctx context.Context, path string) error {
	db, err := open(path, "_busy_timeout=5000", 1)
	if err != nil {
		return err
	}
	var busy bool
	var pages, moved int
	err = db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	if err == nil && busy {
		err = errors.New("another process reads the database, an export or a backup: let it end first")
	}
	return damage(errors.Join(err, db.Close()))
}

package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Backup writes the database at path, as it is at one moment, into file, verifies what it has written and has the
// disk hold it before file appears. It may run beside a server, which goes on writing meanwhile. A file that is there
// already is replaced where over says so, and otherwise an error. The error wraps ErrDamaged where the
// database is not what was written; file is then as it was.
func Backup(ctx context.Context, path, file string, over bool) error {
	if err := existing(path); err != nil {
		return err
	}
	if err := refuseTarget(path, file, over); err != nil {
		return err
	}
	if err := duplicate(ctx, path, file); err != nil {
		return fmt.Errorf("back up %s: %w", path, err)
	}
	return nil
}

// refuseTarget keeps the file at to from being lost where nobody wants that.
func refuseTarget(from, to string, over bool) error {
	if _, err := os.Stat(filepath.Dir(to)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s: make it first", filepath.Dir(to))
	}
	there, err := os.Stat(to)
	if err != nil {
		return nil // what cannot be looked at cannot be replaced either, and that is said then
	}
	if source, err := os.Stat(from); err == nil && os.SameFile(source, there) {
		return fmt.Errorf("%s and %s are the same file", from, to)
	}
	if there.IsDir() {
		return fmt.Errorf("%s is a folder: name a file in it", to)
	}
	if !over {
		return fmt.Errorf("%s exists already: say --force to replace it", to)
	}
	return nil
}

// duplicate makes the file at to a copy of the database at from that has been verified.
func duplicate(ctx context.Context, from, to string) (err error) {
	part, err := newPart(to)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if err := vacuumInto(ctx, from, part); err != nil {
		return err
	}
	found, err := Verify(ctx, part)
	if err != nil {
		return err
	}
	if err := found.Err(); err != nil {
		return err
	}
	return moveInto(part, to)
}

// newPart makes the empty file that becomes the one at path.
func newPart(path string) (string, error) {
	absolute, err := filepath.Abs(path) // SQLite reads what begins with "file:" as a URI
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(absolute), filepath.Base(path)+".*"+partSuffix)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// partSuffix ends the name of a file that is not whole yet.
const partSuffix = ".part"

// vacuumInto copies on a connection of its own that cannot write to the database: nobody waits for it.
func vacuumInto(ctx context.Context, from, part string) error {
	db, err := open(from, peekSettings, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", part)
	return damage(err)
}

// moveInto gives a whole file its name once the disk has its content, and returns once it has the name too.
func moveInto(part, path string) error {
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be opened for that there
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/gofrs/flock"
)

// beside is a database opened for a small change while a server may have it open too.
type beside struct {
	lock            *flock.Flock // nil where another process has it
	writer, readers *sql.DB
}

// OpenTokens opens the tokens of the database at path for a command, beside a server that may have it open. Where
// none has, it makes the database or brings its schema up to date, and keeps servers out until closed.
func OpenTokens(path string) (tokens *Tokens, closed func() error, err error) {
	b, err := openBeside(context.Background(), path)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	return newTokens(b.writer, b.readers), b.close, nil
}

// OpenKeys opens the signing keys of the database at path as OpenTokens does the tokens.
func OpenKeys(path string) (keys *Keys, closed func() error, err error) {
	b, err := openBeside(context.Background(), path)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	return newKeys(b.writer, b.readers), b.close, nil
}

func openBeside(ctx context.Context, path string) (*beside, error) {
	lock, err := takeLock(path)
	if errors.Is(err, errInUse) {
		return joinServer(ctx, path)
	}
	if err != nil {
		return nil, err
	}
	b := &beside{lock: lock}
	if b.writer, b.readers, err = openPools(ctx, path); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return b, nil
}

// joinServer opens a database that another process has open. SQLite lets one at a time write.
func joinServer(ctx context.Context, path string) (b *beside, err error) {
	if err := refuseOther(ctx, path); err != nil {
		return nil, err
	}
	b = &beside{}
	if b.writer, err = openWriter(path); err != nil {
		return nil, err
	}
	if b.readers, err = openReaders(path); err != nil {
		return nil, errors.Join(err, b.writer.Close())
	}
	return b, nil
}

func (b *beside) close() error {
	err := closePools(b.writer, b.readers)
	if b.lock != nil {
		err = errors.Join(err, b.lock.Unlock())
	}
	return err
}

// Package data keeps samples in SQLite: a journal of groups that makes them durable, and
// the chunks that they are sealed into. It also keeps the log of scores, tokens and signing keys, and reads
// the board file. It is the only package that knows SQL.
package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// Store is an open database and the head that it rebuilt. It is a metrics.Log and a
// head.Older. Whoever appends to it applies the groups to Head, in order.
type Store struct {
	head *head.Head
	log  *slog.Logger
	lock *flock.Flock

	writer, readers *sql.DB
	insertGroup     *sql.Stmt
	putChunk        *sql.Stmt
	selectChunks    *sql.Stmt
	statements
	scores   *ScoreLog
	tokens   *Tokens
	keys     *Keys
	arrivals []metrics.Arrival // of the series that were found at Open, until Arrivals takes them

	storage        atomic.Pointer[metrics.Storage]
	forgotten      atomic.Pointer[func(gone []metrics.Arrival)] // see OnForget
	stats          tierStats
	rolling        sync.Mutex // held by a roll-up, and by what deletes
	marks          marks
	oldest, newest [lanes]atomic.Int64 // the spans with which a lane begins and ends
	sealing        sync.Mutex          // held by whoever changes chunks or blocks
	appended       atomic.Int64        // samples since Open
	journalBytes   atomic.Int64        // appended since the last seal began
	sealNow        chan struct{}       // the journal is long
	stop           context.CancelFunc
	stopped        sync.WaitGroup

	appending sync.Mutex
	seq       uint64 // the newest group in the journal

	mu     sync.RWMutex
	ids    map[metrics.Series]*knownSeries
	lastID int64
}

// Open opens the database at path, makes it and its folder where there is none, brings its schema up to date
// and rebuilds the head. It takes the lock file beside it, so one process at a time has the
// store. From then on the journal is sealed and scores are merged in the background, and what fails there is logged.
//
// The error is a sentence for whoever started the program. It wraps ErrDamaged where the
// content is not what was written.
func Open(path string, log *slog.Logger) (*Store, error) {
	lock, err := takeLock(path)
	if err != nil {
		return nil, err
	}
	s := &Store{log: log, lock: lock, ids: make(map[metrics.Series]*knownSeries), sealNow: make(chan struct{}, 1)}
	s.head = head.New(s)
	if err := s.open(context.Background(), path); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), s.release())
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.stopped.Go(func() { s.sealForever(ctx) })
	s.stopped.Go(func() { s.tidyForever(ctx) })
	s.stopped.Go(func() { s.rollForever(ctx) })
	return s, nil
}

var errInUse = errors.New("in use by another liveboard process")

func takeLock(path string) (*flock.Flock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("the folder of the database cannot be made: %w", err)
	}
	lock := flock.New(path + ".lock")
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("the folder of the database cannot be written: %w", err)
	}
	if !locked {
		return nil, fmt.Errorf("the database %s is %w", path, errInUse)
	}
	return lock, nil
}

func (s *Store) open(ctx context.Context, path string) (err error) {
	if s.writer, s.readers, err = openPools(ctx, path); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return damage(err)
	}
	return s.load(ctx)
}

// openPools opens the writer and the readers of a database whose lock the caller has, with its schema up to date.
func openPools(ctx context.Context, path string) (writer, readers *sql.DB, err error) {
	if err := refuseNewer(ctx, path); err != nil {
		return nil, nil, err
	}
	if err := keepOld(ctx, path); err != nil {
		return nil, nil, err
	}
	if err := makeSecret(path); err != nil {
		return nil, nil, err
	}
	if writer, err = openWriter(path); err != nil {
		return nil, nil, err
	}
	if err := migrate(ctx, writer); err != nil {
		return nil, nil, errors.Join(err, writer.Close())
	}
	if readers, err = openReaders(path); err != nil {
		return nil, nil, errors.Join(err, writer.Close())
	}
	return writer, readers, nil
}

// makeSecret makes an empty file at path where there is none, for signing keys will be in it. SQLite gives
// its logs the mode that the file has.
func makeSecret(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// closePools closes the readers first: the last connection writes the log back into the file, and
// only the writer may. Either may be nil.
func closePools(writer, readers *sql.DB) error {
	var errs []error
	for _, db := range []*sql.DB{readers, writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// statements are about blocks and marks.
type statements struct {
	selectBlock, selectBlocks                                  *sql.Stmt
	putBlock, deleteBlock, deleteChunk, insertMark, deleteMark *sql.Stmt
}

// prepareReading is all that reading samples needs.
func (s *Store) prepareReading(ctx context.Context) (err error) {
	if s.selectChunks, err = s.readers.PrepareContext(ctx, selectChunks); err != nil {
		return err
	}
	if s.selectBlock, err = s.readers.PrepareContext(ctx, selectBlock); err != nil {
		return err
	}
	if s.selectBlocks, err = s.readers.PrepareContext(ctx, selectBlocks); err != nil {
		return err
	}
	return s.loadReach(ctx)
}

func (s *Store) prepareBlocks(ctx context.Context) error {
	var err error
	prepare := func(db *sql.DB, query string) *sql.Stmt {
		stmt, e := db.PrepareContext(ctx, query)
		err = errors.Join(err, e)
		return stmt
	}
	s.putBlock, s.deleteBlock, s.deleteChunk = prepare(s.writer, putBlock), prepare(s.writer, deleteBlock), prepare(s.writer, deleteChunk)
	s.insertMark, s.deleteMark = prepare(s.writer, insertMark), prepare(s.writer, deleteMark)
	return err
}

func (s *Store) prepare(ctx context.Context) (err error) {
	if s.insertGroup, err = s.writer.PrepareContext(ctx, insertGroup); err != nil {
		return err
	}
	if s.putChunk, err = s.writer.PrepareContext(ctx, putChunk); err != nil {
		return err
	}
	if err := s.prepareReading(ctx); err != nil {
		return err
	}
	if err := s.prepareBlocks(ctx); err != nil {
		return err
	}
	s.tokens, s.keys = newTokens(s.writer, s.readers), newKeys(s.writer, s.readers)
	s.scores, err = openScores(ctx, s.writer, s.readers)
	return err
}

// Head is the head that holds the samples of this store.
func (s *Store) Head() *head.Head { return s.head }

// Arrivals returns the arrivals of the series that Open found, in the order of their keys. It returns them once.
func (s *Store) Arrivals() []metrics.Arrival {
	found := s.arrivals
	s.arrivals = nil
	return found
}

// Ping returns nil if the store can be written now. It blocks behind a group being appended.
func (s *Store) Ping(ctx context.Context) error {
	return inTx(ctx, s.writer, func(tx *sql.Tx) error {
		return writeSetting(ctx, tx, settingPinged, time.Now().UnixMilli())
	})
}

// Close seals what the head holds and closes the database. Nobody may append any more.
func (s *Store) Close() error {
	s.stop()
	s.stopped.Wait()
	ctx := context.Background()
	return errors.Join(s.tokens.flush(ctx), s.Seal(ctx), s.release())
}

// release closes what is open.
func (s *Store) release() error {
	return errors.Join(closePools(s.writer, s.readers), s.lock.Unlock())
}

// sealForever seals at intervals, and when the journal is long.
func (s *Store) sealForever(ctx context.Context) {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.sealNow:
		}
		if err := s.Seal(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("seal failed, the journal keeps its groups", "err", err)
		}
	}
}

// rollForever rolls up, deletes and counts at intervals.
func (s *Store) rollForever(ctx context.Context) {
	s.stats.note(time.Now(), 0)
	if err := s.countTiers(ctx, time.Now()); err != nil && ctx.Err() == nil {
		s.log.Error("tiers cannot be counted", "err", err)
	}
	tick := time.NewTicker(rollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		s.stats.note(now, s.appended.Load())
		rolled := s.Rollup(ctx, now)
		at, err := s.retentionTime(ctx, now)
		if err == nil {
			err = s.Retain(ctx, at)
		}
		if err := errors.Join(rolled, err, s.countTiers(ctx, now)); err != nil && ctx.Err() == nil {
			s.log.Error("roll-up or retention failed, what they were to do waits", "err", err)
		}
	}
}

// grow counts n more bytes of journal, and asks for a seal when there are many.
func (s *Store) grow(n int) {
	if s.journalBytes.Add(int64(n)) < maxJournalBytes {
		return
	}
	select {
	case s.sealNow <- struct{}{}:
	default:
	}
}

// knownSeries is a series with a row.
type knownSeries struct {
	series metrics.Series
	id     int64
	next   *knownSeries // what followed it in a group; of whoever appends
	gone   bool         // it has been deleted, but another one's next may still lead here
}

// id returns the id of a series that has been appended, 0 where it is deleted.
func (s *Store) id(series metrics.Series) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if known := s.ids[series]; known != nil {
		return known.id
	}
	return 0
}

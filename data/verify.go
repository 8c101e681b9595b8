package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/rank"
)

// maxProblems bounds what Verify tells: who reads a hundred knows enough.
const maxProblems = 100

// Findings are what Verify read in a database, and what is wrong with it.
type Findings struct {
	Version                        int // of the schema
	Series, Chunks, Groups, Scores int
	Samples                        int64 // in chunks of raw samples and in groups of the journal
	Problems                       []string
}

// Err returns nil where nothing is wrong, else an error that wraps ErrDamaged and tells the first problem.
func (f *Findings) Err() error {
	switch n := len(f.Problems); n {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%w: %s", ErrDamaged, f.Problems[0])
	default:
		return fmt.Errorf("%w: %s (and %d more)", ErrDamaged, f.Problems[0], n-1)
	}
}

// Verify reads all of the database at path, as it is at one moment, and holds it to what SQLite knows of its own
// structure and to our checksums and bounds. It writes nothing and may run beside a server. The
// error is about reading, and wraps ErrNoDatabase where there is nothing to read; what is wrong with the content is among the Findings.
func Verify(ctx context.Context, path string) (*Findings, error) {
	if err := existing(path); err != nil {
		return nil, err
	}
	db, err := open(path, peekSettings, 1)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	f := new(Findings)
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		defer tx.Rollback()
		err = f.examine(ctx, tx)
	}
	if err := f.note(err); err != nil {
		return nil, fmt.Errorf("verify %s: %w", path, err)
	}
	return f, nil
}

// existing refuses a path where no file is: SQLite would say that it cannot be opened.
func existing(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s", path)
	}
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder, not a database", path)
	}
	return nil
}

// note puts an error that speaks of damage among the problems, and returns any other, ErrNoDatabase among them.
func (f *Findings) note(err error) error {
	if err = damage(err); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrNoDatabase) {
		return err
	}
	f.problem(strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": "))
	return nil
}

func (f *Findings) problem(text string) {
	if len(f.Problems) < maxProblems {
		f.Problems = append(f.Problems, text)
	}
}

// examine goes on after a problem: the more is known, the better the choice between a restore and a repair.
func (f *Findings) examine(ctx context.Context, tx *sql.Tx) (err error) {
	if f.Version, err = userVersion(ctx, tx); err != nil {
		return err
	}
	all, err := steps()
	if err != nil {
		return err
	}
	if f.Version < 1 || f.Version > len(all) {
		f.problem(fmt.Sprintf("the schema has version %d, this program knows 1 to %d", f.Version, len(all)))
		return nil
	}
	checks := []func(context.Context, *sql.Tx) error{f.structure, f.references, f.samples}
	if f.Version >= 2 {
		checks = append(checks, f.scores)
	}
	for _, check := range checks {
		if err := f.note(check(ctx, tx)); err != nil {
			return err
		}
	}
	return nil
}

// structure asks SQLite for the state of pages, trees and indexes.
func (f *Findings) structure(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", maxProblems))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			f.problem(strings.ReplaceAll(line, "\n", "; "))
		}
	}
	return rows.Err()
}

// references asks SQLite for rows that refer to rows which are not there.
func (f *Findings) references(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, parent string
		var row sql.NullInt64
		var key int
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		f.problem(fmt.Sprintf("row %d of %s refers to a row of %s that is missing", row.Int64, table, parent))
	}
	return rows.Err()
}

// samples holds series, chunks and journal to what they claim.
func (f *Findings) samples(ctx context.Context, tx *sql.Tx) error {
	byID, err := f.series(ctx, tx)
	if err != nil {
		return err
	}
	if err := f.note(f.chunks(ctx, tx)); err != nil {
		return err
	}
	if f.Version >= 4 {
		if err := f.note(f.blocks(ctx, tx, byID)); err != nil {
			return err
		}
	}
	return f.journal(ctx, tx, byID)
}

func (f *Findings) series(ctx context.Context, tx *sql.Tx) (byID map[int64]metrics.Series, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, key
		FROM series`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byID = make(map[int64]metrics.Series)
	for ; rows.Next(); f.Series++ {
		var id int64
		var key sql.RawBytes
		if err := rows.Scan(&id, &key); err != nil {
			return nil, err
		}
		if byID[id], err = metrics.ParseKey(string(key)); err != nil {
			f.problem(fmt.Sprintf("series %d: %v", id, err))
		}
	}
	return byID, rows.Err()
}

func (f *Findings) chunks(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT series, tier, from_at, to_at, samples, data
		FROM chunks`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for ; rows.Next(); f.Chunks++ {
		var id int64
		var tier int
		var c head.Chunk
		var stored []byte
		if err := rows.Scan(&id, &tier, &c.From, &c.To, &c.Samples, &stored); err != nil {
			return err
		}
		if err := f.chunk(tier, c, stored); err != nil {
			f.problem(fmt.Sprintf("chunk of series %d, tier %d, from %d: %v", id, tier, c.From, err))
		}
	}
	return rows.Err()
}

// blocks decodes what has left the chunks, and the buckets made of it.
func (f *Findings) blocks(ctx context.Context, tx *sql.Tx, byID map[int64]metrics.Series) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT id, data
		FROM blocks`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for ; rows.Next(); f.Chunks++ {
		var b stored
		if err := rows.Scan(&b.id, &b.data); err != nil {
			return err
		}
		samples, err := b.check()
		if _, known := byID[b.id.series()]; err == nil && !known {
			err = b.id.damaged(errors.New("there is no such series"))
		}
		if err != nil {
			f.problem(strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": "))
		}
		f.Samples += int64(samples)
	}
	return rows.Err()
}

// check decodes the block and returns how many samples it holds, none for buckets.
func (b stored) check() (samples int, err error) {
	if b.id < 0 || b.id.lane() >= lanes {
		return 0, fmt.Errorf("block %d is of no lane", int64(b.id))
	}
	if b.id.lane() >= bucketLanes {
		return 0, b.id.damaged(b.checkBuckets())
	}
	points, err := decodePoints(b.data)
	if n := len(points); err == nil && n > 0 && (points[0].At < b.id.first() || points[n-1].At > b.id.end()) {
		err = errOutside
	}
	return len(points), b.id.damaged(err)
}

var errOutside = errors.New("it holds what is not of its time")

func (b stored) checkBuckets() error {
	width := tierWidths[b.id.lane().tier()]
	buckets, err := decodeBuckets(b.data, width)
	if n := len(buckets); err == nil && n > 0 && (firstIn(buckets[0].slot, width) < b.id.first() || buckets[n-1].slot*width > b.id.end()) {
		err = errOutside
	}
	return err
}

func (f *Findings) chunk(tier int, c head.Chunk, stored []byte) (err error) {
	if c.Data, err = unsum(stored); err != nil || tier > 0 {
		return err
	}
	f.Samples += int64(c.Samples)
	_, err = c.Points()
	return err
}

func (f *Findings) journal(ctx context.Context, tx *sql.Tx, byID map[int64]metrics.Series) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT seq, payload
		FROM journal
		ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for ; rows.Next(); f.Groups++ {
		var seq uint64
		var payload sql.RawBytes
		if err := rows.Scan(&seq, &payload); err != nil {
			return err
		}
		samples, err := decodeSamples(payload, byID)
		if err != nil {
			f.problem(fmt.Sprintf("journal group %d: %v", seq, err))
		}
		f.Samples += int64(len(samples))
	}
	return rows.Err()
}

func (f *Findings) scores(ctx context.Context, tx *sql.Tx) error {
	return eachEntry(ctx, tx, func(*rank.Entry) bool {
		f.Scores++
		return true
	})
}

package data

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"liveboard/metrics/head"
)

// chunksIn returns the rows of the series id that have samples in [mint, maxt], sorted and without overlap.
func (s *Store) chunksIn(ctx context.Context, id, mint, maxt int64) ([]head.Chunk, error) {
	// Chunks do not overlap, so the one that spans mint is the last that begins no later.
	rows, err := s.selectChunks.QueryContext(ctx, id, maxt, id, mint, mint)
	if err != nil {
		return nil, damage(err)
	}
	defer rows.Close()
	var chunks []head.Chunk
	for rows.Next() {
		c, err := scanChunk(rows, id)
		if err != nil {
			return nil, err
		}
		if c.To >= mint {
			chunks = append(chunks, c)
		}
	}
	return chunks, damage(rows.Err())
}

const selectChunks = `
	SELECT from_at, to_at, samples, data
	FROM chunks
	WHERE series = ? AND tier = 0 AND from_at <= ?
		AND from_at >= IFNULL((
			SELECT MAX(from_at)
			FROM chunks
			WHERE series = ? AND tier = 0 AND from_at <= ?), ?)
	ORDER BY from_at`

const putChunk = `
	INSERT INTO chunks (series, tier, from_at, to_at, samples, data)
	VALUES (?, 0, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET
		to_at = excluded.to_at,
		samples = excluded.samples,
		data = excluded.data`

// scanner is a row of a query.
type scanner interface{ Scan(dest ...any) error }

// scanChunk reads a chunk of the series id from the columns from_at, to_at, samples, data.
func scanChunk(row scanner, id int64) (c head.Chunk, err error) {
	var stored []byte
	if err := row.Scan(&c.From, &c.To, &c.Samples, &stored); err != nil {
		return c, damage(err)
	}
	if c.Data, err = unsum(stored); err != nil {
		return c, fmt.Errorf("%w: chunk of series %d from %d: %w", ErrDamaged, id, c.From, err)
	}
	return c, nil
}

// sum returns what is stored of a chunk's data: its CRC-32C and then the data. SQLite has no
// checksums of its own, and a flipped bit would decode to a wrong number.
func sum(data []byte) []byte {
	stored := make([]byte, crc32.Size, crc32.Size+len(data))
	binary.LittleEndian.PutUint32(stored, crc32.Checksum(data, castagnoli))
	return append(stored, data...)
}

func unsum(stored []byte) ([]byte, error) {
	if len(stored) < crc32.Size {
		return nil, errors.New("it is too short")
	}
	data := stored[crc32.Size:]
	if crc32.Checksum(data, castagnoli) != binary.LittleEndian.Uint32(stored) {
		return nil, errors.New("its checksum does not match")
	}
	return data, nil
}

// chunkBefore returns the last stored chunk of the series id that begins no later than at, if there is one, and
// the beginning of the chunk after it, or the end of time.
func chunkBefore(ctx context.Context, tx *sql.Tx, id, at int64) (held []head.Chunk, next int64, err error) {
	c, err := scanChunk(tx.QueryRowContext(ctx, `
		SELECT from_at, to_at, samples, data
		FROM chunks
		WHERE series = ? AND tier = 0 AND from_at <= ?
		ORDER BY from_at DESC
		LIMIT 1`, id, at), id)
	switch {
	case err == nil:
		held = []head.Chunk{c}
	case !errors.Is(err, sql.ErrNoRows):
		return nil, 0, err
	}
	err = tx.QueryRowContext(ctx, `
		SELECT IFNULL(MIN(from_at), ?)
		FROM chunks
		WHERE series = ? AND tier = 0 AND from_at > ?`, math.MaxInt64, id, at).Scan(&next)
	return held, next, err
}

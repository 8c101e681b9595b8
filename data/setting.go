package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// The keys of the settings table.
const (
	settingSealed   = "journal.sealed" // the newest group that was cut from the journal
	settingMerged   = "scores.merged"  // the newest entry of those that Merge has been over
	settingSigned   = "keys.signed"    // the newest time that a signature ahead of the clock bore, Unix seconds
	settingPinged   = "store.pinged"   // when Ping last wrote, Unix ms
	settingRetained = "retention.at"   // the time by which ages were last told, Unix ms
)

// readSetting reads a setting into value, or leaves value as it is where there is none.
func readSetting(ctx context.Context, q querier, key string, value any) error {
	err := q.QueryRowContext(ctx, `
		SELECT value
		FROM settings
		WHERE key = ?`, key).Scan(value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read setting %s: %w", key, err)
	}
	return nil
}

func writeSetting(ctx context.Context, tx *sql.Tx, key string, value any) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO settings (key, value)
		VALUES (?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value`, key, value)
	if err != nil {
		return fmt.Errorf("write setting %s: %w", key, err)
	}
	return nil
}

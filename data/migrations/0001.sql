-- The log of groups that no chunk holds yet. The payload's format is described in journal.go.
CREATE TABLE journal (
	seq     INTEGER PRIMARY KEY,
	at      INTEGER NOT NULL, -- of the commit, Unix ms
	payload BLOB    NOT NULL
) STRICT;

-- key is metrics.Series.Key, which is not valid UTF-8.
CREATE TABLE series (
	id  INTEGER PRIMARY KEY,
	key BLOB    NOT NULL UNIQUE
) STRICT;

-- Tier 0 holds raw samples. The chunks of a series and tier never overlap. Rows stand in the order of
-- sealing, not by series: a seal then fills whole pages, where WITHOUT ROWID rewrote one
-- page for each series and took 2.8 times the space and 2.5 times the time.
CREATE TABLE chunks (
	series  INTEGER NOT NULL REFERENCES series (id),
	tier    INTEGER NOT NULL,
	from_at INTEGER NOT NULL, -- of the first sample, Unix ms
	to_at   INTEGER NOT NULL, -- of the last sample, Unix ms
	samples INTEGER NOT NULL,
	data    BLOB    NOT NULL,
	UNIQUE (series, tier, from_at)
) STRICT;

CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value ANY  NOT NULL
) STRICT, WITHOUT ROWID;

-- What is older than the chunks: samples in longer runs, and the buckets of roll-ups. The id is lane, span and
-- series in one number, described in tier.go: so there is no index, what is rolled up together stands
-- together, and the oldest of a lane stand first. The formats are described in block.go.
CREATE TABLE blocks (
	id   INTEGER PRIMARY KEY,
	data BLOB NOT NULL
) STRICT;

-- The spans of which a block is to be made, or made again. A mark is written with the change that it stands
-- for and deleted with the block that is made for it.
CREATE TABLE marks (
	block INTEGER PRIMARY KEY -- an id as in blocks
) STRICT;

INSERT OR IGNORE INTO marks (block)
SELECT (lane << 59) + ((at + span - 1) / span << 36) + series
FROM (
	SELECT series, from_at AS at
	FROM chunks
	WHERE tier = 0
	UNION ALL
	SELECT series, to_at
	FROM chunks
	WHERE tier = 0)
CROSS JOIN (
	SELECT 0 AS lane, 7200000 AS span
	UNION ALL SELECT 1, 21600000
	UNION ALL SELECT 2, 86400000
	UNION ALL SELECT 3, 604800000
	UNION ALL SELECT 4, 4838400000)
WHERE at >= 0;

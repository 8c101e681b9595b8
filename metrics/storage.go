package metrics

import "time"

// Tiers are the names of the resolutions in which history is kept, finest first: samples, and buckets of those widths.
var Tiers = [5]string{"raw", "10s", "1m", "10m", "1h"}

// Storage is how much history is kept.
type Storage struct {
	Budget    int64                     // bytes of the whole database file; 0 is no limit
	Retention [len(Tiers)]time.Duration // by tier: how old samples and buckets get
}

// DefaultStorage is what a board asks for that says nothing.
func DefaultStorage() Storage {
	const day = 24 * time.Hour
	return Storage{Budget: 2 << 30, Retention: [...]time.Duration{7 * day, 30 * day, 90 * day, 365 * day, 3650 * day}}
}

// Usage is what the database file holds.
type Usage struct {
	Bytes  int64 // of the file
	Free   int64 // of it, pages that hold nothing
	Budget int64 // 0 for none
	Tiers  [len(Tiers)]TierUsage
}

// TierUsage is what one tier holds.
type TierUsage struct {
	Rows, Bytes int64
	Oldest      int64 // the beginning, Unix milliseconds; 0 where it holds nothing
}

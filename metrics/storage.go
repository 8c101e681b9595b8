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
	Storage          // what it may hold
	Bytes    int64   // of the file
	Free     int64   // of it, pages that hold nothing
	Journal  int64   // bytes of samples that came since the last seal began
	DiskFree int64   // bytes that the disk has left
	Rate     float64 // samples a second that came lately
	Tiers    [len(Tiers)]TierUsage
}

// TierUsage is what one tier holds.
type TierUsage struct {
	Rows, Bytes int64
	Oldest      int64 // the beginning, Unix milliseconds; 0 where it holds nothing
	PerDay      int64 // bytes that a day brings at the present rate
	Known       bool  // PerDay is: there was time enough to measure it
}

// leastKept is what no budget takes.
const leastKept = 24 * time.Hour

// Kept is how long a tier is kept in the end, when every tier is as old as it gets.
type Kept struct {
	For      time.Duration
	ByBudget bool // it ends before its age
}

// Kept tells what the budget buys at the present rate. Like the budget it takes from the finest tier first. What the file
// holds beside the tiers is taken to stay as it is. ok is false where too little has been measured. A tier that has not been
// is taken for its share of the finer one.
func (u Usage) Kept() (kept [len(Tiers)]Kept, ok bool) {
	if !u.Tiers[0].Known || !u.Tiers[1].Known {
		return kept, false
	}
	var perDay [len(Tiers)]float64
	lacks := float64(u.Bytes - u.Free - u.Budget)
	for i, t := range u.Tiers {
		perDay[i] = float64(t.PerDay)
		if !t.Known {
			perDay[i] = perDay[i-1] / bucketRatios[i]
		}
		kept[i].For = u.Retention[i]
		lacks += perDay[i]*days(u.Retention[i]) - float64(t.Bytes)
	}
	for i := range kept {
		if u.Budget == 0 || lacks <= 0 {
			break
		}
		if perDay[i] == 0 {
			continue
		}
		taken := min(lacks/perDay[i], days(u.Retention[i]-leastKept))
		if taken > 0 {
			kept[i] = Kept{u.Retention[i] - time.Duration(taken*float64(24*time.Hour)), true}
			lacks -= taken * perDay[i]
		}
	}
	return kept, true
}

// bucketRatios say how many buckets of the finer tier make one.
var bucketRatios = [len(Tiers)]float64{2: 6, 3: 10, 4: 6}

func days(d time.Duration) float64 { return d.Hours() / 24 }

// BackupUsage is what there is of nightly backups.
type BackupUsage struct {
	Folder   string
	Keep     int       // 0 where none are made
	NewestAt time.Time // zero where there is none
	Bytes    int64     // of the newest
	Err      error     // why the last try failed
}

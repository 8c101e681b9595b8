package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"liveboard/metrics"
	"liveboard/views"
)

// Store tells what the database holds.
type Store interface {
	Usage(ctx context.Context) (metrics.Usage, error)
}

// Backups tell what nightly backups there are.
type Backups interface {
	Usage() metrics.BackupUsage
}

// storage answers GET /storage: what the database holds, and what its budget buys.
func (s *Server) storage(w http.ResponseWriter, r *http.Request) {
	u, err := s.Store.Usage(r.Context())
	if err != nil {
		s.problem(w, r, metrics.Because(err, metrics.Unavailable, "The database cannot be read: try again in a few seconds."))
		return
	}
	backup := s.Backups.Usage()
	m := views.StorageModel{
		Page:     page(r, "Storage"),
		Topbar:   topbar(r, false),
		Warnings: storageWarnings(u, backup),
		Size:     bytesText(u.Bytes),
		Budget:   "no budget",
		Free:     bytesText(u.Free) + " of it hold nothing",
		Rate:     metrics.Rate.Text(u.Rate, -1),
		Journal:  "Journal: " + bytesText(u.Journal) + " since the last seal",
		DiskFree: bytesText(u.DiskFree),
		Backup:   "none",
		Where:    "--backup-keep is 0",
		Forecast: "Too early to tell what will be kept: that takes two spans of the tier 10s, 12 hours at most.",
	}
	if u.Budget > 0 {
		m.Budget = "of " + bytesText(u.Budget)
		m.Share = strconv.FormatFloat(min(1, float64(u.Bytes)/float64(u.Budget)), 'f', 4, 64)
	}
	if backup.Keep > 0 {
		m.Where = "they come into " + backup.Folder
	}
	if !backup.NewestAt.IsZero() {
		m.Backup, m.Where = dayText(backup.NewestAt)+backup.NewestAt.Local().Format(" 15:04"), bytesText(backup.Bytes)+" in "+backup.Folder
	}
	kept, known := u.Kept()
	for i := range u.Tiers {
		m.Tiers = append(m.Tiers, tierModel(u, i, kept[i], known))
	}
	if known {
		m.Forecast = "What will be kept at the present rate, when every tier is as old as it gets. The budget takes from the finest tier first, and never the last day. " +
			"Few samples to a bucket move up to a wider tier, and are counted there."
	}
	s.show(w, r, http.StatusOK, views.Storage(m))
}

func tierModel(u metrics.Usage, i int, kept metrics.Kept, known bool) views.TierModel {
	t := u.Tiers[i]
	m := views.TierModel{
		Name: metrics.Tiers[i], Size: metrics.Dash, Begins: metrics.Dash, PerDay: metrics.Dash,
		Kept: daysText(u.Retention[i]), EndedBy: "at most",
	}
	if t.Rows > 0 {
		m.Size, m.Blocks = bytesText(t.Bytes), metrics.Count.Text(float64(t.Rows), -1)+" blocks"
		m.Begins = dayText(time.UnixMilli(t.Oldest))
	}
	if t.Known {
		m.PerDay = bytesText(t.PerDay)
	}
	switch {
	case u.Retention[i] == 0:
		m.Kept, m.EndedBy = "all", ""
	case known && kept.ByBudget:
		m.Kept, m.EndedBy, m.Short = daysText(kept.For), "by budget, not "+m.Kept, true
	case known:
		m.EndedBy = "by age"
	}
	return m
}

// storageWarnings are about what ends sooner than it is meant to.
func storageWarnings(u metrics.Usage, backup metrics.BackupUsage) (warnings []views.Count) {
	warn := func(state, format string, values ...any) {
		warnings = append(warnings, views.Count{State: state, Text: fmt.Sprintf(format, values...)})
	}
	held := u.Bytes - u.Free
	if u.Budget > 0 && held > u.Budget {
		warn("crit", "The file holds %s more than its budget: the oldest history goes, but never the last day.", bytesText(held-u.Budget))
	}
	if grow := u.Budget - u.Bytes; u.Budget > 0 && grow > u.DiskFree {
		warn("crit", "The disk has %s free, and the file may yet grow by %s.", bytesText(u.DiskFree), bytesText(grow))
	}
	kept, _ := u.Kept()
	for i, k := range kept {
		if k.ByBudget {
			warn("warn", "The budget ends tier %s after %s, before its age of %s.", metrics.Tiers[i], daysText(k.For), daysText(u.Retention[i]))
			break // the finest tells of the others
		}
	}
	if backup.Err != nil {
		warn("warn", "The last backup failed: the log says why.")
	}
	return warnings
}

func bytesText(n int64) string { return metrics.Bytes.Text(float64(n), -1) }

// daysText writes years as the board file does.
func daysText(d time.Duration) string {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	if d >= 10*day {
		d = d.Truncate(day)
	}
	if d >= year && d%year == 0 {
		return metrics.Count.Text(float64(d/year), -1) + " y"
	}
	return metrics.Seconds.Text(d.Seconds(), -1)
}

func dayText(t time.Time) string { return t.Local().Format(time.DateOnly) }

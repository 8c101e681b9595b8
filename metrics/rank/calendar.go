package rank

import (
	"fmt"
	"sort"
	"time"

	"liveboard/metrics"
)

// How the keys of windows are written.
const (
	hourKey  = "2006-01-02T15:04Z"
	weekKey  = "%04d-W%02d"
	monthKey = "2006-01"
)

// hourAt returns the window of the hour by the zone's clock that holds t. Where clocks change within
// an hour, as by the half hour of Lord Howe, it is two windows.
func hourAt(p metrics.Period, zone *time.Location, t time.Time) Window {
	t = t.In(zone)
	_, offset := t.Zone()
	ahead := time.Duration(offset) * time.Second
	from := t.Add(ahead).Truncate(time.Hour).Add(-ahead)
	to := from.Add(time.Hour)
	begun, over := t.ZoneBounds()
	if begun.After(from) {
		from = begun
	}
	if !over.IsZero() && over.Before(to) {
		to = over
	}
	w := Window{Period: p, Key: from.UTC().Format(hourKey), From: from.In(zone), To: to.In(zone)}
	w.Title = w.From.Format("2 January 2006, 15:04")
	if repeated(w.From) {
		w.Title += w.From.Format(" MST")
	}
	return w
}

// repeated reports whether the zone's clock shows the time of t twice.
func repeated(t time.Time) bool {
	begun, over := t.ZoneBounds()
	return !begun.IsZero() && !clockAt(begun.Add(-1)).Before(clockAt(t)) ||
		!over.IsZero() && !clockAt(t).Before(clockAt(over))
}

// clockAt is what the zone's clock shows at t, as if it were the time of UTC, by which such times compare.
func clockAt(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// daysAt returns the window of a period of whole days that holds t.
func daysAt(p metrics.Period, zone *time.Location, t time.Time) Window {
	first := firstDay(p.Kind, clockAt(t.In(zone)))
	w := days(p, zone, first)
	// A clock that is put back over midnight shows the day before once more.
	if t.Before(w.From) {
		return days(p, zone, firstDay(p.Kind, first.AddDate(0, 0, -1)))
	}
	if !t.Before(w.To) {
		return days(p, zone, after(p.Kind, first))
	}
	return w
}

// days returns the window of a period of whole days that begins with the day first.
func days(p metrics.Period, zone *time.Location, first time.Time) Window {
	w := Window{Period: p, From: dawn(zone, first), To: dawn(zone, after(p.Kind, first))}
	switch p.Kind {
	case metrics.Day:
		w.Key, w.Title = first.Format(time.DateOnly), first.Format("2 January 2006")
	case metrics.Week:
		year, week := first.ISOWeek()
		w.Key, w.Title = fmt.Sprintf(weekKey, year, week), fmt.Sprintf("Week %d, %d", week, year)
	case metrics.Month:
		w.Key, w.Title = first.Format(monthKey), first.Format("January 2006")
	}
	return w
}

// firstDay returns the first day, as midnight UTC, of the period's window that holds a day.
func firstDay(kind metrics.PeriodKind, day time.Time) time.Time {
	y, m, d := day.Date()
	switch kind {
	case metrics.Week:
		d -= (int(day.Weekday()) + 6) % 7
	case metrics.Month:
		d = 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// after returns the first day of the window after the one that begins with first.
func after(kind metrics.PeriodKind, first time.Time) time.Time {
	switch kind {
	case metrics.Week:
		return first.AddDate(0, 0, 7)
	case metrics.Month:
		return first.AddDate(0, 1, 0)
	}
	return first.AddDate(0, 0, 1)
}

// dawn returns the first instant of a day, given as midnight UTC, by the zone's clock. Clocks may skip
// midnight or show it twice, and time.Date does not say what it then returns, so it is searched for.
func dawn(zone *time.Location, day time.Time) time.Time {
	const reach = 26 * 60 * 60 // no zone is further from UTC, in seconds
	from := day.Unix() - reach
	i := sort.Search(2*reach, func(i int) bool {
		return !clockAt(time.Unix(from+int64(i), 0).In(zone)).Before(day)
	})
	return time.Unix(from+int64(i), 0).In(zone)
}

package rank

import (
	"cmp"
	"fmt"
	"time"

	"liveboard/metrics"
)

// windowAt returns the window of the period that holds t. Days, weeks and months begin with the zone's first instant of
// their first day, so a day has 23 to 25 hours where clocks change; an hour that clocks repeat is two windows.
// A season is one window, and holds t only where holds says so. Closed is left to the caller, see ended.
func windowAt(p metrics.Period, zone *time.Location, t time.Time) Window {
	switch p.Kind {
	case metrics.Season:
		return Window{Period: p, Key: p.Name, Title: p.Title, From: p.From.In(zone), To: p.To.In(zone)}
	case metrics.Hour:
		return hourAt(p, zone, t)
	case metrics.Day, metrics.Week, metrics.Month:
		return daysAt(p, zone, t)
	}
	return Window{Period: p, Key: string(metrics.AllTime), Title: cmp.Or(p.Title, "All time")}
}

// windowOf returns the window of one of the periods that has that Key. The error is of kind NotFound.
func windowOf(key string, periods []metrics.Period, zone *time.Location) (Window, error) {
	for _, p := range periods {
		if w := windowAt(p, zone, instantOf(key, p.Kind, zone)); w.Key == key {
			return w, nil
		}
	}
	return Window{}, metrics.Errorf(metrics.NotFound, "There is no window %q.", key)
}

// instantOf returns an instant of the window with that key, or any other where the key is none.
func instantOf(key string, kind metrics.PeriodKind, zone *time.Location) (t time.Time) {
	switch kind {
	case metrics.Hour:
		t, _ = time.Parse(hourKey, key)
		return t
	case metrics.Week:
		var year, week int
		if _, err := fmt.Sscanf(key, weekKey, &year, &week); err == nil {
			// The fourth of January is always in the first week.
			t = time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 7*(week-1))
		}
	case metrics.Day:
		t, _ = time.Parse(time.DateOnly, key)
	case metrics.Month:
		t, _ = time.Parse(monthKey, key)
	}
	return dawn(zone, t)
}

// LastWhole returns when the zone's hour or day began that holds t.
func LastWhole(kind metrics.PeriodKind, zone *time.Location, t time.Time) time.Time {
	return windowAt(metrics.Period{Kind: kind}, zone, t).From
}

// holds reports whether an instant, in Unix milliseconds, lies in w.
func (w Window) holds(at int64) bool {
	return (w.From.IsZero() || at >= w.From.UnixMilli()) && (w.To.IsZero() || at < w.To.UnixMilli())
}

// ended reports whether w has come to its end at now.
func (w Window) ended(now time.Time) bool { return !w.To.IsZero() && !now.Before(w.To) }

// next returns the window after w; ok is false where there is none, as after a season.
func (w Window) next(zone *time.Location) (_ Window, ok bool) {
	if !w.recurs() {
		return Window{}, false
	}
	return windowAt(w.Period, zone, w.To), true
}

// recurs reports whether w is one of a row of windows.
func (w Window) recurs() bool {
	return w.Period.Kind != metrics.AllTime && w.Period.Kind != metrics.Season
}

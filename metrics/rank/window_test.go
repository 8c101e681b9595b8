package rank

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"liveboard/metrics"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func period(kind metrics.PeriodKind) metrics.Period {
	return metrics.Period{Kind: kind, Name: string(kind)}
}

func TestWindowsByTheClockOfAZone(t *testing.T) {
	tests := []struct {
		name       string
		kind       metrics.PeriodKind
		zone       string
		at         string
		key, title string
		from       string
		length     time.Duration
	}{
		{"day", metrics.Day, "UTC", "2026-11-22T13:14:15Z", "2026-11-22", "22 November 2026", "2026-11-22T00:00:00Z", 24 * time.Hour},
		{"day begins at its midnight", metrics.Day, "Europe/Stockholm", "2026-11-21T23:00:00Z", "2026-11-22", "22 November 2026", "2026-11-21T23:00:00Z", 24 * time.Hour},
		{"the instant before is the day before", metrics.Day, "Europe/Stockholm", "2026-11-21T22:59:59Z", "2026-11-21", "21 November 2026", "2026-11-20T23:00:00Z", 24 * time.Hour},
		{"spring day", metrics.Day, "Europe/Stockholm", "2026-03-29T12:00:00Z", "2026-03-29", "29 March 2026", "2026-03-28T23:00:00Z", 23 * time.Hour},
		{"autumn day", metrics.Day, "Europe/Stockholm", "2026-10-25T12:00:00Z", "2026-10-25", "25 October 2026", "2026-10-24T22:00:00Z", 25 * time.Hour},
		{"day without midnight", metrics.Day, "Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-24", "24 April 2026", "2026-04-23T22:00:00Z", 23 * time.Hour},
		{"day without midnight in the west", metrics.Day, "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04", "4 November 2018", "2018-11-04T03:00:00Z", 23 * time.Hour},
		{"day with two midnights", metrics.Day, "America/Havana", "2025-11-02T12:00:00Z", "2025-11-02", "2 November 2025", "2025-11-02T04:00:00Z", 25 * time.Hour},
		{"day before a skipped one", metrics.Day, "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-29", "29 December 2011", "2011-12-29T10:00:00Z", 24 * time.Hour},
		{"half-hour zone", metrics.Day, "Asia/Kolkata", "2026-11-22T18:30:00Z", "2026-11-23", "23 November 2026", "2026-11-22T18:30:00Z", 24 * time.Hour},
		{"week", metrics.Week, "Europe/Stockholm", "2026-11-22T12:00:00Z", "2026-W47", "Week 47, 2026", "2026-11-15T23:00:00Z", 7 * 24 * time.Hour},
		{"autumn week", metrics.Week, "Europe/Stockholm", "2026-10-25T12:00:00Z", "2026-W43", "Week 43, 2026", "2026-10-18T22:00:00Z", 7*24*time.Hour + time.Hour},
		{"week 53", metrics.Week, "UTC", "2027-01-03T23:59:59Z", "2026-W53", "Week 53, 2026", "2026-12-28T00:00:00Z", 7 * 24 * time.Hour},
		{"week 1 begins in the year before", metrics.Week, "UTC", "2025-12-29T00:00:00Z", "2026-W01", "Week 1, 2026", "2025-12-29T00:00:00Z", 7 * 24 * time.Hour},
		{"month", metrics.Month, "UTC", "2026-11-30T23:59:59Z", "2026-11", "November 2026", "2026-11-01T00:00:00Z", 30 * 24 * time.Hour},
		{"spring month", metrics.Month, "Europe/Stockholm", "2026-03-31T12:00:00Z", "2026-03", "March 2026", "2026-02-28T23:00:00Z", 31*24*time.Hour - time.Hour},
		{"hour", metrics.Hour, "Europe/Stockholm", "2026-11-22T13:14:15Z", "2026-11-22T13:00Z", "22 November 2026, 14:00", "2026-11-22T13:00:00Z", time.Hour},
		{"hour in a half-hour zone", metrics.Hour, "Asia/Kolkata", "2026-11-22T13:14:15Z", "2026-11-22T12:30Z", "22 November 2026, 18:00", "2026-11-22T12:30:00Z", time.Hour},
		{"first of two same hours", metrics.Hour, "Europe/Stockholm", "2026-10-25T00:30:00Z", "2026-10-25T00:00Z", "25 October 2026, 02:00 CEST", "2026-10-25T00:00:00Z", time.Hour},
		{"second of two same hours", metrics.Hour, "Europe/Stockholm", "2026-10-25T01:30:00Z", "2026-10-25T01:00Z", "25 October 2026, 02:00 CET", "2026-10-25T01:00:00Z", time.Hour},
		{"hour after the skipped one", metrics.Hour, "Europe/Stockholm", "2026-03-29T01:00:00Z", "2026-03-29T01:00Z", "29 March 2026, 03:00", "2026-03-29T01:00:00Z", time.Hour},
		{"half an hour that clocks repeat", metrics.Hour, "Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-04T15:00Z", "5 April 2026, 01:30 +1030", "2026-04-04T15:00:00Z", 30 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			z := zone(t, tt.zone)
			w := windowAt(period(tt.kind), z, instant(t, tt.at))
			if w.Key != tt.key || w.Title != tt.title {
				t.Errorf("got %q %q, want %q %q", w.Key, w.Title, tt.key, tt.title)
			}
			if from := instant(t, tt.from); !w.From.Equal(from) || w.To.Sub(w.From) != tt.length {
				t.Errorf("got %v for %v, want %v for %v", w.From.UTC(), w.To.Sub(w.From), from, tt.length)
			}
			again, err := windowOf(w.Key, []metrics.Period{period(metrics.AllTime), period(tt.kind)}, z)
			if err != nil || !again.From.Equal(w.From) || again.Key != w.Key {
				t.Errorf("by its key: got %v and error %v", again, err)
			}
		})
	}
}

func TestSeasonsAndAllTimeAreOneWindow(t *testing.T) {
	season := metrics.Period{Kind: metrics.Season, Name: "autumn", Title: "Autumn Cup", From: instant(t, "2026-09-01T00:00:00Z"), To: instant(t, "2026-12-01T00:00:00Z")}
	periods := []metrics.Period{season, period(metrics.AllTime)}
	tests := []struct {
		key, title, at string
		holds, ended   bool
	}{
		{"autumn", "Autumn Cup", "2026-08-31T23:59:59Z", false, false},
		{"autumn", "Autumn Cup", "2026-09-01T00:00:00Z", true, false},
		{"autumn", "Autumn Cup", "2026-11-30T23:59:59Z", true, false},
		{"autumn", "Autumn Cup", "2026-12-01T00:00:00Z", false, true},
		{"all", "All time", "1970-01-01T00:00:00Z", true, false},
		{"all", "All time", "2100-01-01T00:00:00Z", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.key+" "+tt.at, func(t *testing.T) {
			w, err := windowOf(tt.key, periods, time.UTC)
			if err != nil || w.Title != tt.title {
				t.Fatalf("got title %q and error %v, want %q", w.Title, err, tt.title)
			}
			at := instant(t, tt.at)
			if got := windowAt(w.Period, time.UTC, at); got.Key != tt.key {
				t.Errorf("got window %q, want %q", got.Key, tt.key)
			}
			if holds, ended := w.holds(at.UnixMilli()), w.ended(at); holds != tt.holds || ended != tt.ended {
				t.Errorf("got holds %v, ended %v; want %v, %v", holds, ended, tt.holds, tt.ended)
			}
			if _, ok := w.next(time.UTC); ok {
				t.Error("got a window after it")
			}
		})
	}
}

func TestKeysThatNameNoWindowAreNotFound(t *testing.T) {
	z := zone(t, "Pacific/Apia")
	periods := []metrics.Period{period(metrics.Hour), period(metrics.Day), period(metrics.Week), period(metrics.Month)}
	keys := []string{
		"", "all", "day", "2026", "2026-13", "2026-1", "2026-11-31", "2026-11-22 ", "22-11-2026", "2026-W00", "2026-W54", "2025-W53", "2026-W7", "2026-W070",
		"x2026-W07", "2026-11-22T13:30Z", "2026-11-22T13:00", "2026-11-22T25:00Z",
		"2011-12-30", // the day that Samoa left out
	}
	for _, key := range keys {
		if w, err := windowOf(key, periods, z); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("%q: got window %v and error %v, want one of kind NotFound", key, w, err)
		}
	}
	if _, err := windowOf("2026-11-22", []metrics.Period{period(metrics.Week)}, z); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("got error %v for a day of a leaderboard by weeks, want one of kind NotFound", err)
	}
}

func TestLastWholeHourAndDay(t *testing.T) {
	stockholm, at := zone(t, "Europe/Stockholm"), instant(t, "2026-11-22T13:14:15Z")
	if got, want := LastWhole(metrics.Hour, stockholm, at), instant(t, "2026-11-22T13:00:00Z"); !got.Equal(want) {
		t.Errorf("got the hour of %v, want %v", got, want)
	}
	if got, want := LastWhole(metrics.Day, stockholm, at), instant(t, "2026-11-21T23:00:00Z"); !got.Equal(want) {
		t.Errorf("got the day of %v, want %v", got, want)
	}
}

// Every instant is in exactly one window of a period, and windows follow on each other without a gap.
func TestWindowsTileTime(t *testing.T) {
	zones := []string{
		"UTC", "Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Africa/Cairo", "Asia/Beirut", "America/Asuncion", "America/Sao_Paulo",
		"America/Havana", "Pacific/Apia", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca",
		"America/St_Johns", // put its clocks back from 00:01 to 23:01 of the day before
	}
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		p := period(rapid.SampledFrom([]metrics.PeriodKind{metrics.Hour, metrics.Day, metrics.Week, metrics.Month}).Draw(t, "kind"))
		at := time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "at"))
		if _, change := at.In(z).ZoneBounds(); rapid.Bool().Draw(t, "near a change of clocks") && !change.IsZero() {
			at = change.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "minutes")) * time.Minute)
		}
		tiles(t, p, z, at)
	})
}

func tiles(t *rapid.T, p metrics.Period, z *time.Location, at time.Time) {
	w := windowAt(p, z, at)
	if !w.holds(at.UnixMilli()) || w.ended(at) {
		t.Fatalf("%s from %v to %v does not hold %v", w.Key, w.From, w.To, at.In(z))
	}
	for _, edge := range []time.Time{w.From, w.To.Add(-time.Millisecond)} {
		if same := windowAt(p, z, edge); same.Key != w.Key || !same.From.Equal(w.From) || !same.To.Equal(w.To) {
			t.Fatalf("%v is in %s, want %s, whose edge it is", edge, same.Key, w.Key)
		}
	}
	next, _ := w.next(z)
	before := windowAt(p, z, w.From.Add(-1))
	if !next.From.Equal(w.To) || !before.To.Equal(w.From) || next.Key == w.Key || before.Key == w.Key {
		t.Fatalf("got %s to %v, %s from %v to %v, %s from %v", before.Key, before.To, w.Key, w.From, w.To, next.Key, next.From)
	}
	if same, err := windowOf(w.Key, []metrics.Period{p}, z); err != nil || !same.From.Equal(w.From) {
		t.Fatalf("by its key %q: got %v and error %v", w.Key, same, err)
	}
}

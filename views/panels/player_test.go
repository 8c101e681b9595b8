package panels

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Ada": "A", "nova_kestrel": "NK", "Zoë K.": "ZK", "mårten": "M", "0xFF": "0", "ramen.exe": "RE", "byte-me": "BM", "a b c": "AB",
		"élan": "É", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦": "👨‍👩‍👧‍👦", "李 小龍": "李小", "player 1": "P", "<b>": "<", "_-_": "", "": "",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestAges(t *testing.T) {
	for _, test := range []struct {
		age  time.Duration
		want string
	}{
		{-time.Second, "just now"}, {59 * time.Second, "just now"}, {time.Minute, "1 min ago"}, {59*time.Minute + 59*time.Second, "59 min ago"},
		{time.Hour, "1 h ago"}, {47 * time.Hour, "47 h ago"}, {48 * time.Hour, "2 d ago"}, {59 * 24 * time.Hour, "59 d ago"}, {60 * 24 * time.Hour, "13 Jan 2026"},
	} {
		if got := agoText(noon.Add(-test.age), noon); got != test.want {
			t.Errorf("%s: got %q, want %q", test.age, got, test.want)
		}
	}
}

func TestCountdowns(t *testing.T) {
	for _, test := range []struct {
		left time.Duration
		want string
	}{
		{-time.Second, "00:00:00"}, {999 * time.Millisecond, "00:00:00"}, {61 * time.Second, "00:01:01"},
		{24*time.Hour - time.Second, "23:59:59"}, {52*time.Hour + 11*time.Minute + 59*time.Second, "2 d 04:11"},
	} {
		if got := countdown(test.left); got != test.want {
			t.Errorf("%s: got %q, want %q", test.left, got, test.want)
		}
	}
}

func TestSparks(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		want   spark
	}{
		{"none", nil, spark{}},
		{"one", []float64{5}, spark{}},
		{"up", []float64{1, 2}, spark{"0 0 4 24", "M0 23l4-22", "M0 24V23l4-22V24Z"}},
		{"level", []float64{7, 7, 7}, spark{"0 0 8 24", "M0 12l4 0 4 0", "M0 24V12l4 0 4 0V24Z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := newSpark(test.values); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// profiled is Ada, who is second.
func profiled() ProfileInput {
	page := standing("nova", "Ada")
	return ProfileInput{Spec: arcade, Base: "/b/arcade", Now: noon, Windows: []rank.Window{page.Window}, Profile: rank.Profile{
		Row: page.Rows[1], Window: page.Window, Total: 40, Next: &rank.Gap{Rank: 1, Player: "id-0", Name: "nova", Points: 1000},
		Standings: []rank.Standing{{Window: "2026-W11", Rank: 2, Total: 40, Score: 97120}, {Window: "all", Rank: 12, Total: 1200, Score: 97120}},
		History: []rank.Past{
			{Entry: 9, At: page.Rows[1].At, Value: 97120, Subs: []metrics.Sub{{Name: "deaths", Value: 3}, {Name: "time", Value: 61.5}}},
			{Entry: 5, At: page.Rows[1].At - 60_000, Value: 99999, Removed: true},
			{Entry: 2, At: page.Rows[1].At - 120_000, Value: 50000},
		},
	}}
}

func TestProfilesLookAsReviewed(t *testing.T) {
	first := profiled()
	first.Profile.Row, first.Profile.Next, first.Profile.History, first.Profile.Total = standing("nova").Rows[0], nil, nil, 1
	for name, in := range map[string]ProfileInput{
		"normal": profiled(), "alone": first, "failed": {Failure: "There is no player named “x”.", Now: noon},
	} {
		t.Run(name, func(t *testing.T) {
			compareGolden(t, filepath.Join("testdata", "profile-"+name+".html"), rendered(t, ProfileSection(MakeProfile(in))))
		})
	}
}

func TestARemovedScoreIsNotDrawn(t *testing.T) {
	if got := MakeProfile(profiled()).Chart; strings.Contains(got.Title, "99,999") || !strings.Contains(got.Title, "2 scores") {
		t.Errorf("got %q, want the two scores that stand", got.Title)
	}
}

func TestNobodyIsBetterThanEverybody(t *testing.T) {
	for _, test := range []struct {
		rank, total int
		want        float64
	}{{1, 1, 0}, {1, 2, 50}, {1, 1000, 99}, {2, 40, 95}, {40, 40, 0}, {3, 0, 0}} {
		p := rank.Profile{Row: rank.Row{Rank: test.rank}, Total: test.total}
		if got := worseShare(p); got != test.want {
			t.Errorf("%d of %d: got %v, want %v", test.rank, test.total, got, test.want)
		}
	}
}

func TestPlaceText(t *testing.T) {
	page := standing("nova", "Ada", "Kim")
	page.Rows[2].Rank = 2
	for player, want := range map[string]string{
		"id-0": "1st of 18,402", "id-1": "2nd of 18,402 · 1,000 to 1st", "id-2": "2nd of 18,402 · 2,000 to 1st",
		"x": "No rank in this window yet", "": "No rank in this window yet",
	} {
		if got := PlaceText(page, player); got != want {
			t.Errorf("%q: got %q, want %q", player, got, want)
		}
	}
}

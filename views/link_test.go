package views

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThemeOfTakesTheFirstThatNamesOne(t *testing.T) {
	tests := []struct {
		name    string
		choices []string
		want    Theme
	}{
		{"nothing chosen", nil, Auto},
		{"query before cookie", []string{"dark", "light"}, Dark},
		{"cookie where the query has none", []string{"", "light"}, Light},
		{"an auto query overrides the cookie", []string{"auto", "dark"}, Auto},
		{"nonsense is skipped", []string{`"><script>`, "dark"}, Dark},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ThemeOf(tt.choices...); got != tt.want {
				t.Errorf("ThemeOf(%q) = %q, want %q", tt.choices, got, tt.want)
			}
		})
	}
}

func TestThemeLinksKeepTheRestOfTheQuery(t *testing.T) {
	query := url.Values{"range": {"1h"}, "theme": {"dark"}}
	want := []Link{
		{Text: "light", Href: "?range=1h&theme=light"},
		{Text: "dark", Href: "?range=1h&theme=dark", Current: true},
		{Text: "auto", Href: "?range=1h&theme=auto"},
	}
	if diff := cmp.Diff(want, ThemeLinks(query, Dark)); diff != "" {
		t.Errorf("ThemeLinks (-want +got):\n%s", diff)
	}
}

func TestRangeLinksLeaveTheFixedWindow(t *testing.T) {
	query := url.Values{"from": {"1"}, "to": {"2"}, "range": {"15m"}, "theme": {"dark"}}
	want := []Link{
		{Text: "15m", Href: "?range=15m&theme=dark"},
		{Text: "1h", Href: "?range=1h&theme=dark"},
	}
	if diff := cmp.Diff(want, RangeLinks(query, "", "15m", "1h")); diff != "" {
		t.Errorf("RangeLinks (-want +got):\n%s", diff)
	}
}

func TestLinksLeaveTheirQueryAlone(t *testing.T) {
	query := url.Values{"from": {"1"}, "to": {"2"}, "range": {"15m"}}
	before := query.Encode()
	RangeLinks(query, "", "1h")
	ThemeLinks(query, Dark)
	if got := query.Encode(); got != before {
		t.Errorf("the query became %s, want %s", got, before)
	}
}

func TestLinksEscapeHostileQueries(t *testing.T) {
	query := url.Values{`a"b`: {"&c=d"}}
	if got, want := ThemeLinks(query, Auto)[0].Href, "?a%22b=%26c%3Dd&theme=light"; got != want {
		t.Errorf("link = %s, want %s", got, want)
	}
}

package press

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func TestRankingViewSurvivesItsURL(t *testing.T) {
	for _, v := range []View{
		{Surface: Desk, Ranking: RankingView{Board: "b", Limit: defaultRows}},
		{Surface: Desk, Ranking: RankingView{Board: "b", Window: "2026-W47", Group: "team:röt & blau", Offset: 100, Limit: 25}},
		{Surface: Desk, Ranking: RankingView{Board: "b", Limit: defaultRows, You: "a/b?c#d%e+f g"}},
		{Surface: Desk, Ranking: RankingView{Board: "b", Limit: maxRows, Find: "🦊 fox"}},
		{Surface: Player, Ranking: RankingView{Board: "b", Limit: defaultRows, You: "ada", Window: "day"}},
		{Surface: Embed, Ranking: RankingView{Board: "b", Limit: 1, You: "ada"}},
		{Surface: Kiosk, Turn: defaultRankTurn, Ranking: RankingView{Board: "b", Limit: defaultKioskRows}},
		{Surface: Kiosk, Turn: 7 * time.Second, Ranking: RankingView{Board: "b", Limit: 12, Group: "red"}},
	} {
		query, err := url.ParseQuery(v.Query())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseRankingView(v.Ranking.Board, query); err != nil || got != v {
			t.Errorf("%q is read as %+v, %v, want %+v", v.Query(), got, err, v)
		}
		if v.Surface != Desk {
			continue
		}
		if got, err := ParseRankingView(v.Ranking.Board, v.Ranking.pageQuery()); err != nil || got != v {
			t.Errorf("the page at %q shows %+v, %v, want %+v", v.Ranking.pageQuery(), got, err, v)
		}
	}
}

func TestRankingViewHasDefaults(t *testing.T) {
	for query, want := range map[string]View{
		"":              {Surface: Desk, Ranking: RankingView{Board: "b", Limit: 50}},
		"surface=embed": {Surface: Embed, Ranking: RankingView{Board: "b", Limit: 10}},
		"surface=kiosk": {Surface: Kiosk, Turn: 15 * time.Second, Ranking: RankingView{Board: "b", Limit: 10}},
		"turn=7":        {Surface: Desk, Ranking: RankingView{Board: "b", Limit: 50}}, // only kiosks turn
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseRankingView("b", values); err != nil || got != want {
			t.Errorf("%q is %+v, %v, want %+v", query, got, err, want)
		}
	}
}

func TestRankingViewRefusesWhatMakesNoSense(t *testing.T) {
	long := strings.Repeat("x", maxParamBytes+1)
	for query, parameter := range map[string]string{
		"surface=wall":         "surface",
		"surface=index":        "surface",
		"limit=0":              "limit",
		"limit=-1":             "limit",
		"limit=501":            "limit",
		"limit=ten":            "limit",
		"offset=-1":            "offset",
		"offset=100000001":     "offset",
		"offset=99999999999e9": "offset",
		"window=" + long:       "window",
		"group=" + long:        "group",
		"player=" + long:       "player",
		"q=" + long:            "q",
		"player=%ff":           "player",
		"q=%c3%28":             "q",
		"window=%80":           "window",
		"group=%ed%a0%80":      "group",

		"surface=kiosk&turn=1": "turn",
		"surface=kiosk&turn=x": "turn",
		"surface=kiosk&turn=":  "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ParseRankingView("b", values)
		if parameter == "" {
			if err != nil || v.Turn == 0 {
				t.Errorf("%s: %+v, %v, want a view", query, v, err)
			}
			continue
		}
		if metrics.KindOf(err) != metrics.Invalid || !strings.HasPrefix(err.Error(), parameter+" ") {
			t.Errorf("%.40s: %v, want an Invalid that names %s", query, err, parameter)
		}
	}
}

func TestOnlyWhatOnePersonAskedForIsTheirOwn(t *testing.T) {
	for own, views := range map[bool][]View{
		true:  {on(Desk, func(v *RankingView) { v.You = "ada" }), on(Desk, func(v *RankingView) { v.Find = "x" })},
		false: {on(Desk, nil), on(Desk, func(v *RankingView) { v.Group, v.Offset = "team:red", 50 }), {Surface: Desk, Dashboards: "d"}},
	} {
		for _, v := range views {
			if v.own() != own || (v.pace() > 0) != own || (v.most() == maxOwnPages) != own || (v.logBytes() == maxOwnBytes) != own {
				t.Errorf("%+v: own %v, pace %v, %d pages, %d bytes, want own %v", v, v.own(), v.pace(), v.most(), v.logBytes(), own)
			}
		}
	}
}

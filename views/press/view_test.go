package press

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func TestViewSurvivesItsURL(t *testing.T) {
	for _, v := range []View{
		{Surface: Desk, Dashboards: "d"},
		{Surface: Desk, Dashboards: "d", Panel: "p", Range: metrics.Range{Span: 15 * time.Minute}},
		{Surface: Embed, Dashboards: "d", Range: metrics.Range{Span: 7 * 24 * time.Hour}},
		{Surface: Embed, Dashboards: "d", Range: metrics.Range{Span: 90 * time.Minute}},
		{Surface: Kiosk, Dashboards: "d,e", Turn: 10 * time.Second},
		{Surface: Desk, Dashboards: "d", Range: metrics.Range{From: 1_000_000, To: 2_000_000}},
		{Surface: Index},
	} {
		query, err := url.ParseQuery(v.Query())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseView(v.Dashboards, query); err != nil || got != v {
			t.Errorf("%q is read as %+v, %v, want %+v", v.Query(), got, err, v)
		}
	}
}

func TestViewRefusesWhatMakesNoSense(t *testing.T) {
	for query, parameter := range map[string]string{
		"surface=wall":                "surface",
		"range=soon":                  "range",
		"range=1s":                    "range",
		"range=32d":                   "range",
		"range=-1h":                   "range",
		"from=1&to=2000000":           "from",
		"from=1000000":                "to",
		"from=2000000&to=1000000":     "to",
		"from=1000000&to=99999999999": "to",
		"turn=1":                      "turn",
		"turn=x":                      "turn",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseView("d,e", values)
		if metrics.KindOf(err) != metrics.Invalid || !strings.HasPrefix(err.Error(), parameter+" ") {
			t.Errorf("%s: %v, want an Invalid that names %s", query, err, parameter)
		}
	}
}

package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

func TestWidgetsBecomeSamples(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       map[string]float64
	}{
		{"number", `{"auth_token":"YOUR_AUTH_TOKEN","current":42,"last":40,"title":"Karma","moreinfo":"since May"}`,
			map[string]float64{`widget_value{widget="karma"}`: 42, `widget_last{widget="karma"}`: 40}},
		{"meter", `{"value":7.5}`, map[string]float64{`widget_value{widget="karma"}`: 7.5}},
		{"both", `{"current":1,"value":2}`, map[string]float64{`widget_value{widget="karma"}`: 1}},
		{"text of a number", `{"current":"$1,234.50","last":" 87% "}`, map[string]float64{`widget_value{widget="karma"}`: 1234.5, `widget_last{widget="karma"}`: 87}},
		{"status", `{"current":null,"status":"Danger"}`, map[string]float64{`widget_status{widget="karma"}`: 2}},
		{"status of a style", `{"current":1,"status":"pink"}`, map[string]float64{`widget_value{widget="karma"}`: 1}},
		{"list", `{"items":[{"label":"Leverage","value":3},{"label":7,"value":"1,000"},{"label":"Who","value":"Ada"}]}`,
			map[string]float64{`widget_item{label="7",widget="karma"}`: 1000, `widget_item{label="Leverage",widget="karma"}`: 3}},
		{"points that count", `{"points":[{"x":1,"y":3},{"x":2,"y":4}]}`, map[string]float64{`widget_point{widget="karma"}`: 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			defer r.close()
			r.want(http.StatusNoContent, "", "POST", "/widgets/karma", c.body)
			r.wantValues(`{__name__!=""}`, c.want)
		})
	}
}

func TestWidgetPointsHaveTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		now := time.Now().Unix()
		body := func(last int) string {
			return fmt.Sprintf(`{"points":[{"x":%d,"y":1},{"x":%d,"y":2},{"x":%d,"y":null},{"x":%d,"y":%d}]}`, now-8*24*3600, now-60, now-30, now, last)
		}
		r.want(http.StatusNoContent, "", "POST", "/widgets/graph", body(3))
		r.want(http.StatusNoContent, "", "POST", "/widgets/graph", body(3))
		r.wantValues("count_over_time(widget_point[10d])", map[string]float64{`{widget="graph"}`: 2})
		r.wantValues("widget_point offset 1m", map[string]float64{`widget_point{widget="graph"}`: 2})
		r.wantValues("widget_point", map[string]float64{`widget_point{widget="graph"}`: 3})
	})
}

func TestWidgetItemsThatAreLeftOutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		r.want(http.StatusNoContent, "", "POST", "/widgets/top", `{"items":[{"label":"a","value":1},{"label":"b","value":2}]}`)
		r.want(http.StatusNoContent, "", "POST", "/widgets/top", `{"status":"ok"}`)
		time.Sleep(time.Second)
		r.want(http.StatusNoContent, "", "POST", "/widgets/top", `{"items":[{"label":"b","value":3}]}`)
		r.wantValues("widget_item", map[string]float64{`widget_item{label="b",widget="top"}`: 3})
		time.Sleep(time.Second)
		r.want(http.StatusNoContent, "", "POST", "/widgets/top", `{"items":[]}`)
		r.wantValues("widget_item", map[string]float64{})
	})
}

func TestWidgetItemsEndThoughAnEventWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		r.want(http.StatusNoContent, "", "POST", "/widgets/list", `{"items":[{"label":"a","value":1},{"label":"b","value":2}]}`)
		time.Sleep(time.Second)
		r.want(1000+int(metrics.Forbidden), "may not bring", "POST", "/widgets/list", `{"items":[]}`, "Authorization", "Bearer shop_")
		r.want(http.StatusNoContent, "", "POST", "/widgets/list", `{"items":[{"label":"a","value":3}]}`)
		r.wantValues("widget_item", map[string]float64{`widget_item{label="a",widget="list"}`: 3})
	})
}

func TestWidgetRefusals(t *testing.T) {
	r := newRig(t)
	defer r.close()
	invalid, refused := 1000+int(metrics.Invalid), 1000+int(metrics.Refused)
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"text alone", `{"text":"Hey","title":"Welcome"}`, refused, `There is no number in current, value, last, status, items or points of the widget "w"`},
		{"no number", `{"current":"n/a"}`, refused, `current is "n/a", which is no number`},
		{"a comma that could be either", `{"value":"3,50"}`, refused, `value is "3,50", which is no number`},
		{"a list", `{"value":[1,
			2]}`, refused, `value is [1, 2], which is no number`},
		{"texts in a list", `{"items":[{"label":"a","value":"b"}]}`, refused, "There is no number"},
		{"no label", `{"items":[{"value":1}]}`, refused, "items/0/label is nothing, which is no text"},
		{"no point", `{"points":[{"x":1}]}`, refused, "points/0 is 1, nothing, which are no numbers"},
		{"far ahead", `{"points":[{"x":99999999999,"y":1}]}`, invalid, "10 minutes ahead"},
		{"control character", `{"items":[{"label":"a\nb","value":1}]}`, invalid, "the character U+000A"},
		{"no JSON", "{\n", invalid, "line 2: unexpected EOF"},
		{"no object", "[1]", invalid, "line 1"},
	} {
		t.Run(c.name, func(t *testing.T) { r.want(c.status, c.want, "POST", "/widgets/w", c.body) })
	}
	r.wantValues(`{__name__!=""}`, map[string]float64{})
}

func TestWidgetTokenStandsInTheBody(t *testing.T) {
	r := newRig(t)
	defer r.close()
	r.intake.Admit = func(_ *http.Request, secret string, found bool) (Sender, error) {
		if found && secret == "lb_good" {
			return Sender{Token: metrics.Token{ID: "good", Scopes: []string{"ingest"}}}, nil
		}
		return Sender{}, metrics.Errorf(metrics.Unauthorized, "no")
	}
	r.want(204, "", "POST", "/widgets/w", `{"auth_token":"lb_good","value":1}`)
	r.want(204, "", "POST", "/dashboards/sample", `{"auth_token":"lb_good","event":"reload"}`)
	for _, body := range []string{`{"auth_token":"lb_wrong","value":1}`, `{"auth_token":"YOUR_AUTH_TOKEN","value":1}`, `{"auth_token":7,"value":1}`, `{"value":1}`, "{"} {
		r.want(401, "Invalid API key\nno\n", "POST", "/widgets/w", body)
		r.want(401, "Invalid API key\nno\n", "POST", "/dashboards/w", body)
	}
}

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]float64{
		"42": 42, " 42 ": 42, "-1.5": -1.5, "1e3": 1000, ".5": .5, "1,234": 1234, "-1,234,567.8": -1234567.8, "87%": 87, "87 %": 87,
		"$3.50": 3.5, "-$3.50": -3.5, "3 €": 3, "£1,000": 1000, "+5": 5,
	} {
		if got, ok := numberIn(text); !ok || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "n/a", "3,50", "1,23,456", "12,3456", "NaN", "Infinity", "0x10", "1_000", "5 apples", "--5", "1e999", "%", "$"} {
		if got, ok := numberIn(text); ok {
			t.Errorf("%q: got %v, want that it is no number", text, got)
		}
	}
}

func FuzzWidget(f *testing.F) {
	for _, body := range []string{`{"current":"$1,2","items":[{"label":"a","value":1}],"points":[{"x":1,"y":"2"}]}`, `{"status":"ok"}`, `{"items":[]}`, "null", "[]", `{"value":1e999}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := http.NewRequest("POST", "/widgets/w", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		w, err := readWidget(&delivery{Request: r, body: body, now: now})
		if err != nil {
			if kind := metrics.KindOf(err); kind != metrics.Invalid && kind != metrics.Refused || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("%q: got the error %q of kind %v", body, err, kind)
			}
			return
		}
		batch := metrics.Batch{Samples: w.samples}
		if err := batch.Check(now); err != nil || !json.Valid(body) && len(batch.Samples) == 0 {
			t.Fatalf("%q: %v", body, err)
		}
		for _, s := range batch.Samples {
			if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Series.Labels().Get("widget") != "w" {
				t.Fatalf("%q: took in %v", body, s)
			}
		}
	})
}

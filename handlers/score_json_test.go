package handlers

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

func TestScoresAreReadAsTheyStand(t *testing.T) {
	now := time.UnixMilli(1763777777000)
	ada := metrics.Score{Player: "ada", Value: 4200, At: now.UnixMilli()}
	for _, c := range []struct {
		name, body string
		want       []metrics.Score
		list       bool
	}{
		{"one", `{"player":"ada","score":4200}`, []metrics.Score{ada}, false},
		{"spaces around", " \r\n\t{\"player\":\"ada\",\n\"score\":4.2e3}\n ", []metrics.Score{ada}, false},
		{"no negative zero", `{"player":"ada","score":-0,"at":1,"sub":{"deaths":-0}}`, []metrics.Score{{Player: "ada", At: 1, Subs: []metrics.Sub{{Name: "deaths"}}}}, false},
		{"a list of one", ` [{"player":"ada","score":4200}]`, []metrics.Score{ada}, true},
		{"a list", "[{\"player\":\"ada\",\"score\":4200},\n{\"player\":\"bob\",\"score\":-0.5,\"at\":7}]",
			[]metrics.Score{ada, {Player: "bob", Value: -0.5, At: 7}}, true},
		{"everything", `{"player":"ada","score":4200,"name":"Ada L.","at":1,"sub":{"time":1e2,"deaths":3},"attributes":{"team":"red","class":"ü"}}`,
			[]metrics.Score{{Player: "ada", Name: "Ada L.", Value: 4200, At: 1,
				Subs:       []metrics.Sub{{Name: "deaths", Value: 3}, {Name: "time", Value: 100}},
				Attributes: metrics.Labels{{Name: "class", Value: "ü"}, {Name: "team", Value: "red"}}}}, false},
		{"nulls are as if left out", `{"player":"ada","score":4200,"name":null,"at":null,"sub":null,"attributes":null}`, []metrics.Score{ada}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, list, err := readScores([]byte(c.body), now)
			if err != nil || list != c.list {
				t.Errorf("list %v, error %v, want %v, none", list, err, c.list)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			if err == nil && math.Signbit(got[0].Value) {
				t.Errorf("the score is %v", got[0].Value)
			}
		})
	}
}

// wrongScores are bodies that are refused, and what is said about each.
var wrongScores = []struct{ name, body, detail string }{
	{"empty", "", "line 1: unexpected end of JSON input"},
	{"null", "null", "line 1: the player is missing"},
	{"no list nor object", "7", "line 1: it cannot be number"},
	{"no JSON", "player=ada", "line 1: invalid character 'p'"},
	{"cut off", "{\"player\":\n\"ada\"", "line 2: unexpected end of JSON input"},
	{"list cut off", "[{\"player\":\"ada\",\"score\":1}\n", "line 2: unexpected end of JSON input"},
	{"list cut off after a comma", "[{\"player\":\"ada\",\"score\":1},\n", "line 2: unexpected end of JSON input"},
	{"list not closed by its bracket", "[{\"player\":\"ada\",\"score\":1}\n}", "line 2: invalid character '}'"},
	{"empty list", "[]", "there is no score in the list"},
	{"comma at the end", "[{\"player\":\"ada\",\"score\":1},\n]", "line 2: invalid character ']'"},
	{"no comma", "[{\"player\":\"ada\",\"score\":1}\n{}]", "line 2: invalid character '{' after array element"},
	{"more", "{\"player\":\"ada\",\"score\":1}\n{}", "line 2: invalid character"},
	{"more after a list", "[{\"player\":\"ada\",\"score\":1}]\n]", "line 2: invalid character"},
	{"unknown field", `{"player":"ada","points":1}`, `line 1: unknown field "points"`},
	{"unknown field in a list", "[{\"player\":\"ada\",\"score\":1},\n\n{\"player\":\"ada\",\"scor\":1}]", `line 3: unknown field "scor"`},
	{"list in a list", "[\n[]]", "line 2: it cannot be array"},
	{"null in a list", "[\nnull]", "line 2: the player is missing"},
	{"no player", `{"score":1}`, "the player is missing"},
	{"no score", `{"player":"ada"}`, "the score is missing"},
	{"player no text", `{"player":7,"score":1}`, "player cannot be number"},
	{"score a text", `{"player":"ada","score":"1"}`, "score cannot be string"},
	{"score NaN", `{"player":"ada","score":NaN}`, "invalid character 'N'"},
	{"score too large", `{"player":"ada","score":1e999}`, "score cannot be number 1e999"},
	{"at no whole number", `{"player":"ada","score":1,"at":1.5}`, "at cannot be number 1.5"},
	{"at too large", `{"player":"ada","score":1,"at":9223372036854775808}`, "at cannot be number"},
	{"sub no object", `{"player":"ada","score":1,"sub":[1]}`, "sub must be an object"},
	{"sub-score no number", `{"player":"ada","score":1,"sub":{"deaths":"3"}}`, `the sub-score "deaths" must be a number`},
	{"sub-score null", `{"player":"ada","score":1,"sub":{"deaths":null}}`, `the sub-score "deaths" must be a number`},
	{"sub-score twice", `{"player":"ada","score":1,"sub":{"deaths":3,"a":1,"deaths":3}}`, `the sub-score "deaths" is there twice`},
	{"too many sub-scores", `{"player":"ada","score":1,"sub":` + manyMembers(17, "1") + `}`, "sub may have at most 16 members"},
	{"attributes no object", `{"player":"ada","score":1,"attributes":"red"}`, "attributes must be an object"},
	{"attribute no text", `{"player":"ada","score":1,"attributes":{"team":1}}`, `the attribute "team" must be a text`},
	{"attribute empty", `{"player":"ada","score":1,"attributes":{"team":""}}`, `the attribute "team" must be a text, and not an empty one`},
	{"attribute twice", `{"player":"ada","score":1,"attributes":{"team":"a","team":"b"}}`, `the attribute "team" is there twice`},
	{"too many attributes", `{"player":"ada","score":1,"attributes":` + manyMembers(17, `"x"`) + `}`, "attributes may have at most 16 members"},
	{"deep", strings.Repeat("[", 100_000), "exceeded max depth"},
}

// manyMembers is an object of n members, the last by name first.
func manyMembers(n int, value string) string {
	var names []string
	for i := range n {
		names = append(names, `"m`+strings.Repeat("i", n-i)+`":`+value)
	}
	return "{" + strings.Join(names, ",") + "}"
}

func TestWrongScoresAreNamed(t *testing.T) {
	for _, c := range wrongScores {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := readScores([]byte(c.body), time.Now())
			if err == nil || metrics.KindOf(err) != metrics.Invalid || !strings.Contains(err.Error(), c.detail) {
				t.Errorf("got %v and the error %v, want one that says %q", got, err, c.detail)
			}
		})
	}
	if got, _, err := readScores([]byte(listOf(rank.MaxScores+1)), time.Now()); metrics.KindOf(err) != metrics.TooLarge {
		t.Errorf("%d scores of a list are accepted: %v", len(got), err)
	}
	if got, _, err := readScores([]byte(listOf(rank.MaxScores)), time.Now()); err != nil || len(got) != rank.MaxScores {
		t.Errorf("a list of %d scores is refused: %v", rank.MaxScores, err)
	}
}

func listOf(n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(`{"player":"ada","score":1},`, n), ",") + "]"
}

// FuzzScore holds what is accepted to what scores promise; written again it must read as the same.
func FuzzScore(f *testing.F) {
	for _, c := range wrongScores {
		f.Add([]byte(c.body))
	}
	f.Add([]byte(`[{"player":"ada","score":-0,"name":"\ud800","at":1,"sub":{"b":1,"a":2},"attributes":{"team":"red"}},{"PLAYER":"ada","Score":1}]`))
	f.Add([]byte("{\"player\":\"\xff\",\"score\":1}"))
	now := time.UnixMilli(1763777777000)
	f.Fuzz(func(t *testing.T, body []byte) {
		scores, list, err := readScores(body, now)
		if err != nil {
			if kind := metrics.KindOf(err); kind != metrics.Invalid && kind != metrics.TooLarge || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("%q: got the error %v of kind %v", body, err, kind)
			}
			return
		}
		for _, s := range scores {
			if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || math.Signbit(s.Value) && s.Value == 0 || !ascending(s) {
				t.Fatalf("%q: the score %+v was accepted", body, s)
			}
		}
		again, listAgain, err := readScores(written(t, scores, list), now)
		if diff := cmp.Diff(scores, again); err != nil || list != listAgain || diff != "" {
			t.Fatalf("%q reads otherwise when written again: %v\n%s", body, err, diff)
		}
	})
}

// ascending reports whether a score's parts are sorted by name and each is there once.
func ascending(s metrics.Score) bool {
	return slices.IsSortedFunc(s.Subs, func(a, b metrics.Sub) int { return strings.Compare(a.Name, b.Name) | 1 }) &&
		slices.IsSortedFunc(s.Attributes, func(a, b metrics.Label) int { return strings.Compare(a.Name, b.Name) | 1 })
}

func written(t *testing.T, scores []metrics.Score, list bool) []byte {
	var out []map[string]any
	for _, s := range scores {
		attributes := map[string]string{}
		for _, l := range s.Attributes {
			attributes[l.Name] = l.Value
		}
		out = append(out, map[string]any{
			"player": s.Player, "score": s.Value, "name": s.Name, "at": s.At, "sub": subsOf(s.Subs), "attributes": attributes,
		})
	}
	var whole any = out
	if !list {
		whole = out[0]
	}
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func BenchmarkReadScore(b *testing.B) {
	body := []byte(`{"player":"player-12345","score":4200.5}`)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := readScores(body, now); err != nil {
			b.Fatal(err)
		}
	}
}

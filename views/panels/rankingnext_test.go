package panels

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dom "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"liveboard/metrics/rank"
)

// parse returns the root element of a fragment.
func parse(t require, fragment string) *dom.Node {
	nodes, err := dom.ParseFragment(strings.NewReader(fragment), &dom.Node{Type: dom.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil || len(nodes) != 1 {
		t.Fatalf("parse %q: %d roots, %v", fragment, len(nodes), err)
	}
	return nodes[0]
}

// require is what tests and property tests have in common.
type require interface {
	Fatalf(format string, args ...any)
}

func attribute(n *dom.Node, name string) (value string, ok bool) {
	i := slices.IndexFunc(n.Attr, func(a dom.Attribute) bool { return a.Key == name })
	if i < 0 {
		return "", false
	}
	return n.Attr[i].Val, true
}

// find returns the first element below n that suits; nil without one.
func find(n *dom.Node, suits func(*dom.Node) bool) *dom.Node {
	for c := range n.Descendants() {
		if c.Type == dom.ElementNode && suits(c) {
			return c
		}
	}
	return nil
}

func class(name string) func(*dom.Node) bool {
	return func(n *dom.Node) bool {
		value, _ := attribute(n, "class")
		return slices.Contains(strings.Fields(value), name)
	}
}

// apply does to a ranking's section what <live-rows> in assets/js/rows.js does.
func apply(t require, section *dom.Node, elements string) {
	next := parse(t, elements)
	list := find(section, class("rows"))
	rows := map[string]*dom.Node{}
	for c := range list.ChildNodes() {
		id, _ := attribute(c, "id")
		rows[id] = c
	}
	for c := range next.ChildNodes() {
		id, _ := attribute(c, "id")
		if old := rows[id]; old != nil {
			old.Attr = c.Attr
			replaceChildren(old, c)
		} else {
			rows[id] = c
		}
	}
	if order, ok := attribute(next, "order"); ok {
		for list.FirstChild != nil {
			list.RemoveChild(list.FirstChild)
		}
		for token := range strings.FieldsSeq(order) {
			row := rows["r-"+token]
			if row == nil {
				t.Fatalf("the order names %q, which is nowhere", token)
			}
			if row.Parent != nil {
				row.Parent.RemoveChild(row)
			}
			list.AppendChild(row)
		}
	}
	for _, name := range []string{"total", "banner"} {
		if text, ok := attribute(next, name); ok {
			leaf := find(section, class(name))
			replaceChildren(leaf, &dom.Node{})
			leaf.AppendChild(&dom.Node{Type: dom.TextNode, Data: text})
		}
	}
}

func replaceChildren(to, from *dom.Node) {
	for to.FirstChild != nil {
		to.RemoveChild(to.FirstChild)
	}
	for from.FirstChild != nil {
		child := from.FirstChild
		from.RemoveChild(child)
		to.AppendChild(child)
	}
}

// settled is the section as written, without what clients tell by their clocks.
func settled(t require, section *dom.Node) string {
	for n := range section.Descendants() {
		_, since := attribute(n, "data-since")
		_, until := attribute(n, "data-until")
		if since || until {
			replaceChildren(n, &dom.Node{})
		}
	}
	var b strings.Builder
	if err := dom.Render(&b, section); err != nil {
		t.Fatalf("render: %v", err)
	}
	return b.String()
}

// anyPage draws a page of a few of ten players, with ties, covered rows and names of all sorts.
func anyPage(t *rapid.T, now time.Time) rank.Page {
	p := standing()
	p.Rows = nil
	p.Total = rapid.IntRange(1, 3).Draw(t, "total")
	p.Stepping, p.FrozenAt = true, noon
	players := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "players")[:rapid.IntRange(1, 10).Draw(t, "rows")]
	p.Covered = rapid.IntRange(0, len(players)).Draw(t, "covered")
	for i, player := range players {
		if i < p.Covered {
			p.Rows = append(p.Rows, rank.Row{Rank: i + 1})
			continue
		}
		p.Rows = append(p.Rows, rank.Row{
			Rank: i/2 + 1, Player: strconv.Itoa(player), Key: uint32(player), Name: rapid.SampledFrom(hostileNames).Draw(t, "name"),
			Score: float64(rapid.IntRange(0, 2).Draw(t, "score")), At: now.Add(-time.Duration(rapid.IntRange(0, 2).Draw(t, "age")) * time.Minute).UnixMilli(),
			Move: rank.Move{Up: rapid.IntRange(-1, 1).Draw(t, "move")}, Spark: rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 3).Draw(t, "spark"),
		})
	}
	return p
}

func TestNextLeadsToTheWholeAndTwiceAsWell(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before := RankingInput{Page: anyPage(rt, noon), Base: "/b/arcade", Links: true, Sparks: true, You: "3", Now: noon}
		after := before
		after.Now = noon.Add(30 * time.Second)
		after.Page = anyPage(rt, after.Now)
		from, to := MakeRanking(before), MakeRanking(after)
		elements, ok := to.Next(from)
		if !ok {
			rt.Fatalf("there is no way from one page of the same frame to another")
		}
		got := parse(rt, section(t, before))
		want := settled(rt, parse(rt, section(t, after)))
		for range 2 {
			if elements != nil {
				apply(rt, got, string(elements))
			}
			if text := settled(rt, got); text != want {
				rt.Fatalf("after %s\ngot  %s\nwant %s", elements, text, want)
			}
		}
	})
}

func TestNextHoldsOnlyWhatHasChanged(t *testing.T) {
	before := ranked("nova", "Ada", "Kim", "Bo")
	after := ranked("nova", "Ada", "Kim", "Bo")
	after.Now = noon.Add(time.Hour) // all are an hour older, which clients tell by themselves
	if got, ok := MakeRanking(after).Next(MakeRanking(before)); !ok || got != nil {
		t.Errorf("nothing has changed: got %q, %v", got, ok)
	}
	after.Page.Rows[2].Score++
	got, ok := MakeRanking(after).Next(MakeRanking(before))
	text := string(got)
	if !ok || strings.Count(text, "<li ") != 1 || !strings.Contains(text, `id="r-2"`) || strings.Contains(text, "order=") || strings.Contains(text, "total=") {
		t.Errorf("one score has changed: got %s, %v", text, ok)
	}
}

func TestAnotherFrameIsSentWhole(t *testing.T) {
	before := ranked("Ada", "Kim")
	for name, change := range map[string]func(in *RankingInput){
		"another window":  func(in *RankingInput) { in.Page.Window.To = noon.Add(time.Hour) },
		"a freeze":        func(in *RankingInput) { in.Page.FrozenAt = noon },
		"no rows left":    func(in *RankingInput) { in.Page.Rows = nil },
		"another ranking": func(in *RankingInput) { in.ID = "found" },
	} {
		after := ranked("Ada", "Kim")
		change(&after)
		if got, ok := MakeRanking(after).Next(MakeRanking(before)); ok {
			t.Errorf("%s: got %q, want the whole", name, got)
		}
	}
	if _, ok := MakeRanking(before).Next(nil); ok {
		t.Error("there is a way from nothing")
	}
}

func TestOneSentenceTellsWhatHappened(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(rows []rank.Row)
		want   string
	}{
		{"nothing", func([]rank.Row) {}, ""},
		{"climbs", func(rows []rank.Row) {
			rows[0].Rank, rows[1].Rank, rows[1].Score = 2, 1, 99999
			rows[0], rows[1] = rows[1], rows[0]
		}, "Ada is now 1st, with 99,999"},
		{"stays", func(rows []rank.Row) { rows[1].Score = 97500 }, "Ada stays 2nd, with 97,500"},
		{"the best of two", func(rows []rank.Row) { rows[1].Score, rows[2].Score = 97500, 96500 }, "Ada stays 2nd, with 97,500"},
		{"moved by others", func(rows []rank.Row) { rows[1].Rank = 3 }, ""},
		{"came into view", func(rows []rank.Row) { rows[2] = rank.Row{Rank: 3, Player: "x", Key: 77, Name: "x", Score: 5} }, ""},
		{"is new", func(rows []rank.Row) {
			rows[2] = rank.Row{Rank: 3, Player: "x", Key: 77, Name: "x", Score: 5, Move: rank.Move{New: true}}
		}, "x is now 3rd, with 5"},
		{"is covered", func(rows []rank.Row) { rows[0] = rank.Row{Rank: 1} }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			after := ranked("nova", "Ada", "Kim")
			test.change(after.Page.Rows)
			if got := announcement(MakeRanking(after).changed(MakeRanking(ranked("nova", "Ada", "Kim")))); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOrdinals(t *testing.T) {
	for number, want := range map[string]string{
		"1": "1st", "2": "2nd", "3": "3rd", "4": "4th", "11": "11th", "12": "12th", "13": "13th", "21": "21st", "111": "111th", "1002": "1,002nd",
	} {
		if got := ordinal(number); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

package views

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// render returns c with a tag a line, so that golden files can be read.
func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var html strings.Builder
	if err := c.Render(t.Context(), &html); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(html.String(), "><", ">\n<") + "\n"
}

func page(title string, theme Theme) Page {
	return Page{Title: title, Theme: theme, Assets: Assets{
		Style:    "/assets/1/app.css",
		Icon:     "/assets/1/img/icon.svg",
		Script:   "/assets/1/js/start.js",
		Main:     "/assets/1/js/main.js",
		Plain:    "/assets/1/js/plain.js",
		Preloads: []string{"/assets/1/js/main.js", "/assets/1/js/datastar.js"},
	}}
}

var (
	bar  = Topbar{Themes: ThemeLinks(nil, Auto)}
	feed = Feed{Stream: "/live/host?range=15m", Poll: "/poll/host?range=15m", Cursor: "e1-42",
		Viewers: "12", Build: "b1", Now: "13000"}
	places = templ.Raw(`<section id="ranking"></section>`)
	panels = []templ.Component{templ.Raw(`<article id="p-host-cpu"></article>`), templ.Raw(`<article id="p-host-load"></article>`)}
)

func shells() map[string]templ.Component {
	return map[string]templ.Component{
		"desk": Desk(DeskModel{
			Page: page("This machine", Auto), Topbar: bar, Feed: feed, Name: "host", Heading: HeadingModel{"This machine", "CPU and memory"},
			Ranges: RangeLinks(nil, "15m", "5m", "15m"), Kiosk: "/kiosk/host", Panels: panels,
		}),
		"desk-fixed": Desk(DeskModel{
			Page: page("This machine", Light), Topbar: bar, Feed: feed, Name: "host", Heading: HeadingModel{Title: "This machine"},
			Notice: NoticeModel{Title: "The board file is not in force.", Where: "liveboard.yaml:14:9", Excerpt: "> 14 | querry: up"},
			Ranges: RangeLinks(nil, "", "5m", "15m"), Window: "22 Nov, 14:32 to 14:47", Follow: "?range=15m", Panels: panels,
		}),
		"panel": Desk(DeskModel{
			Page: page("CPU · This machine", Dark), Topbar: bar, Feed: feed, Up: Link{Text: "This machine", Href: "/d/host"},
			Name: "host", Heading: HeadingModel{Title: "CPU"}, Ranges: RangeLinks(nil, "15m", "5m", "15m"), Panels: panels[:1],
		}),
		"kiosk": Kiosk(KioskModel{
			Page: page("This machine", Dark), Feed: feed, Name: "host", Title: "This machine", Position: "1 of 2 · next: Payments",
			Turn: Turn{Seconds: "30", At: "1000"}, Rows: 4, Time: "14:47", Zone: "Europe/Stockholm", Panels: panels,
		}),
		"kiosk-alone": Kiosk(KioskModel{Page: page("This machine", Dark), Feed: feed, Name: "host", Title: "This machine", Rows: 4, Time: "14:47", Zone: "Europe/Stockholm", Panels: panels}),
		"embed":       Embed(EmbedModel{Page: page("This machine", Light), Feed: feed, Name: "host", Panels: panels}),
		"embed-panel": Embed(EmbedModel{Page: page("CPU · This machine", Auto), Feed: feed, Name: "host", Single: true, Panels: panels[:1]}),
		"index": Index(IndexModel{Page: page("Dashboards", Auto), Topbar: Topbar{Index: true, Themes: bar.Themes}, Feed: feed, Cards: Cards([]Card{
			{Name: "host", Title: "This machine", Text: "CPU and memory", Href: "/d/host", Panels: "2 panels"},
			{Name: "edge", Title: "Edge fleet", Href: "/d/edge", Panels: "8 panels", Counts: []Count{{"crit", "1 critical"}, {"stale", "2 stale"}}},
		})}),
		"index-empty": Index(IndexModel{Page: page("Dashboards", Auto), Topbar: bar, Feed: feed, Cards: Cards(nil)}),
		"problem-404": Problem(ProblemModel{
			Page: page("Not found", Auto), Topbar: bar, Status: "404", Title: "There is no dashboard named “hots”.", Text: "There are:",
			Others: []Link{{Text: "This machine", Href: "/d/host"}},
		}),
		"index-boards": Index(IndexModel{Page: page("Dashboards", Auto), Topbar: bar, Feed: feed, Cards: Cards(nil), Leaderboards: BoardCards([]BoardCard{
			{Name: "arcade", Title: "Arcade", Text: "The hall", Href: "/b/arcade", Players: "18,402 players", Leader: "nova", Score: "98,120"},
			{Name: "new", Title: "New", Href: "/b/new", Players: "0 players"},
		})}),
		"board": Leaderboard(BoardModel{
			Page: page("Arcade", Auto), Topbar: Topbar{Leaderboards: true, Themes: bar.Themes}, Feed: feed, Heading: HeadingModel{"Arcade", "The hall"},
			Windows: []Link{{"Today", "?window=day", false}, {"Week", "?window=week", true}}, Earlier: []Link{{"Week 10", "?window=2026-W10", false}},
			Groups: []Link{{"Everybody", "?", true}, {"red", "?group=team%3Ared", false}}, Search: SearchModel{Kept: []Parameter{{"window", "week"}}},
			Ranking: places, Around: Pages(PagerModel{Position: "1–50 of 84", Next: "?offset=50", Last: "?offset=50"}), Kiosk: "/b/arcade?surface=kiosk",
			Share: ShareModel{Link: "https://x.example/b/arcade", QR: "/b/arcade/qr.svg", Data: []Link{{"CSV", "/api/leaderboards/arcade.csv", false}}},
		}),
		"board-you": Leaderboard(BoardModel{
			Page: page("Arcade", Auto), Topbar: bar, Feed: feed, Heading: HeadingModel{Title: "Arcade"}, Ranking: places,
			Search: SearchModel{Text: "ada", Back: "/b/arcade"}, Around: Place("8th of 18,402"),
			You: YouModel{Name: "Ada", Page: "/b/arcade/p/ada", QR: "/b/arcade/qr.svg?player=ada", Link: "https://x.example/b/arcade?player=ada", Top: "/b/arcade"},
		}),
		"player":      Player(PlayerModel{Page: page("Ada · Arcade", Auto), Topbar: bar, Feed: feed, Up: Link{Text: "Arcade", Href: "/b/arcade"}, Profile: places}),
		"embed-board": BoardEmbed(BoardEmbedModel{Page: page("Arcade", Light), Feed: feed, Ranking: places}),
		"kiosk-board": BoardKiosk(BoardKioskModel{
			Page: page("Arcade", Dark), Feed: feed, Title: "Arcade", Text: "Week 11", Position: "11–20 of 84", Turn: Turn{Seconds: "15", At: "1000"},
			Time: "14:47", Zone: "Europe/Stockholm", Ranking: places, Join: JoinModel{QR: "/b/arcade/qr.svg", Link: "x.example/b/arcade"},
		}),
		"staff-stranger": Staff(StaffModel{Page: page("Staff · Arcade", Auto), Topbar: bar, Up: Link{Text: "Arcade", Href: "/b/arcade"}, SignIn: "/staff/session", Problem: "This token is not known."}),
		"staff": Staff(StaffModel{
			Page: page("Staff · Arcade", Auto), Topbar: bar, Up: Link{Text: "Arcade", Href: "/b/arcade"}, SignOut: "/staff/logout", Mark: "m", Action: "/b/arcade/staff",
			State: "Frozen since 18:00", Steps: []Step{{"reveal", "Reveal the 4th"}, {"thaw", "Thaw"}}, Public: places, Real: places, Player: "ada",
			Scores: []Deed{{"17", "22 Nov, 14:01:09", "65,729", false}}, Audit: []Deed{{"19", "22 Nov, 18:00", "frozen by kim", true}, {"18", "22 Nov, 17:00", "ada was hidden by kim: bot", false}},
			Continue: "?before=18",
		}),
		"arrivals": Arrivals(ArrivalsModel{
			Page: page("Arrivals", Auto), Topbar: Topbar{Arrivals: true, Themes: bar.Themes}, Feed: feed, Find: "orders", From: "influx", Back: "/arrivals?q=orders",
			Kept: []Parameter{{"from", "influx"}}, List: templ.Raw(`<section id="arrivals"></section>`),
			Rest: ArrivalsRest(ArrivalsRestModel{Shown: "25 of 40 metrics", More: Link{Text: "Show 40", Href: "/arrivals?limit=100"}, Own: Link{Text: "Show 9 more", Href: "/arrivals?own=1"}}),
		}),
		"doctor":      Doctor(DoctorModel{Page: page("Doctor", Auto), Topbar: bar, Command: "liveboard doctor https://x.example", Checks: []CheckModel{{"steady", "Buffering"}, {"idle", "Silence"}}}),
		"problem-500": Problem(ProblemModel{Page: page("Error", Auto), Topbar: bar, Status: "500", Title: "This page could not be made.", Request: "r-17"}),
	}
}

func TestShells(t *testing.T) {
	for name, shell := range shells() {
		t.Run(name, func(t *testing.T) {
			got := render(t, shell)
			golden := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

// inline finds what the content security policy forbids.
var inline = regexp.MustCompile(`(?i)\sstyle=|<style|<script>|<script [^>]*></?[^/]|\son[a-z]+="|"javascript:`)

func TestShellsHaveNothingInline(t *testing.T) {
	for name, shell := range shells() {
		if found := inline.FindString(render(t, shell)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}

func TestShellsEscapeHostileText(t *testing.T) {
	const hostile = `javascript:x"><script>x</script><b style="x" onclick="x">`
	for name, shell := range map[string]templ.Component{
		"desk":     Desk(filled[DeskModel](hostile)),
		"kiosk":    Kiosk(filled[KioskModel](hostile)),
		"embed":    Embed(filled[EmbedModel](hostile)),
		"index":    Index(filled[IndexModel](hostile)),
		"cards":    Cards([]Card{filled[Card](hostile)}),
		"doctor":   Doctor(filled[DoctorModel](hostile)),
		"arrivals": Arrivals(filled[ArrivalsModel](hostile)),
		"problem":  Problem(filled[ProblemModel](hostile)),
		"boards":   BoardCards([]BoardCard{filled[BoardCard](hostile)}),
		"board":    Leaderboard(filled[BoardModel](hostile)),
		"player":   Player(filled[PlayerModel](hostile)),
		"staff":    Staff(filled[StaffModel](hostile)),
		"desks":    Staff(StaffModel{Action: hostile, Mark: hostile, Player: hostile, Real: places, Scores: []Deed{filled[Deed](hostile)}, Steps: []Step{filled[Step](hostile)}}),
		"tv":       BoardKiosk(filled[BoardKioskModel](hostile)),
		"frame":    BoardEmbed(filled[BoardEmbedModel](hostile)),
	} {
		html := render(t, shell)
		if !strings.Contains(html, "&gt;&lt;script&gt;") {
			t.Errorf("%s does not show the hostile text at all", name)
		}
		if strings.Contains(html, "<script>x") || strings.Contains(html, "<b ") || strings.Contains(html, `href="javascript:`) {
			t.Errorf("%s lets hostile text through:\n%s", name, html)
		}
	}
}

// filled returns a model whose strings are all text, lists have one item and switches are on.
func filled[T any](text string) T {
	var model T
	fill(reflect.ValueOf(&model).Elem(), text)
	return model
}

func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(templ.NopComponent))
	default:
		panic("fill has no value for a " + v.Type().String())
	}
}

func TestKioskHoldsTheBodyThatPatchesIt(t *testing.T) {
	m := KioskModel{Page: page("This machine", Dark), Feed: feed, Name: "host", Title: "This machine", Rows: 4, Time: "14:47", Zone: "Europe/Stockholm", Panels: panels}
	if html, body := render(t, Kiosk(m)), strings.TrimSpace(render(t, KioskBody(m))); !strings.Contains(html, body) {
		t.Errorf("the kiosk page\n%s\ndoes not hold its body\n%s", html, body)
	}
}

func TestBoardKioskHoldsTheBodyThatPatchesIt(t *testing.T) {
	m := filled[BoardKioskModel]("x")
	if html, body := render(t, BoardKiosk(m)), strings.TrimSpace(render(t, BoardKioskBody(m))); !strings.Contains(html, body) {
		t.Errorf("the kiosk page\n%s\ndoes not hold its body\n%s", html, body)
	}
}

// A form that one cannot send without being sent by it (CSRF) must bear the mark.
func TestEveryFormOfStaffBearsTheMark(t *testing.T) {
	html := render(t, shells()["staff"])
	forms, marks := strings.Count(html, `<form method="post"`)+strings.Count(html, `<form class="entry" method="post"`), strings.Count(html, `name="mark" value="m"`)
	if forms != 7 || marks != forms {
		t.Errorf("%d forms, %d marks, want 7 of both", forms, marks)
	}
}

func TestNoticeIsAnEmptyPlaceWhileAllIsWell(t *testing.T) {
	if got, want := render(t, Notice(NoticeModel{})), `<div id="notice" role="status">`+"\n</div>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

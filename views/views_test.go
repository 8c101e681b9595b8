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
		Scripts:  []string{"/assets/1/js/live.js", "/assets/1/js/page.js"},
		Preloads: []string{"/assets/1/js/datastar.js"},
	}}
}

var (
	bar    = Topbar{Themes: ThemeLinks(nil, Auto)}
	feed   = Feed{Stream: "/live/host?range=15m", Poll: "/poll/host?range=15m", Cursor: "e1-42", Build: "b1", Now: "13000"}
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
		"desk":    Desk(filled[DeskModel](hostile)),
		"kiosk":   Kiosk(filled[KioskModel](hostile)),
		"embed":   Embed(filled[EmbedModel](hostile)),
		"index":   Index(filled[IndexModel](hostile)),
		"cards":   Cards([]Card{filled[Card](hostile)}),
		"problem": Problem(filled[ProblemModel](hostile)),
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

func TestNoticeIsAnEmptyPlaceWhileAllIsWell(t *testing.T) {
	if got, want := render(t, Notice(NoticeModel{})), `<div id="notice" role="status">`+"\n</div>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

package press

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"liveboard/metrics"
)

// event is one of a stream, read as the standard says:
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
type event struct {
	name, id string
	data     []string
}

func readEvents(stream string) []event {
	var events []event
	var e event
	var any bool
	for line := range strings.SplitSeq(regexp.MustCompile(`\r\n|\r`).ReplaceAllString(stream, "\n"), "\n") {
		if line == "" {
			if any {
				events = append(events, e)
			}
			e, any = event{}, false
			continue
		}
		any = true
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = append(e.data, value)
		default:
			events = append(events, event{name: "unknown field " + field})
		}
	}
	return events
}

// client holds a page as live.js and Datastar do, as text.
type client struct {
	t        interface{ Fatalf(string, ...any) }
	articles map[string]string // by id
	cursor   string
}

var (
	articleHTML = regexp.MustCompile(`(?s)<article id="([^"]*)".*?</article>`)
	nextHTML    = regexp.MustCompile(`(?s)<live-next for="([^"]*)"([^>]*)>(.*?)</live-next>`)
	childHTML   = regexp.MustCompile(`(?s)<i data-v="([^"]*)"([^>]*)>(.*?)</i>`)
	attrHTML    = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

func (c *client) receive(stream string) {
	for _, e := range readEvents(stream) {
		switch e.name {
		case "":
			c.cursor = e.id
		case "datastar-patch-elements":
			c.patch(e)
		case "hello", "beat", "bye":
		default:
			c.t.Fatalf("unexpected event %q", e.name)
		}
	}
}

func (c *client) patch(e event) {
	var elements []string
	for _, line := range e.data {
		key, value, _ := strings.Cut(line, " ")
		switch {
		case key == "elements":
			elements = append(elements, value)
		case line == "selector #next", line == "mode append":
		default:
			c.t.Fatalf("unexpected data %q", line)
		}
	}
	html := strings.Join(elements, "\n")
	for _, m := range articleHTML.FindAllStringSubmatch(html, -1) {
		c.articles[m[1]] = m[0]
	}
	for _, m := range nextHTML.FindAllStringSubmatch(html, -1) {
		c.articles[m[1]] = c.next(c.articles[m[1]], m[2], m[3])
	}
}

func (c *client) next(article, attrs, children string) string {
	head, rest, _ := strings.Cut(article, ">")
	article = setAttrs(head, attrs) + ">" + rest
	for _, m := range childHTML.FindAllStringSubmatch(children, -1) {
		leaf := regexp.MustCompile(`(?s)<[a-z]+ [^>]*data-v="` + m[1] + `"[^>]*>[^<]*`)
		at := leaf.FindStringIndex(article)
		if at == nil {
			c.t.Fatalf("no leaf %s in %s", m[1], article)
		}
		tag, _, _ := strings.Cut(article[at[0]:at[1]], ">")
		article = article[:at[0]] + setAttrs(tag, m[2]) + ">" + m[3] + article[at[1]:]
	}
	return article
}

func setAttrs(tag, attrs string) string {
	for _, a := range attrHTML.FindAllStringSubmatch(attrs, -1) {
		if a[1] != "step" {
			tag = regexp.MustCompile(` `+a[1]+`="[^"]*"`).ReplaceAllLiteralString(tag, " "+a[0])
		}
	}
	return tag
}

// still is an article without what moves by a clock or by a chart's own steps.
func still(article string) string {
	article = regexp.MustCompile(`(?s)<live-chart.*?</live-chart>`).ReplaceAllString(article, "")
	return regexp.MustCompile(`(class="age"[^>]*>)[^<]*`).ReplaceAllString(article, "$1")
}

// Whatever is written and however seldom a viewer looks, it ends at what the page shows.
func TestEveryViewerEndsAtThePage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 40).Draw(rt, "steps")
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), len(steps), len(steps)).Draw(rt, "values")
		synctest.Test(t, func(t *testing.T) {
			d := dashboard("d", "a", "b", "sum(a)")
			d.Panels[0].Kind, d.Panels[1].Kind, d.Panels[2].Kind = "bars", "table", "stat"
			w := newWorld(t, d)
			defer w.close()
			page := w.page(View{Surface: Desk, Dashboards: "d"})
			viewers := []*Viewer{page.Join(""), page.Join("")}
			clients := []*client{{t: rt, articles: map[string]string{}}, {t: rt, articles: map[string]string{}}}
			for i, step := range steps {
				time.Sleep(time.Second)
				switch step {
				case 0, 1:
					w.write("a", values[i], metrics.Label{Name: "l", Value: string(rune('a' + i%3))})
				case 2:
					w.write("b", values[i])
				default:
					take(t, viewers[step-3], clients[step-3])
				}
				synctest.Wait()
			}
			synctest.Wait()
			for i, v := range viewers {
				take(t, v, clients[i])
				v.Leave()
				for _, s := range page.shown {
					if got, want := still(clients[i].articles[s.panel.ID]), still(string(s.html)); got != want {
						rt.Fatalf("viewer %d ends at\n%s\nand the page shows\n%s", i, got, want)
					}
				}
				if want := cursorOf(page.epoch, page.rev); clients[i].cursor != want {
					rt.Fatalf("viewer %d ends at cursor %q, the page is at %q", i, clients[i].cursor, want)
				}
			}
		})
	})
}

// take gives the client what waits for the viewer, if anything does.
func take(t *testing.T, v *Viewer, c *client) {
	t.Helper()
	d, err := v.Take()
	if err != nil {
		t.Fatal(err)
	}
	c.receive(text(d))
}

// No text can write events or elements of its own, not even one that no door would let in.
func FuzzFrame(f *testing.F) {
	for _, text := range []string{
		"plain", "x\rdata: mode remove", "x\n\nevent: bye\ndata: {}\n\n", "\r\n\r\nid: 1-1\r\n\r\n", "</article><script>alert(1)</script>",
		`" onload="x`, "<live-chart", "<i data-v=\"1\">", "\u2028", "\x00", "é\r\r\n", "<!--", "data-v=\"1\"",
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, title, legend string) {
		d := dashboard("d", "a")
		d.Panels[0].Title, d.Panels[0].Queries[0].Legend = title, legend
		w := newWorld(t, d)
		defer w.close()
		w.write("a", 1)
		page := w.page(View{Surface: Desk, Dashboards: "d"})
		v := page.Join("")
		defer v.Leave()
		c := &client{t: t, articles: map[string]string{}}
		take(t, v, c)
		w.write("a", 2)
		page.tick(0, time.Time{})
		tick, err := v.Take()
		if err != nil {
			t.Fatal(err)
		}
		stream := text(tick)
		c.receive(stream)
		if names := eventNames(stream); !slices.Equal(names, []string{"datastar-patch-elements", ""}) {
			t.Fatalf("the tick has the events %q: %q", names, stream)
		}
		if strings.Contains(stream, "<script") || strings.ContainsRune(stream, '\r') {
			t.Fatalf("the tick holds what a text said: %q", stream)
		}
	})
}

func eventNames(stream string) []string {
	var names []string
	for _, e := range readEvents(stream) {
		names = append(names, e.name)
	}
	return names
}

package assets_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"liveboard/assets"
	"liveboard/metrics"
	"liveboard/metrics/rank"
	"liveboard/views/panels"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// ranking prints players of these keys, the best first; who is in scored has another score than usual.
func ranking(keys []uint32, scored ...uint32) *panels.Ranking {
	page := rank.Page{Spec: &metrics.Leaderboard{Name: "arcade", Unit: metrics.Count}, Total: len(keys)}
	for i, key := range keys {
		row := rank.Row{Rank: i + 1, Key: key, Player: fmt.Sprint("p", key), Name: fmt.Sprint("Player ", key), Score: 1000, At: noon.UnixMilli()}
		for _, s := range scored {
			if s == key {
				row.Score++
			}
		}
		page.Rows = append(page.Rows, row)
	}
	return panels.MakeRanking(panels.RankingInput{Page: page, Base: "/b/arcade", Links: true, Now: noon})
}

func section(t *testing.T, r *panels.Ranking) string {
	t.Helper()
	var b strings.Builder
	if err := panels.RankingSection(r).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// open shows the body in a Chromium, with the scripts at work.
func open(t *testing.T, body string, scripts ...string) context.Context {
	t.Helper()
	if err := assets.Load(); err != nil {
		t.Fatal(err)
	}
	page := `<!doctype html><html lang="en"><link rel="stylesheet" href="` + assets.URL("app.css") + `"><body>` + body + `<div id="next"></div>`
	for _, s := range scripts {
		page += `<script type="module" src="` + assets.URL(s) + `"></script>`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets.Get(r.URL.Path)
		if !ok {
			a = assets.Asset{Type: "text/html; charset=utf-8", Plain: []byte(page)}
		}
		w.Header().Set("Content-Type", a.Type)
		_, _ = w.Write(a.Plain)
	}))
	t.Cleanup(server.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.Flag("disable-gpu", true), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	ctx, closeBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(closeBrowser)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatalf("no Chromium starts here (%v): .ci/test installs what the tests need, then runs them", err)
	}
	return ctx
}

// eval returns what the expression is, promises awaited.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// patch does what live.js does with a frame that brings the elements.
func patch(t *testing.T, ctx context.Context, elements []byte) {
	t.Helper()
	eval[bool](t, ctx, patching(elements)+`, true`)
}

// patching is patch as an expression.
func patching(elements []byte) string {
	return `document.dispatchEvent(new Event('patching')), document.getElementById('next').insertAdjacentHTML('beforeend', ` + "`" + string(elements) + "`" + `),
		document.dispatchEvent(new Event('patched'))`
}

// shown is the section as it looks: without the sentence about what happened, and without what is on the move.
const shown = `(section => {
	section.querySelector('.said').textContent = ''
	for (const row of section.querySelectorAll('[data-climbs]')) row.removeAttribute('data-climbs')
	return section.outerHTML
})(document.querySelector('.ranking').cloneNode(true))`

// told is the sentence about what happened, as soon as there is one.
const told = `new Promise(done => {
	const line = document.querySelector('.said'), tell = () => line.textContent && done(line.textContent)
	new MutationObserver(tell).observe(line, { childList: true })
	tell()
})`

func TestRowsBecomeTheNextPrint(t *testing.T) {
	before := ranking([]uint32{0, 1, 2, 3, 4, 5})
	ctx := open(t, section(t, before), "js/rows.js")
	for _, after := range []*panels.Ranking{
		ranking([]uint32{5, 0, 1, 2, 3, 4}, 5), // one climbs over all
		ranking([]uint32{0, 1, 2, 3, 4, 5}, 5), // and sinks below all
		ranking([]uint32{7, 2, 1, 9}),          // some leave, some come
		ranking([]uint32{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}),
	} {
		elements, ok := after.Next(before)
		if !ok {
			t.Fatal("there is no way from one print to the next")
		}
		want := eval[string](t, ctx, `(body => { document.body.insertAdjacentHTML('beforeend', body); const all = document.querySelectorAll('.ranking'), html = all[1].outerHTML; all[1].remove(); return html })(`+"`"+section(t, after)+"`)")
		for range 2 { // it is idempotent
			patch(t, ctx, elements)
			if got := eval[string](t, ctx, shown); got != want {
				t.Fatalf("after %s\ngot  %s\nwant %s", elements, got, want)
			}
		}
		if left := eval[int](t, ctx, `document.getElementById('next').children.length`); left != 0 {
			t.Errorf("%d elements stay behind, want none", left)
		}
		before = after
	}
}

func TestRowsTravelAndFlashAndKeepTheFocus(t *testing.T) {
	before, after := ranking([]uint32{0, 1, 2}), ranking([]uint32{2, 0, 1}, 2)
	ctx := open(t, section(t, before), "js/rows.js")
	eval[bool](t, ctx, `window.row = document.getElementById('r-2'), row.querySelector('a').focus(), true`)
	elements, _ := after.Next(before)
	patch(t, ctx, elements)
	travelling := `document.getAnimations().filter(a => !a.effect.pseudoElement).length`
	if got := eval[int](t, ctx, travelling); got != 3 {
		t.Errorf("%d rows travel, want all 3", got)
	}
	if got := eval[string](t, ctx, `document.getAnimations().filter(a => a.effect.pseudoElement).map(a => a.effect.target.id).join()`); got != "r-2" {
		t.Errorf("%q flash, want r-2 alone, which has another score", got)
	}
	if !eval[bool](t, ctx, `document.getElementById('r-2') === row && row.contains(document.activeElement)`) {
		t.Error("the row is another, or has lost the focus")
	}
	if got, want := eval[string](t, ctx, told), "Player 2 is now 1st, with 1,001"; got != want {
		t.Errorf("the page says %q, want %q", got, want)
	}
}

func TestAnInterruptedRowGoesOnFromWhereItIs(t *testing.T) {
	before, after := ranking([]uint32{0, 1, 2}), ranking([]uint32{2, 0, 1})
	ctx := open(t, section(t, before), "js/rows.js")
	elements, _ := after.Next(before)
	back, _ := before.Next(after)
	// In one task no frame passes: whatever the row is away from its place is the script's doing.
	tops := eval[[]float64](t, ctx, `(() => {
		const row = document.getElementById('r-2'), top = () => row.getBoundingClientRect().top, tops = [top()]
		`+patching(elements)+`
		row.getAnimations()[0].currentTime = 100
		tops.push(top())
		`+patching(back)+`
		return [...tops, top()]
	})()`)
	if rest, middle, after := tops[0], tops[1], tops[2]; middle >= rest || math.Abs(after-middle) > .5 {
		t.Errorf("from %g the row went to %g and then jumped to %g, want no jump", rest, middle, after)
	}
}

func TestNothingMovesForThoseWhoWantItCalm(t *testing.T) {
	before, after := ranking([]uint32{0, 1, 2}), ranking([]uint32{2, 0, 1}, 2)
	ctx := open(t, section(t, before), "js/rows.js")
	reduce := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, reduce); err != nil {
		t.Fatal(err)
	}
	elements, _ := after.Next(before)
	patch(t, ctx, elements)
	if got := eval[int](t, ctx, `document.getAnimations().length`); got != 0 {
		t.Errorf("%d animations run, want none", got)
	}
	if got := eval[string](t, ctx, `document.querySelector('.rows').firstElementChild.id`); got != "r-2" {
		t.Errorf("%s is the first, want r-2", got)
	}
}

func TestKeysWalkTheRowsAndTurnThePages(t *testing.T) {
	pager := `<nav class="pager"><a rel="prev" href="#prev">‹</a><a rel="next" href="#next-page">›</a><a rel="first" href="#first">«</a></nav>`
	ctx := open(t, section(t, ranking([]uint32{7, 8, 9}))+pager)
	eval[bool](t, ctx, `document.documentElement.dataset.surface = 'board', import('`+assets.URL("js/board.js")+`').then(() => true)`)
	for _, step := range []struct{ key, row, hash string }{
		{"ArrowDown", "r-7", ""}, {"ArrowDown", "r-8", ""}, {"ArrowUp", "r-7", ""}, {"ArrowUp", "r-7", ""}, {"End", "r-9", ""},
		{"ArrowDown", "r-9", ""}, {"PageDown", "r-9", "#next-page"}, {"PageUp", "r-9", "#prev"}, {"Home", "r-7", "#prev"}, {"Home", "r-7", "#first"},
	} {
		got := eval[[]string](t, ctx, `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: '`+step.key+`', bubbles: true })),
			[document.activeElement.closest('li')?.id, location.hash]`)
		if got[0] != step.row || got[1] != step.hash {
			t.Errorf("%s: at %q, want %q %q", step.key, got, step.row, step.hash)
		}
	}
}

// The texts of time must not change when the script takes over from the server: see player_test.go in views/panels.
func TestTimesReadAsTheServersDo(t *testing.T) {
	ctx := open(t, "", "js/since.js")
	for call, want := range map[string]string{
		"agoText(-1000)": "just now", "agoText(59999)": "just now", "agoText(60000)": "1 min ago", "agoText(3599000)": "59 min ago",
		"agoText(3600000)": "1 h ago", "agoText(47*3600000)": "47 h ago", "agoText(48*3600000)": "2 d ago", "agoText(59*86400000)": "59 d ago",
		"agoText(60*86400000) ?? ''": "", "countdown(-1000)": "00:00:00", "countdown(999)": "00:00:00", "countdown(61000)": "00:01:01",
		"countdown(86399000)": "23:59:59", "countdown(187919000)": "2 d 04:11",
	} {
		if got := eval[string](t, ctx, `import('`+assets.URL("js/since.js")+`').then(({ agoText, countdown }) => `+call+`)`); got != want {
			t.Errorf("%s = %q, want %q", call, got, want)
		}
	}
}

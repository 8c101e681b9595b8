package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// arcade is a board with a leaderboard, and a dashboard that shows it.
const arcade = `
leaderboards:
  arcade:
    title: Arcade
    text: The cabinet by the door
    unit: count
    windows: [all, day]
    groups: [team]
    freeze: {reveal: 3}
    limits: {per-minute: 100000}
dashboards:
  - name: hall
    title: The hall
    panels:
      - {title: Best of the arcade, name: best, kind: leaderboard, leaderboard: arcade, size: 6x4}
`

// newArcade starts a server with the board arcade, and with these scores: "ada 30".
func newArcade(t *testing.T, scores ...string) *site {
	t.Helper()
	s := newSite(t, arcade)
	for _, score := range scores {
		player, value, _ := strings.Cut(score, " ")
		s.submit(t, fmt.Sprintf(`{"player":%q,"score":%s}`, player, value))
	}
	return s
}

// submit sends one score, or a list of them, as JSON to the leaderboard arcade.
func (s *site) submit(t *testing.T, scores string) {
	t.Helper()
	a := do(t, "POST", s.URL+"/api/leaderboards/arcade/scores", scores, "Content-Type", jsonType)
	if a.StatusCode != http.StatusCreated {
		t.Fatalf("scores are answered with %d: %s", a.StatusCode, a.body)
	}
}

// player is the row of a player, by the name in it.
func player(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('.rows > li')].find(row => row.querySelector('bdi')?.innerText === %s)`, js(name))
}

// standing is the rows' ranks, names and scores from the first to the last: "1 ada 30, 2 bob 20". Of a covered row it
// is the rank.
const standing = `[...document.querySelectorAll('.rows > li')]
	.map(row => ['.rank', 'bdi', '.score'].map(part => row.querySelector(part)?.innerText).filter(Boolean).join(' ')).join(', ')`

// stands holds once the standings are these.
func stands(places string) string { return standing + " === " + js(places) }

// travels counts, in the page, the patches after which the row went to its new place by a transform.
const travels = `window.row = %s
	window.travels = 0
	window.moving = 0
	document.addEventListener('patched', () => {
		const away = animation => animation.effect.getKeyframes().some(({transform = 'none'}) => transform !== 'none')
		travels += row.getAnimations().filter(away).length
		moving += document.getAnimations().length
	})`

func TestScoreMovesTheRowOnEveryOpenPage(t *testing.T) {
	t.Parallel()
	s := newArcade(t, "ada 30", "bob 20", "cyd 10")
	var pages []*tab
	for _, path := range []string{"/b/arcade", "/b/arcade/embed"} {
		p := openTab(t, s.URL+path)
		p.hold(stands("1 ada 30, 2 bob 20, 3 cyd 10"))
		p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(travels, player("cyd")) + `
			window.said = []
			new MutationObserver(() => said.push(document.querySelector('.said').innerText)).observe(document.querySelector('.said'), {childList: true})`))
		pages = append(pages, p)
	}
	s.submit(t, `{"player":"cyd","score":40}`)
	for _, p := range pages {
		p.wait(soon, stands("1 cyd 40, 2 ada 30, 3 bob 20"))
		p.hold(player("cyd") + ` === row`)
		p.hold(`travels === 1`)
		p.wait(soon, `said.join() === 'cyd is now 1st, with 40'`)
		p.hold(`document.querySelector('.rows').closest('[aria-live], [role=status], [role=log]') === null`)
	}
	s.submit(t, `{"player":"dan","score":35}`)
	for _, p := range pages {
		p.wait(soon, stands("1 cyd 40, 2 dan 35, 3 ada 30, 4 bob 20"))
		p.hold(`document.querySelector('.total').innerText === '4 players' && ` + player("cyd") + ` === row`)
	}
}

func TestRowsStandStillForWhoWantsItCalm(t *testing.T) {
	t.Parallel()
	s := newArcade(t, "ada 30", "bob 20", "cyd 10")
	p := newTab(t)
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}), chromedp.Navigate(s.URL+"/b/arcade"))
	p.wait(soon, isLive)
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(travels, player("cyd"))))
	s.submit(t, `{"player":"cyd","score":40}`)
	p.wait(soon, stands("1 cyd 40, 2 ada 30, 3 bob 20"))
	p.hold(player("cyd") + ` === row && moving === 0`)
}

func TestRowsAgeByThemselves(t *testing.T) {
	t.Parallel()
	s := newArcade(t)
	s.submit(t, fmt.Sprintf(`{"player":"ada","score":30,"at":%d}`, time.Now().Add(-50*time.Second).UnixMilli()))
	p := openTab(t, s.URL+"/b/arcade")
	p.hold(player("ada") + `.querySelector('.when').innerText === 'just now'`)
	p.wait(lostWithin, player("ada")+`.querySelector('.when').innerText === '1 min ago'`)
}

func TestFirstScoreFillsAnEmptyPage(t *testing.T) {
	t.Parallel()
	s := newArcade(t)
	p := openTab(t, s.URL+"/b/arcade")
	command := eval[string](p, `document.querySelector('.nothing code').innerText`)
	if want := `curl --json '{"player":"ada","score":4200}' ` + s.URL + "/api/leaderboards/arcade/scores"; command != want {
		t.Errorf("the page says %q, want %q", command, want)
	}
	s.submit(t, `{"player":"ada","score":4200}`)
	p.wait(soon, stands("1 ada 4,200"))
	p.hold(`document.querySelector('.nothing') === null`)
}

func TestLeaderboardPanelAndCardMove(t *testing.T) {
	t.Parallel()
	s := newArcade(t, "ada 30", "bob 20", "cyd 10")
	desk := openTab(t, s.URL+"/d/hall")
	index := openTab(t, s.URL+"/")
	desk.hold(stands("1 ada 30, 2 bob 20, 3 cyd 10"))
	desk.do(chromedp.Evaluate[chromedp.Void](`window.article = document.querySelector('article');` + fmt.Sprintf(travels, player("cyd"))))
	index.wait(soon, `document.querySelector('#board-arcade .leader').innerText.includes('ada')`)
	s.submit(t, `{"player":"cyd","score":40}`)
	desk.wait(soon, stands("1 cyd 40, 2 ada 30, 3 bob 20"))
	desk.hold(player("cyd") + ` === row && travels === 1 && document.getElementById('p-hall-best') === article`)
	index.wait(soon, `/cyd\s*40/.test(document.querySelector('#board-arcade .leader').innerText)`)
	s.submit(t, `{"player":"dan","score":5}`)
	index.wait(soon, `document.querySelector('#board-arcade .counts').innerText.includes('4 players')`)
}

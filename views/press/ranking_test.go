package press

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"liveboard/metrics"
	"liveboard/metrics/head"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/metrics/rank"
)

// scoreLog is a rank.Log in memory: a disk's work would stop a bubble's clock.
type scoreLog struct {
	mu      sync.Mutex
	entries []rank.Entry
}

func (l *scoreLog) Append(_ context.Context, entries []rank.Entry, _ []rank.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entries...)
	return nil
}

func (l *scoreLog) Keep(context.Context, []rank.Request) error { return nil }

func (l *scoreLog) Request(context.Context, string, string) (r rank.Request, ok bool, err error) {
	return r, false, nil
}

func (l *scoreLog) Entries(_ context.Context, board string) iter.Seq2[*rank.Entry, error] {
	l.mu.Lock()
	entries := slices.Clone(l.entries)
	l.mu.Unlock()
	return func(yield func(*rank.Entry, error) bool) {
		for i := range entries {
			if (board == "" || entries[i].Board == board) && !yield(&entries[i], nil) {
				return
			}
		}
	}
}

func (l *scoreLog) Entry(_ context.Context, number uint64) (rank.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entries[number-1], nil
}

func (l *scoreLog) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.entries))
}

// league is a world with leaderboards.
type league struct {
	*world
	ledger *rank.Ledger
	boards *query.Boards
}

func newLeague(t testing.TB, board metrics.Board) *league {
	t.Helper()
	l := &league{world: &world{t: t, head: head.New(nil), hub: live.New(time.Millisecond)}}
	bell := func(names []string) {
		for _, name := range names {
			l.hub.Touch(query.Topic(name))
		}
	}
	var err error
	if l.ledger, err = rank.NewLedger(t.Context(), rank.LedgerConfig{Log: &scoreLog{}, Bell: bell}, query.Submitted(board.Leaderboards)); err != nil {
		t.Fatal(err)
	}
	engine := query.New(l.head)
	if l.boards, err = query.NewBoards(l.ledger, engine, l.hub, board.Leaderboards); err != nil {
		t.Fatal(err)
	}
	l.press = New(l.hub, engine, l.boards, &board, "build")
	return l
}

func (l *league) close() {
	l.ledger.Close()
	l.world.close()
}

// score submits a player's score of now to the leaderboard "arcade".
func (l *league) score(player string, value float64) {
	l.t.Helper()
	scores := []metrics.Score{{Player: player, Value: value}}
	if _, _, err := l.ledger.Submit(l.t.Context(), rank.Submission{Board: "arcade", Scores: scores}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *league) moderate(a rank.Action) {
	l.t.Helper()
	a.Board = "arcade"
	if _, err := l.ledger.Moderate(l.t.Context(), a); err != nil {
		l.t.Fatal(err)
	}
}

// arcade is a board with one leaderboard, of all time and of each day. change may be nil.
func arcade(change func(*metrics.Leaderboard)) metrics.Board {
	spec := metrics.Leaderboard{
		Name: "arcade", Title: "Arcade", Decimals: -1, Order: metrics.Desc, Keep: metrics.KeepLast, Ties: metrics.Competition,
		Periods: []metrics.Period{
			{Kind: metrics.AllTime, Name: "all", Title: "All time"},
			{Kind: metrics.Day, Name: "day", Title: "Today"},
		},
		Zone: time.UTC, Visibility: metrics.Public, Moves: metrics.Hour, Freeze: metrics.Freeze{Reveal: 2},
	}
	if change != nil {
		change(&spec)
	}
	return metrics.Board{Leaderboards: []metrics.Leaderboard{spec}}
}

// busiest is a board with one leaderboard that is fed by a query. The query fails when two machines have a load.
func busiest(expr string) metrics.Board {
	board := arcade(func(spec *metrics.Leaderboard) {
		spec.Name, spec.Periods, spec.Query = "busiest", spec.Periods[:1], &metrics.Query{Expr: expr, Legend: "{{host}}"}
	})
	return board
}

// on is the view of a surface of the leaderboard "arcade". change may be nil.
func on(surface Surface, change func(*RankingView)) View {
	v := View{Surface: surface, Ranking: RankingView{Board: "arcade", Limit: 10}}
	if change != nil {
		change(&v.Ranking)
	}
	return v
}

// shows reports whether the page has all the texts in its parts.
func shows(p *Page, texts ...string) bool {
	var all strings.Builder
	for _, s := range p.Snapshot().sheets {
		all.Write(s.html)
	}
	return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(all.String(), text) })
}

func TestBoardIsPrintedOncePerRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeague(t, arcade(nil))
		defer l.close()
		l.score("ada", 1)
		page := l.page(on(Desk, nil))
		var viewers []*Viewer
		for range 50 {
			viewers = append(viewers, page.Join(""))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		before := l.press.Prints().Count
		for i := range 5 {
			time.Sleep(time.Second)
			l.score("ada", float64(10+i))
			synctest.Wait()
		}
		for _, v := range viewers {
			news(t, v)
			v.Leave()
		}
		if got := l.press.Prints().Count - before; got != 5 {
			t.Errorf("5 revisions, 50 viewers: %d prints, want 5", got)
		}
	})
}

func TestBoardInStepGetsRowsAndOthersTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeague(t, arcade(nil))
		defer l.close()
		l.score("ada", 1)
		l.score("bob", 2)
		page := l.page(on(Desk, nil))
		inStep, foreign := page.Join(page.Snapshot().Cursor), page.Join("elsewhere.1-1")
		defer inStep.Leave()
		defer foreign.Leave()
		if whole := text(nextOf(t, foreign)); !strings.Contains(whole, `id="ranking"`) || !strings.Contains(whole, `id="notice"`) || !strings.Contains(whole, `id="pager"`) {
			t.Errorf("a foreign cursor got %q, want the whole", whole)
		}
		time.Sleep(time.Second)
		l.score("ada", 3)
		for name, v := range map[string]*Viewer{"in step": inStep, "who had the whole": foreign} {
			got := news(t, v)
			if !strings.Contains(got, `<live-rows for="ranking" order="0 1"`) || strings.Contains(got, "<section") {
				t.Errorf("%s got %q, want the rows that moved alone", name, got)
			}
			if !strings.HasSuffix(got, "\n\nid: "+page.Snapshot().Cursor+"\n\n") {
				t.Errorf("%s got %q, want the cursor as the last event", name, got)
			}
		}
	})
}

// rows holds a page of a leaderboard as a browser does, as text: its rows in order, and what stands beside them.
type rows struct {
	t      interface{ Fatalf(string, ...any) }
	order  []string
	byID   map[string]string
	total  string
	beside string // the pager
	cursor string
}

var (
	rowHTML     = regexp.MustCompile(`(?s)<li id="r-([^"]*)".*?</li>`)
	sectionHTML = regexp.MustCompile(`(?s)<section.*?</section>`)
	totalHTML   = regexp.MustCompile(`<span class="total">([^<]*)</span>`)
	pagerHTML   = regexp.MustCompile(`(?s)<nav class="pager".*?</nav>`)
	liveHTML    = regexp.MustCompile(`(?s)<live-rows for="ranking"([^>]*)>(.*?)</live-rows>`)
	ageHTML     = regexp.MustCompile(`(?s)(<time[^>]*>).*?</time>`)
)

func (r *rows) receive(stream string) {
	for _, e := range readEvents(stream) {
		if e.name == "" {
			r.cursor = e.id
		}
		var elements []string
		for _, line := range e.data {
			if text, ok := strings.CutPrefix(line, "elements "); ok {
				elements = append(elements, text)
			}
		}
		r.patch(strings.Join(elements, "\n"))
	}
}

func (r *rows) patch(html string) {
	if section := sectionHTML.FindString(html); section != "" {
		r.order, r.byID, r.total = nil, map[string]string{}, totalHTML.FindStringSubmatch(section)[1]
		for _, m := range rowHTML.FindAllStringSubmatch(section, -1) {
			r.order = append(r.order, m[1])
			r.byID[m[1]] = m[0]
		}
	}
	if pager := pagerHTML.FindString(html); pager != "" {
		r.beside = pager
	}
	for _, m := range liveHTML.FindAllStringSubmatch(html, -1) {
		for _, row := range rowHTML.FindAllStringSubmatch(m[2], -1) {
			r.byID[row[1]] = row[0]
		}
		for _, a := range attrHTML.FindAllStringSubmatch(m[1], -1) {
			switch a[1] {
			case "order":
				r.order = strings.Fields(a[2])
			case "total":
				r.total = a[2]
			}
		}
	}
}

// String is what is seen but for ages, which clients tell by themselves.
func (r *rows) String() string {
	seen := []string{r.total, r.beside}
	for _, id := range r.order {
		seen = append(seen, ageHTML.ReplaceAllString(r.byID[id], "$1"))
	}
	return strings.Join(seen, "\n")
}

// Whatever is submitted and however seldom a viewer looks, it ends at what the page shows.
func TestEveryViewerOfABoardEndsAtThePage(t *testing.T) {
	surfaces := []View{on(Desk, func(v *RankingView) { v.Limit = 3 }), on(Embed, func(v *RankingView) { v.Limit = 3 })}
	rapid.Check(t, func(rt *rapid.T) {
		view := rapid.SampledFrom(surfaces).Draw(rt, "view")
		steps := rapid.SliceOfN(rapid.IntRange(0, 7), 1, 30).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			l := newLeague(t, arcade(nil))
			defer l.close()
			page := l.page(view)
			viewers := []*Viewer{page.Join(""), page.Join("")}
			clients := []*rows{{t: rt}, {t: rt}}
			for i, step := range steps {
				time.Sleep(time.Second)
				if step < 6 {
					l.score(string(rune('a'+step)), float64(i*7%5))
				} else if d, err := viewers[step-6].Take(); err != nil {
					rt.Fatalf("take: %v", err)
				} else {
					clients[step-6].receive(text(d))
				}
				synctest.Wait()
			}
			want := &rows{t: rt}
			for _, s := range page.shown {
				want.patch(string(s.html))
			}
			for i, v := range viewers {
				d, err := v.Take()
				if err != nil {
					rt.Fatalf("take: %v", err)
				}
				clients[i].receive(text(d))
				v.Leave()
				if got := clients[i].String(); got != want.String() {
					rt.Fatalf("viewer %d ends at\n%s\nand the page shows\n%s", i, got, want)
				}
				if want := cursorOf(page.epoch, page.rev); clients[i].cursor != want {
					rt.Fatalf("viewer %d ends at cursor %q, the page is at %q", i, clients[i].cursor, want)
				}
			}
		})
	})
}

func TestOwnPagesArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeague(t, arcade(nil))
		defer l.close()
		l.score("ada", 1)
		for _, view := range []View{
			on(Desk, func(v *RankingView) { v.You = "ada" }),
			on(Desk, func(v *RankingView) { v.Find = "ad" }),
			on(Player, func(v *RankingView) { v.You = "ada" }),
		} {
			page := l.page(view)
			v := page.Join("")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			before := l.press.Prints().Count
			for i := range 100 {
				l.score("ada", float64(1000+i))
				time.Sleep(50 * time.Millisecond)
			}
			if got := l.press.Prints().Count - before; got < 5 || got > 6 {
				t.Errorf("%+v: %d prints in 5 s of 20 scores a second, want one a second", view.Ranking, got)
			}
			time.Sleep(ownPace)
			synctest.Wait()
			if !shows(page, "1,099") {
				t.Errorf("%+v does not end at the last score", view.Ranking)
			}
			v.Leave()
			time.Sleep(2 * linger)
		}
	})
}

func TestOwnPagesAndSharedOnesDoNotPushEachOtherOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeague(t, arcade(nil))
		defer l.close()
		l.score("ada", 1)
		shared := l.page(on(Desk, nil)) // nobody looks at it, so that it would be the first to go
		find := func(i int) View { return on(Desk, func(v *RankingView) { v.Find = fmt.Sprint("x", i) }) }
		first := l.page(find(0)).Join("")
		for i := 1; i < maxOwnPages; i++ { // by hand: making so many costs the race detector half a minute
			l.press.pages[find(i)] = &Page{view: find(i), viewers: 1}
		}
		if _, err := l.press.Page(find(maxOwnPages)); metrics.KindOf(err) != metrics.TooMany {
			t.Errorf("one own page too many = %v, want TooMany", err)
		}
		if again := l.page(on(Desk, nil)); again != shared {
			t.Error("own pages have pushed out a shared one")
		}
		first.Leave()
		l.page(find(maxOwnPages))
		if _, kept := l.press.pages[find(0)]; kept {
			t.Error("an own page that nobody looks at does not make room")
		}
		for i := 1; i < maxPages; i++ {
			v := on(Desk, func(v *RankingView) { v.Offset = i })
			l.press.pages[v] = &Page{view: v, asked: time.Now()}
		}
		l.page(on(Desk, func(v *RankingView) { v.Offset = maxPages }))
		if _, kept := l.press.pages[find(1)]; !kept {
			t.Error("shared pages have pushed out an own one")
		}
	})
}

func TestBoardKiosksTurnInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeague(t, arcade(nil))
		defer l.close()
		for i := range 25 {
			l.score(fmt.Sprintf("p%02d", i), float64(100-i))
		}
		view := on(Kiosk, nil)
		view.Turn = 7 * time.Second
		other := on(Kiosk, func(v *RankingView) { v.Group = "" })
		other.Turn = view.Turn
		page := l.page(view)
		first := page.Snapshot()
		v, late := page.Join(first.Cursor), page.Join(first.Cursor)
		defer v.Leave()
		defer late.Leave()
		seen := map[string]bool{first.BoardKioskModel().Position: true}
		at := first.TurnAt
		for range 2 {
			got := news(t, v)
			if time.Until(at) != 0 {
				t.Errorf("the turn came %v before its time", time.Until(at))
			}
			snap := page.Snapshot()
			position := snap.BoardKioskModel().Position
			if !strings.Contains(got, `<main id="kiosk"`) || !strings.Contains(got, position) || !strings.Contains(got, `data-turn="7"`) {
				t.Errorf("the turn brought %q, want the kiosk whole with %q", got, position)
			}
			if standings, err := snap.Ranking(); err != nil || !strings.HasPrefix(position, fmt.Sprintf("%d–", standings.Offset+1)) {
				t.Errorf("the position is %q above rows from %d on, error %v", position, standings.Offset, err)
			}
			seen[position] = true
			at = snap.TurnAt
		}
		if want := map[string]bool{"1–10 of 25": true, "11–20 of 25": true, "21–25 of 25": true}; len(seen) != 3 || !seen["21–25 of 25"] {
			t.Errorf("three turns show %v, want %v", seen, want)
		}
		if got := text(nextOf(t, late)); !strings.Contains(got, page.Snapshot().BoardKioskModel().Position) {
			t.Errorf("who came late got %q, want the turn that is on", got)
		}
	})
}

// A kiosk that turns seldom, or never, must not tell yesterday's date or a number of players from long ago.
func TestKioskTellsAboveItsRowsWhatHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeague(t, arcade(nil))
		defer l.close()
		for i := range 11 {
			l.score(fmt.Sprintf("p%02d", i), float64(100-i))
		}
		view := on(Kiosk, func(v *RankingView) { v.Window = "day" })
		view.Turn = time.Hour
		page := l.page(view)
		v := page.Join(page.Snapshot().Cursor)
		defer v.Leave()
		time.Sleep(time.Second)
		l.score("new", 1)
		if got := news(t, v); !strings.Contains(got, `of 12</p>`) {
			t.Errorf("a twelfth player brought %q, want another position", got)
		}
		l.score("p00", 1000)
		if got := news(t, v); strings.Contains(got, `<main id="kiosk"`) {
			t.Errorf("another score brought %q, want its row alone", got)
		}
	})
}

func TestTurnsBeginWhenTheClockSaysSo(t *testing.T) {
	for _, turn := range []time.Duration{5 * time.Second, 7 * time.Second, 11 * time.Second, time.Hour} {
		p := &Page{view: View{Turn: turn}}
		now := time.Date(2026, 11, 22, 23, 59, 58, 999_000_000, time.UTC)
		for range 5 {
			next := p.nextTurn(now)
			before, after := turnAt(next.Add(-1), turn), turnAt(next, turn)
			if !next.After(now) || next.Sub(now) > turn || before != turnAt(now, turn) || after != before+1 {
				t.Errorf("turns of %v: at %v the turn is %d, the next is at %v: %d until then, %d from then on",
					turn, now, turnAt(now, turn), next, before, after)
			}
			now = next
		}
	}
}

// until sleeps to a time.
func until(at time.Time) { time.Sleep(time.Until(at)) }

func TestBoardChangesByItself(t *testing.T) {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble
	season := metrics.Period{Kind: metrics.Season, Name: "s1", Title: "Season 1", From: start.Add(30 * time.Minute), To: start.Add(100 * time.Minute)}
	for _, c := range []struct {
		name   string
		window string
		change func(*metrics.Leaderboard)
		at     time.Duration // from the start
		before string
		after  string
	}{
		{"moves count anew at a whole hour", "", nil, time.Hour, `data-move="new"`, `data-move=""`},
		{"moves count anew at a whole hour of a zone between hours", "", func(b *metrics.Leaderboard) {
			b.Zone = time.FixedZone("half", 30*60)
		}, 30 * time.Minute, `data-move="new"`, `data-move=""`},
		{"a day ends", "day", nil, 24 * time.Hour, "1 player", "0 players"},
		{"a season begins", "s1", func(b *metrics.Leaderboard) { b.Periods = append(b.Periods, season) }, 30 * time.Minute, "begins in", "ends in"},
		{"a season ends", "s1", func(b *metrics.Leaderboard) { b.Periods = append(b.Periods, season) }, 100 * time.Minute, "ends in", "ended"},
		{"a planned freeze begins", "", func(b *metrics.Leaderboard) { b.Freeze.At = start.Add(45 * time.Minute) }, 45 * time.Minute, "1 player", "Frozen since"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLeague(t, arcade(c.change))
				defer l.close()
				l.score("ada", 1)
				at := start.Add(c.at)
				page := l.page(on(Desk, func(v *RankingView) { v.Window = c.window }))
				page.Join("").Leave() // and the page goes on printing for a while
				until(at.Add(-10 * time.Second))
				v := page.Join(page.Snapshot().Cursor)
				defer v.Leave()
				if !shows(page, c.before) || shows(page, c.after) {
					t.Errorf("before its time the page does not show %q, or does show %q", c.before, c.after)
				}
				if got := news(t, v); !time.Now().Equal(at) || !strings.Contains(got, c.after) {
					t.Errorf("at %v came %q, want %q at %v", time.Now(), got, c.after, at)
				}
			})
		})
	}
}

// A dashboard and the list of leaderboards show standings too.
func TestOtherPagesChangeByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := arcade(nil)
		board.Leaderboards[0].Periods = board.Leaderboards[0].Periods[1:]
		panel := metrics.Panel{Name: "p", Title: "P", Kind: "leaderboard", Leaderboard: "arcade", Decimals: -1}
		board.Dashboards = []metrics.Dashboard{{Name: "d", Title: "D", Range: 5 * time.Minute, Panels: []metrics.Panel{panel}}}
		l := newLeague(t, board)
		defer l.close()
		l.score("zoe", 1)
		midnight := time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
		until(midnight.Add(-10 * time.Second))
		for _, view := range []View{{Surface: Index}, {Surface: Desk, Dashboards: "d"}} {
			page := l.page(view)
			v := page.Join(page.Snapshot().Cursor)
			defer v.Leave()
			defer func() {
				if got := news(t, v); !time.Now().Equal(midnight) || strings.Contains(got, "zoe") {
					t.Errorf("%s: at %v came %q, want no player from midnight on", view.Surface, time.Now(), got)
				}
			}()
			if !shows(page, "zoe") {
				t.Errorf("%s does not show who leads", view.Surface)
			}
		}
	})
}

func TestFedBoardSaysWhatFailsAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := busiest("load * on() group_left() scale")
		l := newLeague(t, board)
		defer l.close()
		l.write("load", 3, metrics.Label{Name: "host", Value: "one"})
		l.write("scale", 1)
		page := l.page(View{Surface: Desk, Ranking: RankingView{Board: "busiest", Limit: 10}})
		v := page.Join(page.Snapshot().Cursor)
		defer v.Leave()
		if !shows(page, "one") {
			t.Fatal("the page does not show the machine")
		}
		time.Sleep(time.Second)
		l.write("scale", 1, metrics.Label{Name: "twice", Value: "there"})
		if got := news(t, v); !strings.Contains(got, "duplicate") || strings.Contains(got, "<li") {
			t.Errorf("a query that fails brought %q, want why and no rows", got)
		}
		for range 7 { // until the second scale is stale
			time.Sleep(time.Minute)
			l.write("load", 4, metrics.Label{Name: "host", Value: "one"})
			l.write("scale", 1)
			synctest.Wait()
		}
		if got := news(t, v); !strings.Contains(got, "one") || strings.Contains(got, "duplicate") {
			t.Errorf("the query works again, and brought %q", got)
		}
	})
}

func TestVanishedBoardEndsItsPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeague(t, arcade(nil))
		defer l.close()
		l.score("ada", 1)
		v := l.page(on(Desk, nil)).Join("")
		defer v.Leave()
		nextOf(t, v)
		if err := l.boards.Set(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		l.press.SetBoard(&metrics.Board{})
		if _, err := v.Next(t.Context()); !errors.Is(err, ErrGone) {
			t.Errorf("Next = %v, want ErrGone", err)
		}
		if _, err := l.press.Page(on(Desk, nil)); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("Page = %v, want NotFound", err)
		}
	})
}

func TestBoardViewsThatThereAreNot(t *testing.T) {
	l := newLeague(t, arcade(nil))
	defer l.close()
	l.score("ada", 1)
	for name, change := range map[string]func(*RankingView){
		"board":  func(v *RankingView) { v.Board = "chess" },
		"window": func(v *RankingView) { v.Window = "2020-01-01" },
		"group":  func(v *RankingView) { v.Group = "team:red" },
		"player": func(v *RankingView) { v.You = "bob" },
	} {
		for _, surface := range []Surface{Desk, Kiosk, Embed, Player} {
			v := on(surface, change)
			if surface == Player && v.Ranking.You == "" {
				v.Ranking.You = "ada"
			}
			if surface == Kiosk {
				v.Turn = defaultRankTurn
			}
			if surface == Player && name == "group" {
				continue // a player's page has none
			}
			if _, err := l.press.Page(v); metrics.KindOf(err) != metrics.NotFound {
				t.Errorf("%s without such a %s = %v, want NotFound", surface, name, err)
			}
		}
	}
	if len(l.press.pages) != 0 {
		t.Errorf("%d pages are kept of what there is not", len(l.press.pages))
	}
}

// slow is leaderboards of which one takes its time.
type slow struct {
	Boards
	begun, done chan struct{}
}

func (s slow) Board(ctx context.Context, name string) (*rank.Board, error) {
	if name == "arcade" {
		s.begun <- struct{}{}
		<-s.done
	}
	return s.Boards.Board(ctx, name)
}

func TestSlowBoardHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := arcade(nil)
		board.Dashboards = []metrics.Dashboard{dashboard("d", "a")}
		l := newLeague(t, board)
		defer l.close()
		s := slow{l.boards, make(chan struct{}), make(chan struct{})}
		l.press.boards = s
		var page *Page
		opening := make(chan error)
		go func() {
			var err error
			page, err = l.press.Page(on(Desk, nil))
			opening <- err
		}()
		<-s.begun
		l.page(View{Surface: Desk, Dashboards: "d"}) // a deadlock where it has to wait
		close(s.done)
		if err := <-opening; err != nil || page == nil {
			t.Errorf("the slow one: %v", err)
		}
	})
}

func TestFrozenBoardStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := arcade(nil)
		l := newLeague(t, board)
		defer l.close()
		l.score("ada", 10)
		l.score("bob", 20)
		l.moderate(rank.Action{Kind: rank.Froze, By: "judge"})
		views := []View{
			on(Desk, nil), on(Embed, nil), on(Desk, func(v *RankingView) { v.You = "ada" }), on(Desk, func(v *RankingView) { v.Find = "a" }),
			on(Desk, func(v *RankingView) { v.Window = "day" }), on(Player, func(v *RankingView) { v.You = "ada" }), {Surface: Index},
		}
		kiosk := on(Kiosk, nil)
		kiosk.Turn = time.Hour
		views = append(views, kiosk)
		var pages []*Page
		var cursors []string
		for _, v := range views {
			page := l.page(v)
			viewer := page.Join("")
			defer viewer.Leave()
			synctest.Wait()
			pages, cursors = append(pages, page), append(cursors, page.Snapshot().Cursor)
		}
		l.score("ada", 4321)
		l.score("dan", 77)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for i, page := range pages {
			if shows(page, "4321") || shows(page, "dan") || shows(page, "3 players") {
				t.Errorf("%+v shows what came after the freeze", views[i])
			}
			if got := page.Snapshot().Cursor; got != cursors[i] {
				t.Errorf("%+v: the cursor went from %s to %s: it tells that something came", views[i], cursors[i], got)
			}
		}
		if err := viewError(l, on(Desk, func(v *RankingView) { v.You = "dan" })); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("the page of one who came after the freeze = %v, want NotFound", err)
		}
	})
}

func viewError(l *league, v View) error {
	_, err := l.press.Page(v)
	return err
}

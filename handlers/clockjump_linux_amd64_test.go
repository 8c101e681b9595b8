package handlers

import (
	endian "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

// buildClockBinary builds the program so that its wall clock can be set, as testdata/clock says. What it tells of time
// that passes does not change.
var buildClockBinary = sync.OnceValues(func() (string, error) {
	here, err := filepath.Abs("testdata/clock")
	if err != nil {
		return "", err
	}
	top := filepath.Join(here, "../../..")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(top, "clock.go"):      filepath.Join(here, "clock.go"),
		filepath.Join(top, "clock_amd64.s"): filepath.Join(here, "clock.s"),
	}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(binaryFolder(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", err
	}
	path := filepath.Join(binaryFolder(), "liveboard-clock")
	out, err := exec.Command("go", "build", "-overlay="+file, "-ldflags=-checklinkname=0", "-o", path, "liveboard").CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return path, err
})

// clockBoard has what may stand still when a clock is set: panels with values that are pushed, collected and silent, a
// kiosk's turn, and windows.
const clockBoard = `
dashboards:
  - name: clock
    title: Clock
    panels:
      - {title: Plain, kind: stat, query: plain, stale-after: 5s}
      - {title: Dated, kind: stat, query: dated, stale-after: 5s}
      - {title: Silent, kind: stat, query: silent, stale-after: 1m}
      - {title: Load, kind: stat, query: host_load1, stale-after: 5s}
      - {title: Loads, kind: timeseries, query: host_load1, stale-after: 5s}
  - name: other
    title: Other
    panels:
      - {title: Plain, kind: stat, query: plain, stale-after: 5s}
leaderboards:
  arcade:
    title: Arcade
    windows: [hour, day, all]
    zone: UTC
`

// rightWithin is how long screens may show what the clock said before: two heartbeats, 10 seconds apart, have to agree
// that it was set back.
const rightWithin = 30 * time.Second

// clocked is a server whose wall clock can be set.
type clocked struct {
	*process
	t      *testing.T
	folder string
	file   *os.File
	ahead  time.Duration
	pushed map[string][]float64 // values with a 2xx, by metric
	tab    *tab                 // that looks at the dashboard

	desk, kiosk *watched
}

// newClocked starts a server with the right time.
func newClocked(t *testing.T) *clocked {
	t.Helper()
	c := &clocked{t: t, folder: t.TempDir(), pushed: make(map[string][]float64)}
	if err := os.WriteFile(filepath.Join(c.folder, "board.yaml"), []byte(clockBoard), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.file, err = os.Create(filepath.Join(c.folder, "clock")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.file.Close() })
	c.set(0)
	c.start()
	return c
}

// start starts the server, with the database that it had if it ran before.
func (c *clocked) start() {
	c.t.Helper()
	path, err := buildClockBinary()
	if err != nil {
		c.t.Fatalf("go build: %v", err)
	}
	cmd := serving(c.t, "--data="+c.database(), "--board="+filepath.Join(c.folder, "board.yaml"), "LIVEBOARD_CLOCK="+c.file.Name())
	cmd.Path = path
	c.process = launch(c.t, cmd)
}

// open opens a page and its stream, and a kiosk's.
func (c *clocked) open() {
	c.t.Helper()
	c.tab, c.desk, c.kiosk = openTab(c.t, c.URL+"/d/clock"), c.watch("/d/clock"), c.watch("/kiosk/clock,other?turn=5")
}

func (c *clocked) database() string { return filepath.Join(c.folder, "liveboard.db") }

// set sets the server's clock.
func (c *clocked) set(ahead time.Duration) {
	c.t.Helper()
	if _, err := c.file.WriteAt(endian.NativeEndian.AppendUint64(nil, uint64(int64(ahead/time.Second))), 0); err != nil {
		c.t.Fatal(err)
	}
	c.ahead = ahead
}

// now is what the server's clock shows.
func (c *clocked) now() time.Time { return time.Now().Add(c.ahead) }

// push pushes the next value of a metric, with a time or, for 0, without one, and returns the status.
func (c *clocked) push(name string, at int64) int {
	c.t.Helper()
	value := float64(len(c.pushed[name]) + 1)
	line := fmt.Sprintf("%s %v", name, value)
	if at != 0 {
		line += fmt.Sprintf(" %d", at)
	}
	a := do(c.t, "POST", c.URL+"/api/push", line, "Content-Type", "text/plain")
	if a.StatusCode == http.StatusNoContent {
		c.pushed[name] = append(c.pushed[name], value)
	}
	return a.StatusCode
}

// shows holds once a panel of a tab has a number of the last seconds by the server's clock, and says so.
func (c *clocked) shows(panel string) string {
	return fmt.Sprintf(`(({ at, state }) => state === 'fresh' && Math.abs(Date.now() + %d - at) < 4000)(document.getElementById('p-clock-%s').dataset)`, c.ahead.Milliseconds(), panel)
}

// watched is what has come of a stream.
type watched struct {
	mu    sync.Mutex
	now   int64 // of the newest heartbeat
	turns int   // how often the second dashboard came
	ended bool
}

// watch opens the stream of a page and goes on reading it.
func (c *clocked) watch(page string) *watched {
	c.t.Helper()
	path := regexp.MustCompile(`data-live-url="([^"]+)"`).FindStringSubmatch(get200(c.t, c.URL+page).body)
	if path == nil {
		c.t.Fatalf("%s has no stream", page)
	}
	w, s := new(watched), open(c.t, c.URL+html.UnescapeString(path[1]))
	go func() {
		for e := range s.events {
			w.take(e)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = true
	}()
	return w
}

func (w *watched) take(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(e.data, `<article id="p-other-plain"`) {
		w.turns++
	}
	var said struct{ Now int64 }
	if e.name == "beat" && json.Unmarshal([]byte(e.data), &said) == nil {
		w.now = said.Now
	}
}

func (w *watched) seen() (now int64, turns int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now, w.turns
}

func (w *watched) hasEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

func TestServerWhoseClockIsSet(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour, -time.Hour, -24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			c := newClocked(t)
			began := c.now()
			c.push("silent", 0)
			c.score("ada")
			c.open()
			c.isRight()
			c.tab.wait(soon, isFresh("silent"))

			c.set(ahead)
			c.tab.wait(rightWithin, "!"+isFresh("silent"))
			c.isRight()
			c.tab.hold("!" + isFresh("silent"))
			c.score("bob")
			c.ranks(c.now(), "bob")

			c.set(0)
			c.isRight()
			c.score("eve")
			c.ranks(c.now(), "eve")
			c.ranks(began, "ada")

			c.kill()
			c.holds("plain", "dated", "silent")
			c.start()
			c.ranks(began, "ada")
			c.stop()
			c.holds("plain", "dated", "silent")
		})
	}
}

func isFresh(panel string) string {
	return fmt.Sprintf(`(document.getElementById('p-clock-%s').dataset.state === 'fresh')`, panel)
}

// isRight holds the server to the time that its clock shows.
func (c *clocked) isRight() {
	c.t.Helper()
	began := time.Now()
	beat, _ := c.desk.seen()
	_, turns := c.kiosk.seen()
	note := func(what string) {
		c.t.Helper()
		c.t.Logf("%v ahead: after %v %s", c.ahead, time.Since(began).Round(100*time.Millisecond), what)
	}
	within(c.t, rightWithin, "the value that is pushed is shown", func() bool {
		if status := c.push("plain", 0); status != http.StatusNoContent {
			c.t.Fatalf("a value without a time is answered with %d", status)
		}
		return eval[bool](c.tab, c.shows("plain"))
	})
	note("the value that is pushed is shown")
	c.pushDated()
	for _, panel := range []string{"load", "loads"} {
		c.tab.wait(rightWithin, c.shows(panel))
		note("what is collected is shown in " + panel)
	}
	within(c.t, rightWithin, "heartbeats tell the time", func() bool {
		now, _ := c.desk.seen()
		return now != beat && c.now().Sub(time.UnixMilli(now)).Abs() < rightWithin
	})
	note("heartbeats tell the time")
	within(c.t, rightWithin, "the kiosk turns twice", func() bool {
		_, now := c.kiosk.seen()
		return now > turns+1
	})
	note("the kiosk turns")
	if c.desk.hasEnded() {
		c.t.Error("the stream has ended")
	}
}

// pushDated pushes a value with the true time, which the server may only refuse where its own clock is too far behind.
func (c *clocked) pushDated() {
	c.t.Helper()
	want, truth := http.StatusNoContent, time.Now()
	if metrics.CheckTime(truth.UnixMilli(), c.now()) != nil {
		want = http.StatusBadRequest
	}
	if status := c.push("dated", truth.UnixMilli()); status != want {
		c.t.Errorf("a value with the true time is answered with %d, want %d", status, want)
	}
}

// score submits a score, which is achieved now.
func (c *clocked) score(player string) {
	c.t.Helper()
	a := do(c.t, "POST", c.URL+"/api/leaderboards/arcade/scores", fmt.Sprintf(`{"player":%q,"score":1}`, player), "Content-Type", jsonType)
	if a.StatusCode != http.StatusCreated {
		c.t.Fatalf("the score of %s is answered with %d %s", player, a.StatusCode, a.body)
	}
}

// ranks holds the windows of a moment to have a player who scored then, the present one by its name as well.
func (c *clocked) ranks(at time.Time, player string) {
	c.t.Helper()
	at = at.UTC()
	windows := []string{at.Format("2006-01-02T15:00Z"), at.Format(time.DateOnly), "all"}
	if c.now().Sub(at) < time.Minute {
		windows = append(windows, "hour", "day")
	}
	for _, window := range windows {
		if a := get200(c.t, c.URL+"/api/leaderboards/arcade?window="+window); !strings.Contains(a.body, `"`+player+`"`) {
			c.t.Errorf("at %v the window %s does not have %s: %s", c.now().UTC(), window, player, a.body)
		}
	}
}

// holds wants every value in the database that was acknowledged.
func (c *clocked) holds(names ...string) {
	c.t.Helper()
	store := openStore(c.t, c.database())
	defer store.Close()
	for _, name := range names {
		found, err := store.Head().Select(c.t.Context(), 0, 1<<60, labels.MustNewMatcher(labels.MatchEqual, metrics.NameLabel, name))
		if err != nil {
			c.t.Fatal(err)
		}
		var values []float64
		for _, s := range found {
			for it := s.Iterator(nil); it.Next() != chunkenc.ValNone; {
				_, v := it.At()
				values = append(values, v)
			}
		}
		if slices.Sort(values); !slices.Equal(values, c.pushed[name]) {
			c.t.Errorf("of %s are stored %v, acknowledged were %v", name, values, c.pushed[name])
		}
	}
}

package handlers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wantRefusal runs a program that cannot start: it must end with the code and one line that says why.
func wantRefusal(t *testing.T, want int, sentence string, args ...string) {
	t.Helper()
	code, _, stderr := run(t, append(args, "LIVEBOARD_LOG_LEVEL=error")...)
	if code != want {
		t.Errorf("%q ends with %d, want %d: %s", args, code, want, stderr)
	}
	if lines := strings.Count(strings.TrimSpace(stderr), "\n") + 1; lines != 1 || !strings.Contains(stderr, sentence) {
		t.Errorf("%q says %q, want one line with %q", args, stderr, sentence)
	}
}

func TestProcessTellsWhereItListens(t *testing.T) {
	t.Parallel()
	p := start(t)
	if !strings.HasPrefix(p.URL, "http://127.0.0.1:") {
		t.Errorf("it says that it listens at %q", p.URL)
	}
	get200(t, p.URL+"/d/host")
	if a := get200(t, p.URL+"/readyz"); !strings.Contains(a.body, `"backup":"ok"`) {
		t.Errorf("readyz says %s", a.body)
	}
	if _, err := os.Stat(filepath.Join(p.cmd.Dir, "data", "liveboard.db")); err != nil {
		t.Errorf("the database is not where it is by default: %v", err)
	}
}

func TestProcessThatCannotStartSaysWhyInOneLine(t *testing.T) {
	t.Parallel()
	p := start(t)
	address := strings.TrimPrefix(p.URL, "http://")
	database := filepath.Join(p.cmd.Dir, "data", "liveboard.db")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	free := "--listen=127.0.0.1:0"
	wantRefusal(t, 1, address+" is in use", "serve", "--listen="+address)
	wantRefusal(t, 1, "is in use by another liveboard process", "serve", free, "--data="+database)
	wantRefusal(t, 1, "cannot be made", "serve", free, "--data="+filepath.Join(file, "x.db"))
	wantRefusal(t, 1, "cannot be", "serve", free, "--data=/proc/liveboard/x.db")
	wantRefusal(t, 1, "no access control", "serve", "--listen=0.0.0.0:0")
	wantRefusal(t, 1, "no access control", "serve", "--listen=:0")
	wantRefusal(t, 1, "no access control", "serve", "--listen=[::]:0")
	wantRefusal(t, 1, "--listen nonsense", "serve", "--listen=nonsense")
	wantRefusal(t, 1, "write a time of day such as 03:00", "serve", "--backup-at=3pm")
	wantRefusal(t, 1, "--backup-keep must be at least 1", "serve", "--backup-keep=-1")
	wantRefusal(t, 1, "nonsense", "serve", "--nonsense")
	wantRefusal(t, 1, "name the board file", "check")
	get200(t, p.URL+"/healthz") // and nobody has disturbed the first
}

func TestProcessListensElsewhereWhenTold(t *testing.T) {
	t.Parallel()
	p := start(t, "--listen=0.0.0.0:0", "--insecure-open")
	if !strings.HasPrefix(p.URL, "http://localhost:") {
		t.Errorf("it says that it listens at %q, want a name that a browser can open", p.URL)
	}
	get200(t, p.URL+"/healthz")
}

func TestProcessRefusesABrokenBoard(t *testing.T) {
	t.Parallel()
	board := filepath.Join(t.TempDir(), "board.yaml")
	yaml := "dashboards:\n  - name: shop\n    title: Shop\n    panels:\n      - {title: Orders, kind: stat, query: orders, sizes: 3x1}\n"
	if err := os.WriteFile(board, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", board}, {"serve", "--listen=127.0.0.1:0", "--board=" + board}} {
		code, _, stderr := run(t, args...)
		if code != 1 || !strings.Contains(stderr, board+":5:") || !strings.Contains(stderr, "sizes: 3x1") || !strings.Contains(stderr, "^") {
			t.Errorf("%q ends with %d and says %q, want 1, the line, the column and the excerpt", args, code, stderr)
		}
	}
	wantRefusal(t, 1, "no such file", "check", board+".not")
}

func TestProcessStopsWhenAsked(t *testing.T) {
	t.Parallel()
	p := start(t)
	s := open(t, p.URL+"/live/host")
	s.until("")
	began := time.Now()
	if code := p.stop(); code != 0 {
		t.Errorf("it ended with %d, want 0: %s", code, p.logged())
	}
	if took := time.Since(began); took > stopsWithin {
		t.Errorf("it took %v, want %v at most", took, stopsWithin)
	}
	if bye := s.until("bye"); !strings.Contains(bye[len(bye)-1].data, "stopping") || !s.ended() {
		t.Errorf("the stream got %+v, want bye", bye)
	}
	if !strings.Contains(p.logged(), `"msg":"stopped"`) {
		t.Errorf("the log is %s", p.logged())
	}
}

// A request that does not end keeps a stop waiting; a second signal does not wait for it.
func TestProcessStopsAtOnceWhenAskedTwice(t *testing.T) {
	t.Parallel()
	p := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/push HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100"))); err != nil { // it waits for the body now
		t.Fatal(err)
	}
	signal := func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	signal()
	eventually(t, "it is stopping", func() bool { return strings.Contains(p.logged(), "stopping") })
	signal()
	if code := p.wait(); code == 0 || strings.Contains(p.logged(), `"msg":"stopped"`) {
		t.Errorf("it ended with %d, want another code and no orderly stop: %s", code, p.logged())
	}
}

func TestProcessHasTheDefaultBoardAndChecksIt(t *testing.T) {
	t.Parallel()
	code, board, stderr := run(t, "check", "--default")
	if code != 0 || stderr != "" {
		t.Fatalf("check --default ends with %d: %s", code, stderr)
	}
	file := filepath.Join(t.TempDir(), "liveboard.yaml")
	if err := os.WriteFile(file, []byte(board), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := run(t, "check", file); code != 0 || !strings.Contains(stdout, "is good") {
		t.Errorf("check of the default board ends with %d: %s%s", code, stdout, stderr)
	}
}

func TestProcessTellsItsVersion(t *testing.T) {
	t.Parallel()
	if code, stdout, _ := run(t, "version"); code != 0 || !strings.HasPrefix(stdout, "liveboard ") || !strings.Contains(stdout, "build ") {
		t.Errorf("version ends with %d and says %q", code, stdout)
	}
}

func TestProcessTakesItsFlagsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	board := filepath.Join(folder, "b.yaml")
	yaml := "dashboards:\n  - name: shop\n    title: Shop\n    panels:\n      - {title: Orders, kind: stat, query: orders}\n"
	if err := os.WriteFile(board, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "LIVEBOARD_DATA="+filepath.Join(folder, "b.db"), "LIVEBOARD_BOARD="+board, "LIVEBOARD_LOG_LEVEL=warn",
		"LIVEBOARD_MAX_SERIES_PER_TOKEN=1", "LIVEBOARD_MAX_STREAMS_PER_ADDRESS=1", "--log-level=info")
	get200(t, p.URL+"/d/shop")
	if _, err := os.Stat(filepath.Join(folder, "b.db")); err != nil {
		t.Errorf("LIVEBOARD_DATA: %v", err)
	}
	open(t, p.URL+"/live/shop").until("")
	if a := do(t, "GET", p.URL+"/live/shop", ""); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("LIVEBOARD_MAX_STREAMS_PER_ADDRESS: a second stream gets %d, want 429", a.StatusCode)
	}
	_, token, _ := run(t, "token", "create", "--scope=ingest", "LIVEBOARD_DATA="+filepath.Join(folder, "b.db"))
	push := do(t, "POST", p.URL+"/api/push", "orders 1\nreturns 1", append(bear(strings.TrimSpace(token)), "Content-Type", textPlain)...)
	wantProblem(t, push, http.StatusTooManyRequests, "limit of 1 series")
	wantRefusal(t, 1, "no access control", "serve", "LIVEBOARD_LISTEN=0.0.0.0:0")
	_, _, stderr := run(t, "check", "LIVEBOARD_LOG=xml")
	if !strings.Contains(stderr, "LIVEBOARD_LOG") && !strings.Contains(stderr, "--log") {
		t.Errorf("LIVEBOARD_LOG=xml is not refused: %q", stderr)
	}
}

func TestProcessKilledKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "x.db")
	board := filepath.Join(t.TempDir(), "b.yaml")
	yaml := "dashboards:\n  - name: shop\n    title: Shop\n    panels:\n      - {title: Orders, kind: stat, query: orders, unit: count}\n"
	if err := os.WriteFile(board, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--data="+database, "--board="+board)
	for i := range 20 {
		a := do(t, "POST", p.URL+"/api/push", fmt.Sprintf("orders %d", 700+i), "Content-Type", textPlain)
		if a.StatusCode != http.StatusNoContent {
			t.Fatalf("push: %d %s", a.StatusCode, a.body)
		}
	}
	p.kill()
	p = start(t, "--data="+database, "--board="+board)
	if got := text(find(parsed(t, get200(t, p.URL+"/d/shop").body), "article")); !strings.Contains(got, "719") {
		t.Errorf("after a restart the panel shows %q, want the last acknowledged, 719", got)
	}
}

package handlers

import (
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"liveboard/handlers/client"
	"liveboard/metrics"
)

var (
	times = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	gaps  = regexp.MustCompile(` {2,}`)
	ends  = regexp.MustCompile(` +\n`)
)

// command runs "score …" against the world and returns what it prints: times as T, columns two spaces apart.
func (w *world) command(line string) (string, error) {
	w.t.Helper()
	var cli struct {
		Score client.Score `cmd:""`
	}
	var out strings.Builder
	parser, err := kong.New(&cli, kong.Writers(&out, &out), kong.Exit(func(int) { w.t.Errorf("%q ends the process", line) }))
	if err != nil {
		w.t.Fatal(err)
	}
	k, err := parser.Parse(append([]string{"score", "--url", w.URL}, strings.Split(line, " ")...))
	if err != nil {
		w.t.Fatalf("%q: %v", line, err)
	}
	err = k.Run()
	text := gaps.ReplaceAllString(times.ReplaceAllString(out.String(), "T"), "  ")
	return ends.ReplaceAllString(text, "\n"), err
}

func TestCommandsDoWhatTheAPIDoes(t *testing.T) {
	most := 100.0
	w := newLeague(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) {
		b.Groups, b.Limits.Max, b.Periods = []string{"team"}, &most, b.Periods[:1]
	}))
	for _, c := range []struct{ line, want string }{
		{"add arcade ada 10 --name Ada --sub deaths=3 --attribute team=red --key k1", "entry 2: ada has 10 on arcade\nall  rank 1 of 1  10\n"},
		{"add arcade ada 10 --name Ada --sub deaths=3 --attribute team=red --key k1", "entry 2: ada has 10 on arcade\nall  rank 1 of 1  10\n"},
		{"add arcade bob 20", "entry 4: bob has 20 on arcade\nall  rank 1 of 2  20\n"},
		{"list arcade", "arcade, All time: 2 in all\nRANK  MOVE  NAME  PLAYER  SCORE  AT\n1  new  bob  bob  20  T\n2  new  Ada  ada  10  T\n"},
		{"list arcade --window all --group red", "arcade, All time, team:red: 1 in all\nRANK  MOVE  NAME  PLAYER  SCORE  AT\n1  new  Ada  ada  10  T\n"},
		{"list arcade --offset 1 --limit 1", "arcade, All time: 2 in all\nRANK  MOVE  NAME  PLAYER  SCORE  AT\n2  new  Ada  ada  10  T\n"},
		{"hide arcade bob --reason cheats", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n5  T  local  hidden  bob  cheats\n"},
		{"undo arcade 5", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n6  T  local  undone  bob  entry 5\n"},
		{"rename arcade bob Robert", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n7  T  local  renamed  bob  Robert\n"},
		{"remove arcade 2", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n8  T  local  removed  ada  entry 2\n"},
		{"freeze arcade", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n9  T  local  froze\n"},
		{"add arcade cyd 30", "entry 11: cyd has 30 on arcade\nthe standings are frozen: ranks are not told\n"},
		{"list arcade", "arcade, All time: 1 in all, frozen at T\nRANK  MOVE  NAME  PLAYER  SCORE  AT\n1  new  Robert  bob  20  T\n"},
		{"list arcade --staff", "arcade, All time: 2 in all, frozen at T\nRANK  MOVE  NAME  PLAYER  SCORE  AT\n1  new  cyd  cyd  30  T\n2  new  Robert  bob  20  T\n"},
		{"reveal arcade", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n12  T  local  revealed\n"},
		{"list arcade", "arcade, All time: 2 in all, frozen at T\nRANK  MOVE  NAME  PLAYER  SCORE  AT\n1  not revealed yet\n2  not revealed yet\n"},
		{"thaw arcade", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n13  T  local  thawed\n"},
		{"ban arcade cyd", "ENTRY  AT  BY  WHAT  PLAYER  DETAILS\n14  T  local  banned  cyd\n"},
	} {
		got, err := w.command(c.line)
		if err != nil || got != c.want {
			t.Errorf("%s: error %v, prints\n%q\nwant\n%q", c.line, err, got, c.want)
		}
	}
	file, err := w.command("csv arcade")
	if err != nil || !strings.HasPrefix(file, "rank,player,name,score,at,team\r\n1,bob,Robert,20,") {
		t.Errorf("the file is %q, error %v", file, err)
	}
	audit, err := w.command("audit arcade --limit 2 --before 14")
	if err != nil || !strings.Contains(audit, "\n13 ") || !strings.Contains(audit, "\n12 ") || strings.Contains(audit, "\n14 ") || strings.Contains(audit, "\n9 ") {
		t.Errorf("the audit is %q, error %v", audit, err)
	}
}

func TestCommandsSayWhatTheServerSays(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", nil))
	t.Setenv("LIVEBOARD_TOKEN", w.token("game", "score:arcade"))
	if got, err := w.command("add arcade ada 10"); err != nil {
		t.Errorf("with its token: %q, error %v", got, err)
	}
	for line, want := range map[string]string{
		"hide arcade ada": `The token "game" may not do this: it has no scope staff:arcade.`,
		"list chess":      `There is no leaderboard named "chess".`,
		"csv chess":       `There is no leaderboard named "chess".`,
	} {
		if got, err := w.command(line); err == nil || err.Error() != want || got != "" {
			t.Errorf("%s: error %v, prints %q, want the error %q alone", line, err, got, want)
		}
	}
	w.http.Close()
	if _, err := w.command("list arcade"); err == nil || !strings.Contains(err.Error(), w.URL+" cannot be reached: is the server running there?") {
		t.Errorf("without a server: %v", err)
	}
}

package data

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"

	"liveboard/metrics"
)

var updateBoards = flag.Bool("update-boards", false, "write the golden files of board mistakes anew")

// promQL checks as the query room does: position first.
var promQL = BoardCheck{Expr: func(expr string) error {
	_, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	return err
}}

// sameZone compares zones by name: their insides are none of our business.
var sameZone = cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })

func ptr(v float64) *float64 { return &v }

func TestBoardReadsEveryKey(t *testing.T) {
	got, err := LoadBoard("testdata/board/full.yaml", BoardCheck{})
	if err != nil {
		t.Fatal(err)
	}
	levels := []metrics.Threshold{{From: -1, State: metrics.OK, Text: "fine"}, {From: 80, State: metrics.Warn}, {From: 92.5, State: metrics.Crit}}
	want := &metrics.Board{
		Dashboards: []metrics.Dashboard{{
			Name: "shop-2", Title: "The shop", Text: "Orders, and who waits", Range: time.Hour,
			Panels: []metrics.Panel{{
				Name: "orders-min", Title: "Orders / min", Kind: "timeseries",
				Queries: []metrics.Query{
					{Expr: "rate(orders_total)", Legend: "{{shop}}"},
					{Expr: "sum by (shop) (\n  orders_total\n)\n"},
				},
				Unit: metrics.Short, Decimals: 1, Min: ptr(-1.5), Max: ptr(1000), Thresholds: levels, Good: metrics.Up,
				Fill: true, Width: 12, Height: 3, StaleAfter: 90 * time.Second,
			}, {
				Name: "404", Title: "404", Kind: "stat", Queries: []metrics.Query{{Expr: "1"}},
				Decimals: -1, Thresholds: levels, Legend: true, Width: 4, Height: 2, StaleAfter: 30 * time.Second,
			}, {
				Name: "hq", Kind: "clock", Zone: "Europe/Stockholm", Decimals: -1, Legend: true, Width: 4, Height: 2,
			}, {
				Name: "panel-4", Title: "時計", Kind: "text", Text: "# Hello\n\nworld", Decimals: -1, Legend: true, Width: 4, Height: 2,
			}, {
				Name: "best", Kind: "leaderboard", Leaderboard: "arcade", Period: "autumn", Decimals: -1, Legend: true, Width: 4, Height: 2,
			}},
		}, {
			Name: "empty", Title: "empty", Range: 15 * time.Minute,
		}},
		Leaderboards: everyLeaderboard(t),
		Collectors: []metrics.CollectorConfig{
			{Kind: "http", Name: "http", Interval: 15 * time.Second, Timeout: 2 * time.Second, Targets: []string{"https://a.example", "https://b.example"}},
			{Kind: "http", Name: "inside", Targets: []string{"http://localhost:1"}, Access: metrics.Access{Bearer: metrics.Secret{Env: "INSIDE_TOKEN"}}},
			{Kind: "process", Name: "process", Top: 5},
			everyScrape(),
		},
		Webhooks: everyWebhook(),
		Embed:    metrics.Embed{Origins: []string{"'self'", "https://intranet.example:8443", "https://*.example.com", "http://localhost:3000"}},
		Storage:  metrics.Storage{Budget: 500 << 20, Retention: [...]time.Duration{2 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour, 365 * 24 * time.Hour, 20 * 365 * 24 * time.Hour}},
	}
	if diff := cmp.Diff(want, got, sameZone); diff != "" {
		t.Errorf("board differs (-want +got):\n%s", diff)
	}
}

// in returns a board with one panel of these lines besides its kind.
func in(panel string) string {
	return "dashboards:\n- name: a\n  panels:\n  - kind: x\n    " + panel
}

func TestBoardMistakes(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"empty", "", "1:1: the file is empty"},
		{"only comments", "# nothing\n\n", "1:1: the file is empty"},
		{"not a mapping", "- a\n", "1:1: a board is written as keys and values"},
		{"syntax", "dashboards: [\n", "1:13: this is not valid YAML"},
		{"tab", "dashboards:\n\t- name: a\n", "2:1: this is not valid YAML"},
		{"two documents", "embed: {}\n---\nembed: {}\n", "3:1: a board file is one YAML document"},
		{"directive", "%YAML 1.2\n---\nembed: {}\n", "1:1: a board file has no % directives"},
		{"unknown section", "dashbords: []\n", `1:1: a board has no key "dashbords"; did you mean "dashboards"?`},
		{"unknown key, no neighbour", "embed: {who: me}\n", `1:9: embed has no key "who"; its keys are origins`},
		{"key twice", "embed: {}\nembed: {}\n", `2:1: the key "embed" stands here twice`},
		{"key twice in flow", "embed: {origins: [], 'origins': []}\n", `1:22: the key "origins" stands here twice`},
		{"merge key", "embed: &a {}\n<<: *a\n", "2:1: merge keys (<<) are not understood"},
		{"tag", "embed: !!map {}\n", "1:8: tags such as !!map are not understood"},
		{"unknown alias", "embed: *nobody\n", "1:8: there is no anchor &nobody"},
		{"anchor twice", "embed: &a {}\ncollectors: &a []\n", "2:13: the anchor &a is defined twice"},
		{"no dashboards", "dashboards: []\n", "1:13: a board has at least one dashboard"},
		{"dashboards without value", "dashboards:\n", "1:12: a list is needed here"},
		{"nameless dashboard", "dashboards:\n- title: A\n  panels: []\n", "2:3: this dashboard has no name"},
		{"dashboard without panels", "dashboards:\n- name: a\n", "2:3: this dashboard has no panels"},
		{"dashboards of one name", "dashboards:\n- {name: a, panels: []}\n- {name: a, panels: []}\n", `3:10: two dashboards are named "a"`},
		{"empty name", "dashboards:\n- {name: '', panels: []}\n", `2:10: "" cannot be a name`},
		{"empty kind", "collectors: [{kind: ''}]", `1:21: "" cannot be a name`},
		{"empty expression", in("query: ''"), "5:12: PromQL: "},
		{"empty origin", "embed: {origins: ['']}", `1:19: "" is no origin`},
		{"budget without unit", "storage: {budget: 2000}", `1:19: "2000" is no size; write it as 500MiB`},
		{"budget of nothing", "storage: {budget: 1MiB}", "1:19: a budget of 1MiB is too small"},
		{"unknown tier", "storage: {retention: {5m: 7d}}", `1:23: retention has no key "5m"`},
		{"a tier kept too short", "storage: {retention: {raw: 1h}}", `1:28: "1h" is no duration from 1d to 100y; write it with its unit, such as 1d, 1w, 1y`},
		{"a fine tier kept longer", "storage: {retention: {10s: 100d}}", "1:28: 1m is kept for less time than 10s"},
		{"bad name", "dashboards:\n- {name: A b, panels: []}\n", `2:10: "A b" cannot be a name`},
		{"bare duration", "dashboards:\n- {name: a, range: 15, panels: []}\n", `2:20: "15" is no duration from 1m to 1y`},
		{"range too long", "dashboards:\n- {name: a, range: 400d, panels: []}\n", `2:20: "400d" is no duration`},
		{"panel without kind", "dashboards:\n- name: a\n  panels:\n  - title: A\n", "4:5: this panel has no kind"},
		{"panels of one title", "dashboards:\n- name: a\n  panels:\n  - {kind: x, title: A}\n  - {kind: x, title: a}\n", `5:22: two panels are named "a"`},
		{"text is a list", in("title: [a]"), "5:12: a text is needed here"},
		{"text is nothing", in("title:"), "5:11: a text is needed here"},
		{"text too long", in("title: " + strings.Repeat("a", 501)), "5:12: this text has 501 bytes, at most 500 are allowed"},
		{"number is text", in("min: low"), "5:10: a number is needed here"},
		{"number is quoted", in(`min: "1"`), "5:10: a number is needed here"},
		{"number is nan", in("min: .nan"), "5:10: a number is needed here"},
		{"number is too large", in("max: 1e999"), "5:10: a number is needed here"},
		{"number is infinite", in("min: .inf"), "5:10: a number is needed here"},
		{"max below min", in("min: 2\n    max: 1"), "6:10: max must be above min"},
		{"fraction of decimals", in("decimals: 1.5"), "5:15: a whole number from 0 to 6"},
		{"too many decimals", in("decimals: 7"), "5:15: a whole number from 0 to 6"},
		{"yes", in("fill: yes"), "5:11: true or false is needed here"},
		{"direction", in("good: left"), `5:11: "left" is not understood here; it is one of up, down`},
		{"unit", in("unit: parsec"), `5:11: there is no unit "parsec"; the units are /s, bits/s, bytes,`},
		{"size is a number", in("size: 4"), `5:11: "4" is no size; write columns x rows`},
		{"size too wide", in("size: 13x1"), `5:11: "13x1" is no size`},
		{"size of nothing", in("size: 0x1"), `5:11: "0x1" is no size`},
		{"zone", in("zone: Mars/Olympus"), `5:11: there is no time zone "Mars/Olympus"`},
		{"zone outside the folder", in("zone: ../../etc/passwd"), `5:11: there is no time zone`},
		{"query and queries", in("query: a\n    queries: [{expr: b}]"), "6:14: a panel has query or queries"},
		{"query without expr", in("queries:\n    - legend: a"), "6:7: this query has no expr"},
		{"threshold without state", in("thresholds: [{from: 1}]"), "5:18: a threshold needs both"},
		{"thresholds descend", in("thresholds: [{from: 1, state: ok}, {from: 0, state: ok}]"), "5:47: thresholds ascend; this one must begin above 1"},
		{"collector without kind", "collectors:\n- name: a\n", "2:3: this collector has no kind"},
		{"collectors of one name", "collectors: [{kind: http}, {kind: http}]\n", `1:28: two collectors are named "http"`},
		{"password in clear", "collectors: [{kind: a, basic-auth: {username: x, password: y}}]", "1:60: a secret does not stand in a board file; remove it and write password-file:"},
		{"token in clear", "collectors: [{kind: a, bearer-token: y}]", "1:38: a secret does not stand in a board file; remove it and write bearer-token-file:"},
		{"variable with a dollar", "collectors: [{kind: a, bearer-token-env: $X}]", "1:42: the name of an environment variable is needed"},
		{"path of nothing", "collectors: [{kind: a, bearer-token-file: ''}]", "1:43: the path of a file is needed"},
		{"unknown key of tls", "collectors: [{kind: a, tls: {ca_file: x}}]", `1:30: tls has no key "ca_file"; did you mean "ca-file"?`},
		{"label name", "collectors:\n- kind: a\n  labels: {a-b: x}", "3:12: label name \"a-b\": only letters"},
		{"reserved label", "collectors:\n- kind: a\n  labels: {__a: x}", "3:12: label name \"__a\": names that begin with __"},
		{"too many samples", "collectors: [{kind: a, sample-limit: 50001}]", "1:38: a whole number from 1 to 50000"},
		{"action", "collectors: [{kind: a, metric-relabel: [{action: forget}]}]", `1:50: "forget" is not understood here; it is one of replace, keep,`},
		{"interval too short", "collectors: [{kind: a, interval: 1ms}]\n", `1:34: "1ms" is no duration`},
		{"control character", "embed: {}\n# \x1b[31m\n", "2:3: the character U+001B is not allowed"},
		{"bidirectional override", "# å\u202e\n", "1:4: the character U+202E is not allowed"},
		{"escaped control character", in(`title: "\u202e"`), "5:12: the character U+202E is not allowed"},
		{"escaped line break", in(`title: "a\nb"`), "5:12: the character U+000A is not allowed"},
		{"not UTF-8", "# \xff\n", "1:3: this is not UTF-8"},
		{"too deep", "embed: " + strings.Repeat("[", 60), "1:58: the file is too large or too deeply nested"},
		{"too large", strings.Repeat("#", 1<<20+1), "1:1: the file is larger than 1 MiB"},
		{"alias bomb", bomb(), "more than 100000 values, aliases counted"},
		{"plain expression", in("query: sum(å)"), "5:16: PromQL: 1:5: parse error"},
		{"quoted expression", in("query: 'sum(å)'"), "5:17: PromQL: 1:5: parse error"},
		{"expression in a block", in("query: |\n      sum(\n        a b\n      )"), "7:11: PromQL: 2:5: parse error"},
		{"folded expression", in("query: >\n      sum(\n      a b)"), "PromQL: 1:8: parse error"},
		{"windows line ends", "embed: {}\r\nx: 1\r\n", `2:1: a board has no key "x"`},
		{"byte order mark", "\ufeffx: 1\n", `1:1: a board has no key "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := ParseBoard("b.yaml", []byte(tt.src), promQL)
			if b != nil || err == nil {
				t.Fatalf("got a board, want the mistake %q", tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %q", err, tt.want)
			}
			if metrics.KindOf(err) != metrics.Invalid {
				t.Errorf("kind of error is %d, want Invalid", metrics.KindOf(err))
			}
		})
	}
}

// bomb is 100 dashboards that all are one of 100 panels that all are one with 20 thresholds.
func bomb() string {
	panel := "{kind: x, thresholds: [" + strings.TrimSuffix(strings.Repeat("*t,", 20), ",") + "]}"
	return "embed: &t {}\ndashboards:\n- &d {name: a, panels: [&p " + panel + strings.Repeat(",*p", 99) + "]}" + strings.Repeat("\n- *d", 99)
}

func TestBoardEmbedOrigins(t *testing.T) {
	for origin, want := range map[string]string{
		"'self'":                    "'self'",
		"https://a":                 "https://a",
		"https://A.example:443":     "https://a.example:443",
		"https://*.example.com":     "https://*.example.com",
		"http://localhost:3000":     "http://localhost:3000",
		"http://127.0.0.1":          "http://127.0.0.1",
		"*":                         "",
		"https:":                    "",
		"https://*":                 "",
		"https://*.com":             "",
		"https://a.*.com":           "",
		"https://a/":                "",
		"https://a:0":               "",
		"https://a:65536":           "",
		"https://a b":               "",
		"https://a;script-src":      "",
		"https://a,b":               "",
		"https://user@a":            "",
		"http://a.example":          "",
		"http://*.localhost":        "",
		"data:":                     "",
		"https://a.example\nx":      "",
		"https://bücher.example":    "",
		"https://-a.example":        "",
		"https://localhost.evil.se": "https://localhost.evil.se",
	} {
		if got, ok := cspSource(origin); got != want || ok != (want != "") {
			t.Errorf("cspSource(%q) = %q, %v, want %q", origin, got, ok, want)
		}
	}
}

// everyScrape is the collector with every key of full.yaml.
func everyScrape() metrics.CollectorConfig {
	return metrics.CollectorConfig{
		Kind: "scrape", Name: "scrape", Targets: []string{"https://10.0.0.1:9100/metrics"},
		Access: metrics.Access{
			Username: "ops", Password: metrics.Secret{File: "testdata/board/secrets/ops"},
			TLS: metrics.TLSConfig{
				CAFile: "/etc/ca.pem", CertFile: "testdata/board/me.pem", KeyFile: "testdata/board/me.key",
				ServerName: "db.example", InsecureSkipVerify: true,
			},
		},
		Scrape: metrics.ScrapeConfig{
			HonorLabels: true, IgnoreTimestamps: true, SampleLimit: 500,
			Labels: []metrics.Label{{Name: "dc", Value: "7"}, {Name: "env", Value: "prod"}},
			Relabel: []metrics.RelabelRule{
				{Action: "drop", SourceLabels: []string{"__name__", "code"}, Regex: "go_.*", Replacement: "$1"},
				{Action: "replace", SourceLabels: []string{"path"}, Separator: ";", Regex: "(.*)", TargetLabel: "page"},
				{Action: "hashmod", SourceLabels: []string{"path"}, Separator: ";", Regex: "(.*)", TargetLabel: "shard", Modulus: 8, Replacement: "$1"},
			},
		},
	}
}

func TestBoardPlacesWhatIsWrongWithACollector(t *testing.T) {
	check := BoardCheck{
		Collector: func(c metrics.CollectorConfig, _ []metrics.CollectorConfig) (metrics.CollectorConfig, error) {
			if c.Access.TLS.CertFile != "" {
				return c, metrics.Errorf(metrics.Invalid, "collector %q: %w", c.Name, errors.New("tls: no key"))
			}
			return c, nil
		},
		Relabel: func(rule metrics.RelabelRule) error {
			if rule.Regex == "(" {
				return errors.New("regex: no end")
			}
			return errors.New("pointless")
		},
	}
	for src, want := range map[string]string{
		"collectors:\n- kind: a\n  tls: {cert-file: x}":                                           `3:8: collector "a": tls: no key`,
		"collectors:\n- kind: a\n  metric-relabel:\n  - action: drop\n    regex: (":               "5:12: regex: no end",
		"collectors:\n- kind: a\n  metric-relabel:\n  - {regex: y, action: keep, separator: ','}": "4:24: pointless",
		"collectors:\n- kind: a\n  metric-relabel:\n  - {regex: y}":                               "4:5: pointless",
	} {
		if _, err := ParseBoard("b.yaml", []byte(src), check); err == nil || !strings.Contains(err.Error(), "b.yaml:"+want) {
			t.Errorf("%q: got %v, want %q", src, err, want)
		}
	}
}

func TestBoardErrorsKeepSecrets(t *testing.T) {
	const collector = "collectors:\n- kind: scrape\n"
	for _, src := range []string{
		collector + "  basic-auth: {username: a, password: hunter2}\n",
		collector + "  basic-auth: {username: a, password:\n    hunter2}\n  x: 1\n",
		collector + "  basic-auth:\n    password: hunter2\n    user: a\n",
		collector + "  basic-auth:\n    password: |\n      hunter2\n    user: a\n",
		collector + "  basic-auth:\n    password: >-\n\n      hunter1\n      hunter2\n    user: a\n",
		collector + "  basic-auth: {'password':hunter2}\n",
		collector + "  basic-auth: {\"password\":\"hunter2\"}\n",
		collector + "  basic-auth:\n    pasword: hunter2\n",
		collector + "  basic-auth: {password_env: hunter2}\n",
		collector + "  basic-auth: {password-env: hunter2!}\n",
		collector + "  basic_auth: {password-file: x, password: hunter2}\n",
		collector + "  bearer-token: hunter2\n",
		collector + "  Bearer-Token: hunter2\n",
		collector + "  bearer-token-env: hunter2!\n",
		collector + "  bearer-token: 'hunter2\n",
		collector + "  bearer-token: hunter2\n  x: [\n",
		collector + "  targets: ['http://me:hunter2@a.example', {a: b}]\n",
		collector + "  targets: [http://me:hunter/hunter2@a.example, http://me:hunter2@b.example, {}]\n",
		collector + "  targets: [http://a.example/?key=hunter2&more=hunter2, {}]\n",
		collector + "  targets:\n  - https://a.example/?key=hunter2\n  interval: x\n",
	} {
		_, err := ParseBoard("b.yaml", []byte(src), BoardCheck{})
		if err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: got %v, want a mistake without the secret", src, err)
		}
	}
}

func TestBoardExcerptsShowWhatIsNoSecret(t *testing.T) {
	src := "collectors:\n- kind: scrape\n  basic-auth: {username: ada, password-file: /run/ops}\n  targets: [http://a.example/metrics]\n  bearer-token: å\n  top: x\n"
	_, err := ParseBoard("b.yaml", []byte(src), BoardCheck{})
	for _, want := range []string{"  basic-auth: {username: ada, password-file: /run/ops}\n", "targets: [http://a.example/metrics]\n", "bearer-token: ●\n       |                 ^", "top: x\n       |        ^"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %q in it", err, want)
		}
	}
}

func TestBoardErrorsShowEveryMistake(t *testing.T) {
	_, err := LoadBoard("testdata/board/mistakes.yaml", promQL)
	golden := "testdata/board/mistakes.txt"
	if *updateBoards {
		if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, readErr := os.ReadFile(golden)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if diff := cmp.Diff(string(want), err.Error()+"\n"); diff != "" {
		t.Errorf("errors differ (-want +got):\n%s", diff)
	}
	var mistake *BoardError
	if !errors.As(err, &mistake) || mistake.Line != 2 || mistake.Column != 11 {
		t.Errorf("first mistake is %v, want the one at 2:11", mistake)
	}
}

func TestBoardErrorsTellAMistakeBehindAliasesOnce(t *testing.T) {
	_, err := ParseBoard("b.yaml", []byte("collectors:\n- &c {kind: a, top: x}\n- *c\n- *c\n"), BoardCheck{})
	if got := strings.Count(err.Error(), "a whole number"); got != 1 {
		t.Errorf("the mistake is told %d times, want once:\n%v", got, err)
	}
}

func TestBoardErrorsAreAtMostTen(t *testing.T) {
	_, err := ParseBoard("b.yaml", []byte(strings.Repeat("x: 1\n", 50)), BoardCheck{})
	var mistakes BoardErrors
	if !errors.As(err, &mistakes) || len(mistakes) != 10 {
		t.Errorf("got %d mistakes, want 10", len(mistakes))
	}
}

func TestBoardExcerptOfALongLine(t *testing.T) {
	_, err := ParseBoard("b.yaml", []byte("embed: {origins: ["+strings.Repeat("self, ", 90)+"åäö, self, self, self, self, self, self, self, self, self]}"), BoardCheck{})
	var mistake *BoardError
	if !errors.As(err, &mistake) {
		t.Fatalf("got %v, want a BoardError", err)
	}
	lines := strings.Split(mistake.Excerpt, "\n")
	text, mark := []rune(lines[0]), []rune(lines[1])
	if got := string(text[len(mark)-1 : len(mark)+2]); got != "åäö" || len(text) > 120 {
		t.Errorf("the mark stands under %q in\n%s\nwant it under åäö in a short line", got, mistake.Excerpt)
	}
}

func TestBoardChecksFillInAndRefuse(t *testing.T) {
	check := BoardCheck{
		Panel: func(p *metrics.Panel) error {
			if p.Unit == metrics.Date {
				return metrics.Errorf(metrics.Invalid, "unit: a stat has no dates")
			}
			p.Width, p.Height, p.StaleAfter = 3, 1, time.Hour
			return nil
		},
		Collector: func(c metrics.CollectorConfig, before []metrics.CollectorConfig) (metrics.CollectorConfig, error) {
			if len(before) == 1 {
				return c, metrics.Errorf(metrics.Invalid, "one is enough")
			}
			c.Interval = time.Minute
			return c, nil
		},
	}
	b, err := ParseBoard("b.yaml", []byte(in("query: a")+"\nleaderboards: {}\ncollectors: [{kind: host}]"), check)
	if err != nil {
		t.Fatal(err)
	}
	p, c := b.Dashboards[0].Panels[0], b.Collectors[0]
	if p.Width != 3 || p.Height != 1 || p.StaleAfter != time.Hour || c.Interval != time.Minute {
		t.Errorf("got %+v and %+v, want what the checks filled in", p, c)
	}
	_, err = ParseBoard("b.yaml", []byte(in("unit: date")+"\ncollectors: [{kind: host}, {kind: self}]"), check)
	for _, want := range []string{"b.yaml:5:11: unit: a stat has no dates", "b.yaml:6:35: one is enough"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestBoardTakesMissingSectionsFromTheBuiltIn(t *testing.T) {
	builtIn, err := ParseBoard("default.yaml", DefaultBoard(), promQL)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseBoard("b.yaml", []byte("embed: {origins: [self]}"), promQL)
	if err != nil {
		t.Fatal(err)
	}
	builtIn.Embed.Origins = []string{"'self'"}
	if diff := cmp.Diff(builtIn, got, sameZone); diff != "" {
		t.Errorf("board differs from the built-in one (-want +got):\n%s", diff)
	}
	got, err = ParseBoard("b.yaml", []byte("collectors: []"), promQL)
	if err != nil || len(got.Collectors) != 0 || !cmp.Equal(builtIn.Dashboards, got.Dashboards) || !cmp.Equal(builtIn.Leaderboards, got.Leaderboards, sameZone) {
		t.Errorf("got %v, %v, want no collectors, and the built-in dashboards and leaderboards", got, err)
	}
	got, err = ParseBoard("b.yaml", []byte("leaderboards: {}"), promQL)
	if err != nil || len(got.Leaderboards) != 0 || !cmp.Equal(builtIn.Collectors, got.Collectors) {
		t.Errorf("got %v, %v, want no leaderboards, and the built-in collectors", got, err)
	}
}

func TestDefaultBoardFillsTheGridWithEveryKind(t *testing.T) {
	b, err := ParseBoard("default.yaml", DefaultBoard(), promQL)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, d := range b.Dashboards {
		cells := 0
		for _, p := range d.Panels {
			kinds[p.Kind] = true
			cells += p.Width * p.Height
		}
		if cells%metrics.Columns != 0 {
			t.Errorf("the panels of %s cover %d cells, which leaves a hole in a row of %d", d.Name, cells, metrics.Columns)
		}
	}
	for _, kind := range []string{"stat", "timeseries", "bars", "gauge", "status", "table", "text", "clock"} {
		if !kinds[kind] {
			t.Errorf("no panel of kind %s", kind)
		}
	}
}

func TestDefaultBoardBelongsToItsCaller(t *testing.T) {
	clear(DefaultBoard())
	if len(DefaultBoard()) == 0 || DefaultBoard()[0] != '#' {
		t.Error("a caller has changed the built-in board")
	}
}

func TestLoadBoardTellsAMissingFile(t *testing.T) {
	if _, err := LoadBoard(filepath.Join(t.TempDir(), "no.yaml"), BoardCheck{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func FuzzBoard(f *testing.F) {
	for _, panel := range []string{
		"queries: [{expr: 'a + b', legend: x}]", "query: |\n      sum(\n      a", "thresholds: &t [{from: 1, state: ok}]\n    min: *t",
		`title: "\u00e5\x1b"`, "size: 4x2\n    zone: UTC", "text: >-\n      a\n\n      b", "unit: bytes # å", "? [a]\n    : !!str b",
	} {
		f.Add([]byte(in(panel)))
	}
	f.Add([]byte("embed: {origins: [self, https://a]}\ncollectors:\n- kind: http\n  targets: [a]\r\n"))
	f.Add([]byte(of("tie-breaks: [latest, {sub: a}]") + "    windows: [week, {season: s, from: 2026-01-01, to: 2027-01-01}]\n    freeze: {at: 2026-06-01T10:00}\n    limits: {min: 1, max: 2}\n"))
	f.Add([]byte("leaderboards: {a: {query: up, legend: x}, 1: {zone: UTC}}\n"))
	f.Add([]byte("%YAML 1.2\n---\n<<: *a\n--- &a\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		b, err := ParseBoard("b.yaml", src, promQL)
		if (b == nil) == (err == nil) {
			t.Fatalf("got board %v and error %v, want one of them", b, err)
		}
		if err != nil {
			checkMistakes(t, err)
			return
		}
		checkBoard(t, b)
	})
}

// checkMistakes holds errors to what the page that shows them relies on.
func checkMistakes(t *testing.T, err error) {
	var mistakes BoardErrors
	if !errors.As(err, &mistakes) || len(mistakes) == 0 {
		t.Fatalf("got %v, want BoardErrors", err)
	}
	for _, m := range mistakes {
		if m.Line < 1 || m.Column < 1 || m.Err == nil || metrics.CheckText(strings.ReplaceAll(m.Excerpt, "\n", "")) != nil && !strings.Contains(m.Excerpt, "\ufffd") {
			t.Errorf("mistake %+v has no place or a dangerous excerpt", m)
		}
	}
}

// checkBoard holds a board to what its readers rely on.
func checkBoard(t *testing.T, b *metrics.Board) {
	if len(b.Dashboards) == 0 {
		t.Error("a board without dashboards")
	}
	for _, d := range b.Dashboards {
		if !namePattern.MatchString(d.Name) || d.Title == "" || metrics.CheckText(d.Title+d.Text) != nil || d.Range < minRange {
			t.Errorf("dashboard %+v", d)
		}
		names := map[string]bool{}
		for _, p := range d.Panels {
			if names[p.Name] || !namePattern.MatchString(p.Name) || p.Kind == "" || metrics.CheckText(p.Title) != nil ||
				p.Width < 1 || p.Width > metrics.Columns || p.Height < 1 {
				t.Errorf("panel %+v", p)
			}
			names[p.Name] = true
		}
	}
	checkLeaderboards(t, b.Leaderboards)
	for _, o := range b.Embed.Origins {
		if again, ok := cspSource(o); !ok || again != o {
			t.Errorf("origin %q", o)
		}
	}
}

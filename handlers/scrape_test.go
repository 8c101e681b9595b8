package handlers

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"golang.org/x/crypto/bcrypt"

	"liveboard/data"
)

// scrapedSecret is what a real exporter wants to hear, and nobody else may.
const scrapedSecret = "hunter2"

// node is a running prometheus-node-exporter.
type node struct {
	t         *testing.T
	address   string
	ca        string // path
	transport *http.Transport
}

// startNode starts an exporter that talks over TLS and to the user ops alone. The test's end stops it.
func startNode(t *testing.T) *node {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(scrapedSecret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	pem, config := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "web.yml")
	writeCertificate(t, pem)
	text := fmt.Sprintf("tls_server_config: {cert_file: cert.pem, key_file: cert.pem}\nbasic_auth_users: {ops: '%s'}\n", hash)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kind := proxyKind{args: []string{"prometheus-node-exporter", "--web.listen-address=LISTEN", "--web.config.file=CONFIG"}}
	for range 3 { // the port may be taken before the exporter has it
		n := &node{t: t, address: freeAddress(t), ca: pem, transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		t.Cleanup(n.transport.CloseIdleConnections)
		if p := startProxy(t, folder, kind, strings.NewReplacer("LISTEN", n.address, "CONFIG", config)); p.answers("https://ops:" + scrapedSecret + "@" + n.address) {
			return n
		}
	}
	log, _ := os.ReadFile(filepath.Join(folder, "log"))
	t.Fatalf("the exporter does not start:\n%s", log)
	return nil
}

// tells returns what the exporter tells us, by another reader than the server's: counters, and what else has one value.
func (n *node) tells() (counters, others map[string]float64) {
	n.t.Helper()
	credentials := base64.StdEncoding.EncodeToString([]byte("ops:" + scrapedSecret))
	a := doBy(n.t, n.transport, "GET", "https://"+n.address+"/metrics", "", "Accept", "text/plain", "Authorization", "Basic "+credentials)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(a.body))
	if err != nil || a.StatusCode != http.StatusOK {
		n.t.Fatalf("status %d: %v", a.StatusCode, err)
	}
	counters, others = map[string]float64{}, map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			switch series := n.series(name, m); {
			case m.Counter != nil:
				counters[series] = m.Counter.GetValue()
			case m.Gauge != nil:
				others[series] = m.Gauge.GetValue()
			case m.Untyped != nil:
				others[series] = m.Untyped.GetValue()
			}
		}
	}
	return counters, others
}

// series is how a metric of the exporter is called once it is scraped.
func (n *node) series(name string, m *dto.Metric) string {
	b := labels.NewBuilder(labels.FromStrings("__name__", name, "job", "node", "instance", n.address, "env", "test"))
	for _, l := range m.GetLabel() {
		b.Set(l.GetName(), l.GetValue())
	}
	return b.Labels().String()
}

// newest returns the last value of every series of that job, whether it has ended or not.
func newest(t *testing.T, store *data.Store, job string) map[string]float64 {
	t.Helper()
	now := time.Now().UnixMilli()
	all, err := store.Head().Select(t.Context(), now-time.Hour.Milliseconds(), now+time.Hour.Milliseconds(),
		labels.MustNewMatcher(labels.MatchEqual, "job", job))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, series := range all {
		for it := series.Iterator(nil); it.Next() == chunkenc.ValFloat; {
			if _, v := it.At(); !value.IsStaleNaN(v) {
				values[series.Labels().String()] = v
			}
		}
	}
	return values
}

func TestNodeExporterIsScraped(t *testing.T) {
	t.Parallel()
	n, folder := startNode(t), t.TempDir()
	password := filepath.Join(folder, "password")
	if err := os.WriteFile(password, []byte(scrapedSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	target := fmt.Sprintf("targets: ['https://%s/metrics']\n    interval: 1s\n    tls: {ca-file: %s}", n.address, n.ca)
	board := boardFile(t, `
dashboards:
  - name: d
    panels:
      - {kind: status, query: 'up{job="node"}', thresholds: [{from: 1, state: ok, text: let in}]}
      - {kind: status, query: 'up{job="stranger"}', thresholds: [{from: 0, state: crit, text: kept out}, {from: 1, state: ok, text: let through}]}
collectors:
  - kind: scrape
    name: node
    `+target+`
    basic-auth: {username: ops, password-file: `+password+`}
    labels: {env: test}
    metric-relabel: [{action: drop, source-labels: [__name__], regex: 'go_.*|promhttp_.*'}]
  - kind: scrape
    name: stranger
    `+target+`
    basic-auth: {username: ops, password-env: LIVEBOARD_TEST_WRONG}
`)
	counted, told := n.tells()
	p := start(t, "--board="+board, "--data="+filepath.Join(folder, "board.db"), "LIVEBOARD_TEST_WRONG=hunter3")
	eventually(t, "both were asked", func() bool {
		page := get200(t, p.URL+"/d/d").body
		return strings.Contains(page, "let in") && strings.Contains(page, "kept out")
	})
	if code := p.stop(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.logged())
	}
	countedLater, toldLater := n.tells()
	store := openStore(t, filepath.Join(folder, "board.db"))
	defer store.Close()
	got := newest(t, store, "node")
	n.wantSame(got, counted, countedLater, told, toldLater)
	up, found := newest(t, store, "stranger")[fmt.Sprintf(`{__name__="up", instance=%q, job="stranger"}`, n.address)]
	if !found || up != 0 || !strings.Contains(p.logged(), "the status is 401") {
		t.Errorf("with a wrong password: got %v (%v), want 0: %s", up, found, p.logged())
	}
	if text := p.logged() + fmt.Sprint(got); strings.Contains(text, "hunter") {
		t.Errorf("a secret stands in the log or the series: %s", text)
	}
}

// wantSame holds what was scraped between two looks at the exporter to what it told at both.
func (n *node) wantSame(got, counted, countedLater, told, toldLater map[string]float64) {
	n.t.Helper()
	dropped := func(series string, _ float64) bool {
		return strings.Contains(series, `"go_`) || strings.Contains(series, `"promhttp_`)
	}
	for series := range got {
		if dropped(series, 0) {
			n.t.Errorf("%s is there: the rule drops it", series)
		}
	}
	maps.DeleteFunc(counted, dropped)
	maps.DeleteFunc(told, dropped)
	for series, low := range counted {
		high, stays := countedLater[series]
		if v, found := got[series]; stays && (!found || v < low || v > high) {
			n.t.Errorf("%s: got %v, want from %v to %v", series, v, low, high)
		}
	}
	same := 0
	for series, v := range told {
		later, stays := toldLater[series]
		scraped, found := got[series]
		if stays && !found {
			n.t.Errorf("%s is missing", series)
		}
		if constant(series) && stays && found {
			same++
			if scraped != v && !(math.IsNaN(scraped) && math.IsNaN(v)) || v != later {
				n.t.Errorf("%s: got %v, want %v", series, scraped, v)
			}
		}
	}
	if len(counted) < 20 || same < 3 {
		n.t.Errorf("only %d counters and %d constants were compared: %s", len(counted), same, strconv.Quote(fmt.Sprint(told)))
	}
}

// constant tells what of a machine does not change while a test runs.
func constant(series string) bool {
	for _, name := range []string{"node_uname_info", "node_memory_MemTotal_bytes", "node_exporter_build_info", "node_filesystem_size_bytes"} {
		if strings.Contains(series, `__name__="`+name+`"`) {
			return true
		}
	}
	return false
}

func TestSecretsInABoardFileAreRefusedUnseen(t *testing.T) {
	t.Parallel()
	const good = "dashboards: [{name: d, panels: []}]\ncollectors: []\n"
	broken := strings.Replace(good, "[]\n", "\n- kind: scrape\n  basic-auth:\n    username: ops\n    password: "+scrapedSecret+"\n", 1)
	file := boardFile(t, broken)
	code, stdout, stderr := run(t, "check", file)
	if said := stdout + stderr; code != 1 || !strings.Contains(said, file+":6:15: a secret does not stand in a board file") || strings.Contains(said, scrapedSecret) {
		t.Errorf("check ends with %d: %s", code, said)
	}
	file = boardFile(t, good)
	p := start(t, "--board="+file)
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mistake is shown", func() bool {
		return strings.Contains(get200(t, p.URL+"/d/d").body, "a secret does not stand in a board file")
	})
	s := open(t, p.URL+"/live/d")
	for _, text := range []string{p.logged(), get200(t, p.URL+"/d/d").body, get200(t, p.URL+"/").body, s.until("")[0].data} {
		if strings.Contains(text, scrapedSecret) {
			t.Errorf("the secret is shown: %s", text)
		}
	}
	if !strings.Contains(p.logged(), "board file not used") {
		t.Errorf("the log is %s", p.logged())
	}
}

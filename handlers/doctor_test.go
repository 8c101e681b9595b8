package handlers

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/collectors"

	"liveboard/handlers/doctor"
)

func echoOf(t *testing.T, url string, headers ...string) (e doctor.Echo) {
	t.Helper()
	a := get200(t, url+"/doctor/echo", headers...)
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return e
}

// withFiles has a world tell its open files, as main does.
func withFiles(c *Config) {
	c.Registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

func TestDoctorEchoesWhatArrived(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	open(t, w.URL+"/live/d").until("")
	e := echoOf(t, w.URL, "Accept-Encoding", "gzip;q=0")
	if e.Build != "build" || e.Protocol != "HTTP/1.1" || e.Address != "127.0.0.1" || e.Gzip || len(e.Proxy) != 0 || e.Streams != (doctor.Streams{Address: 1, Most: 64}) {
		t.Errorf("got %+v", e)
	}
	if next := echoOf(t, w.URL); next.Request == e.Request || next.Now < e.Now {
		t.Errorf("two requests are answered %+v and %+v: a cache would not be noticed", e, next)
	}
}

func TestDoctorTellsOfProxiesOnlyWhatTheySayOfTheWay(t *testing.T) {
	t.Parallel()
	e := echoOf(t, newWorld(t, nil).URL, "X-Forwarded-For", "192.0.2.7", "Via", "1.1 proxy", "X-Forwarded-Access-Token", "s3cret", "Authorization", "Bearer s3cret", "Cookie", "staff=s3cret")
	if e.Proxy["X-Forwarded-For"][0] != "192.0.2.7" || e.Proxy["Via"][0] != "1.1 proxy" || e.Proxy["X-Forwarded-Access-Token"][0] != "(not shown)" || len(e.Proxy) != 3 {
		t.Errorf("got %v", e.Proxy)
	}
}

func TestDoctorTellsOpenFilesToThisMachineAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withFiles)
	if f := echoOf(t, w.URL).Files; f == nil || f.Open < 3 || f.Limit < f.Open {
		t.Errorf("got %+v", f)
	}
	if f := echoOf(t, w.URL, "X-Forwarded-For", "192.0.2.7").Files; f != nil {
		t.Errorf("through a proxy: got %+v", f)
	}
	public := newWorld(t, func(c *Config) { withFiles(c); c.PublicURL = "https://board.example" })
	if f := echoOf(t, public.URL).Files; f != nil {
		t.Errorf("with a public URL: got %+v", f)
	}
}

func TestDoctorJudges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ask := func(check, seen string) answer {
		return do(t, "GET", w.URL+"/doctor/finding/"+check+"?seen="+url.QueryEscape(seen), "")
	}
	var f doctor.Finding
	if err := json.Unmarshal([]byte(ask("version", `{"version":"http/1.1","server":"nginx"}`).body), &f); err != nil || f.Verdict != doctor.Warn || len(f.Cures) != 1 {
		t.Errorf("error %v, got %+v", err, f)
	}
	wantProblem(t, ask("pulse", `{}`), 404, `no check named "pulse"`)
	wantProblem(t, ask("version", `{`), 400, "seen")
	wantProblem(t, do(t, "GET", w.URL+"/doctor/stream/fast", ""), 404, `no probe named "fast"`)
}

func TestProbesAreStreamsLikeAnyOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := open(t, w.URL+"/live/d", "Accept-Encoding", "gzip")
	for path, encoding := range map[string]string{"/doctor/stream/steady": "gzip", "/doctor/stream/late?plain": ""} {
		probe := open(t, w.URL+path, "Accept-Encoding", "gzip")
		for _, name := range []string{"Content-Type", "Cache-Control", "X-Accel-Buffering", "Vary"} {
			if got, want := probe.Header.Get(name), page.Header.Get(name); got != want || got == "" {
				t.Errorf("%s: %s = %q, and %q of a page's stream", path, name, got, want)
			}
		}
		if got := probe.Header.Get("Content-Encoding"); got != encoding {
			t.Errorf("%s: Content-Encoding = %q, want %q", path, got, encoding)
		}
		first, _ := probe.next()
		if want := `"gzip":` + map[string]string{"gzip": "true", "": "false"}[encoding]; first.name != "probe" || !strings.Contains(first.data, want) {
			t.Errorf("%s begins with %+v, want it to say %s", path, first, want)
		}
		events := 1
		for ; ; events++ {
			if _, ok := probe.next(); !ok {
				break
			}
		}
		if want := len(probePauses[strings.TrimSuffix(path[len("/doctor/stream/"):], "?plain")]); events != want {
			t.Errorf("%s has %d events, want %d", path, events, want)
		}
	}
}

func TestProbesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var held []*stream
	for range maxProbesPerAddress {
		held = append(held, open(t, w.URL+"/doctor/stream/silent"))
	}
	wantProblem(t, do(t, "GET", w.URL+"/doctor/stream/silent", ""), 429, "Too many probes")
	get200(t, w.URL+"/doctor/echo")
	open(t, w.URL+"/live/d").until("") // probes take no place of a page's stream
	for _, s := range held {
		s.cancel()
	}
	eventually(t, "the places are free again", func() bool { return w.server.probes.count() == 0 })
	open(t, w.URL+"/doctor/stream/silent").until("probe")
}

func TestAllProbesTogetherAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range maxProbes {
		if _, err := w.server.enterProbe(netip.AddrFrom4([4]byte{192, 0, 2, byte(i / maxProbesPerAddress)})); err != nil {
			t.Fatalf("probe %d: %v", i, err)
		}
	}
	wantProblem(t, do(t, "GET", w.URL+"/doctor/stream/silent", ""), 429, "Too many probes")
	if got := w.server.probes.count(); got != maxProbes {
		t.Errorf("%d places are taken, want %d", got, maxProbes)
	}
}

func TestProbesEndWithTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := open(t, w.URL+"/doctor/stream/silent")
	s.until("probe")
	w.server.Stop()
	if !s.ended() {
		t.Error("the probe goes on")
	}
}

func TestDoctorPageNamesTheCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.PublicURL = "https://board.example" })
	page := get200(t, w.URL+"/doctor").body
	if !strings.Contains(page, "liveboard doctor https://board.example<") {
		t.Errorf("the page is %s", page)
	}
	for _, c := range doctor.Checks {
		if !strings.Contains(page, `data-check="`+c.Name+`"`) {
			t.Errorf("the page has no check %s", c.Name)
		}
	}
}

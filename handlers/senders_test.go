package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// front stands before a server, and answers 503 in its place while it is down.
type front struct {
	*httptest.Server
	down    atomic.Bool
	once    atomic.Bool // down for one request
	refused atomic.Int64
}

func newFront(t *testing.T, target string) *front {
	t.Helper()
	at, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	f := new(front)
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }} // as from this machine
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.down.Load() || f.once.CompareAndSwap(true, false) {
			f.refused.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// ticking is a target that tells at each scrape how many there were.
func ticking(t *testing.T) (target *httptest.Server, scrapes *atomic.Int64) {
	t.Helper()
	scrapes = new(atomic.Int64)
	target = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := scrapes.Add(1)
		fmt.Fprintf(w, "# TYPE ticks_total counter\nticks_total{of=\"a \\\"target\\\"\"} %d\n# TYPE odd gauge\nodd{what=\"nan\"} NaN\nodd{what=\"inf\"} -Inf\n", n)
	}))
	t.Cleanup(target.Close)
	return target, scrapes
}

// values returns what a server has of each sample of a query's only series, a range vector, or of an instant vector its value.
func (p *process) values(query string) (values []string) {
	p.t.Helper()
	var got struct {
		Data struct {
			Result []struct {
				Value  []any
				Values [][]any
			}
		}
	}
	a := get200(p.t, p.URL+"/api/v1/query?query="+url.QueryEscape(query))
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		p.t.Fatal(err)
	}
	for _, one := range got.Data.Result {
		for _, sample := range append(one.Values, one.Value) {
			if len(sample) == 2 {
				values = append(values, fmt.Sprint(sample[1]))
			}
		}
	}
	return values
}

// Each of them scrapes a target often, and writes what it got to us.
func TestRealSendersOfRemoteWriteLoseNothing(t *testing.T) {
	for _, sender := range []struct {
		name, config string
		args         []string
	}{
		{"prometheus", "remote_write: [{url: URL/api/v1/write, queue_config: {batch_send_deadline: 100ms, max_backoff: 200ms}}]\n",
			[]string{"prometheus", "--config.file=CONFIG", "--storage.tsdb.path=FOLDER/tsdb", "--web.listen-address=LISTEN"}},
		{"vmagent", "", []string{"vmagent", "-promscrape.config=CONFIG", "-remoteWrite.url=URL/api/v1/write", "-remoteWrite.flushInterval=100ms", "-remoteWrite.tmpDataPath=FOLDER/queue", "-httpListenAddr=LISTEN"}},
	} {
		t.Run(sender.name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			f := newFront(t, p.URL)
			target, scrapes := ticking(t)
			folder := t.TempDir()
			config := "global: {scrape_interval: 400ms, scrape_timeout: 400ms}\nscrape_configs: [{job_name: ticking, static_configs: [{targets: [TARGET]}]}]\n" + sender.config
			words := strings.NewReplacer("URL", f.URL, "FOLDER", folder, "LISTEN", freeAddress(t), "CONFIG", filepath.Join(folder, "config.yml"), "TARGET", target.Listener.Addr().String())
			if err := os.WriteFile(filepath.Join(folder, "config.yml"), []byte(words.Replace(config)), 0o600); err != nil {
				t.Fatal(err)
			}
			startProxy(t, folder, proxyKind{args: sender.args}, words)

			arrived := func() int { return len(p.values("ticks_total[5m]")) }
			eventually(t, "samples arrive", func() bool { return arrived() > 3 })
			f.down.Store(true)
			eventually(t, "samples are refused", func() bool { return f.refused.Load() > 0 })
			before := scrapes.Load()
			eventually(t, "more are scraped", func() bool { return scrapes.Load() > before+5 })
			f.down.Store(false)
			eventually(t, "samples arrive again", func() bool {
				return arrived() > 12 && len(p.values(`ticks_total > `+strconv.FormatInt(before+5, 10))) == 1
			})
			if got := p.values(`odd{what="inf",job="ticking"}`); len(got) != 1 || got[0] != "-Inf" {
				t.Errorf("-Inf arrives as %v", got)
			}
			target.Close()
			eventually(t, "the series ends with its target", func() bool { return len(p.values("ticks_total")) == 0 })

			eventually(t, "no tick is missing but of scrapes that failed", func() bool { // vmagent brings refused ones after newer ones
				var first, last int
				ticks := p.values("ticks_total[5m]")
				_, _ = fmt.Sscan(ticks[0]+" "+ticks[len(ticks)-1], &first, &last)
				failed := strings.Count(strings.TrimRight(strings.Join(p.values("up[5m]"), ""), "0"), "0") // the target counted them
				return last-first+1-len(ticks) <= failed
			})
		})
	}
}

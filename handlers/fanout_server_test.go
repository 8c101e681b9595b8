//go:build linux

package handlers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"liveboard/metrics"
	"liveboard/views/panels"
)

func init() { children["server"] = serveFanout }

// What the dashboard shows: a table that changes in every cell with each tick, about 2 KiB as HTML.
const (
	fanRows    = 16
	fanColumns = 5
)

// serveFanout is the process of the server: the whole program but its command line and its collectors.
func serveFanout() error {
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil))) // the log is part of the work
	var err error
	testing.Benchmark(func(b *testing.B) { // for the sake of b: the world wants one
		err = fanCommands{
			"serve":  func(o fanOrder) (fanReport, error) { return serveWorld(loud{b}, o) },
			"cpu":    usedCPU,
			"memory": usedMemory,
			"peak":   peakMemory,
			"stop":   stopWorld,
			"prints": func(fanOrder) (fanReport, error) { return fanReport{Prints: int(fanWorld.press.Prints().Count)}, nil },
		}.obey()
	})
	return err
}

// What this process serves, and by what.
var (
	fanWorld  *world
	fanServer *http.Server
)

// serveWorld serves by the server's own listener: httptest's would keep books about every connection.
func serveWorld(t testing.TB, o fanOrder) (fanReport, error) {
	board := &metrics.Board{Dashboards: []metrics.Dashboard{fanDashboard()}}
	w := pacedWorld(t, o.Gap, func(c *Config) { c.Streams, c.NoRing = StreamLimits{}, o.NoRing }, board, o.Path)
	fanWorld = w
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fanReport{}, err
	}
	server := w.server.HTTP()
	fanServer = server
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() {
		w.server.Stop()
		_ = server.Close()
	})
	return fanReport{Address: listener.Addr().String()}, nil
}

// stopWorld stops the server as main does, and returns when every stream has ended.
func stopWorld(fanOrder) (fanReport, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fanTooLong)
	defer cancel()
	fanWorld.server.Stop()
	return fanReport{}, errors.Join(fanServer.Shutdown(ctx), fanWorld.server.Wait(ctx))
}

func fanDashboard() metrics.Dashboard {
	p := metrics.Panel{Name: "load", Title: "Load", Kind: "table", Decimals: -1}
	for i := range fanColumns {
		p.Queries = append(p.Queries, metrics.Query{Expr: fmt.Sprintf("load * %d", i+1), Legend: strconv.Itoa(i + 1)})
	}
	if err := panels.Check(&p); err != nil {
		panic(err)
	}
	return metrics.Dashboard{Name: "d", Title: "D", Range: 5 * time.Minute, Panels: []metrics.Panel{p}}
}

// fanTick is the body of a push that changes every cell. Rows keep their order.
func fanTick(n int, stamp int64) []byte {
	var body []byte
	for row := range fanRows {
		body = fmt.Appendf(body, "load{shop=\"%02d\"} %d %d\n", row, 100*row+n%100, stamp)
	}
	return body
}

// publish pushes a tick by HTTP; its samples bear the stamp as their time.
func publish(client *http.Client, address string, n int, stamp int64) error {
	resp, err := client.Post("http://"+address+"/api/push", textPlain, bytes.NewReader(fanTick(n, stamp)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("push: status %d: %s", resp.StatusCode, text)
	}
	return nil
}

// usedCPU tells the seconds, user and system, that this process has used.
func usedCPU(fanOrder) (fanReport, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return fanReport{CPU: (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()}, err
}

// usedMemory tells how much of this process is resident once what it needs no more is given back. The
// kernel's part, sockets and their buffers, is not in it.
func usedMemory(fanOrder) (fanReport, error) {
	debug.FreeOSMemory()
	return kernelTells("/proc/self/smaps_rollup", "\nRss:")
}

// peakMemory tells the most that was resident since it was told last, and begins anew.
func peakMemory(fanOrder) (fanReport, error) {
	const forgetPeak = "5" // proc_pid_clear_refs(5)
	r, err := kernelTells("/proc/self/status", "\nVmHWM:")
	return r, errors.Join(err, os.WriteFile("/proc/self/clear_refs", []byte(forgetPeak), 0))
}

func kernelTells(path, what string) (fanReport, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return fanReport{}, err
	}
	_, after, _ := bytes.Cut(text, []byte(what))
	line, _, _ := bytes.Cut(bytes.TrimSpace(after), []byte(" kB"))
	kib, err := strconv.ParseFloat(string(line), 64)
	return fanReport{KiB: kib}, err
}

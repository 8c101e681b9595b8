package rank

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// benchmarkRedis asks and changes a sorted set of Redis, over a unix socket and one command at a time, as a server does for
// each request of its own. It is left out, and says so, where there is no redis-server.
func benchmarkRedis(b *testing.B, items []item) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		b.Log("left out: redis-server is not installed (apt-get install redis-server)")
		return
	}
	r := startRedis(b, path)
	r.fill(b, items)
	asked, targets := draw(items, 1, drawn), draw(items, 2, drawn)
	b.Run("rank", func(b *testing.B) {
		for b.Loop() {
			r.do(b, "ZREVRANK", "board", member(*asked.turn()))
		}
	})
	b.Run("top100", func(b *testing.B) {
		for b.Loop() {
			r.do(b, "ZREVRANGE", "board", "0", "99")
		}
	})
	b.Run("change", func(b *testing.B) {
		for b.Loop() {
			r.do(b, "ZADD", "board", points(*targets.turn()), member(*asked.turn()))
		}
		b.ReportMetric(float64(r.used(b))/float64(len(items)), "B/player")
	})
}

func member(it item) string { return fmt.Sprintf("p%07d", it.slot) }
func points(it item) string { return strconv.FormatFloat(scoreOf(int(it.slot)), 'f', -1, 64) }

// redis is a connection that speaks RESP: https://redis.io/docs/latest/develop/reference/protocol-spec/
type redis struct {
	w *bufio.Writer
	r *bufio.Reader
}

// startRedis starts a server that stores nothing and ends with the benchmark.
func startRedis(b *testing.B, path string) *redis {
	b.Helper()
	socket := filepath.Join(b.TempDir(), "redis.sock")
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for log := bufio.NewScanner(out); log.Scan(); {
		if !strings.Contains(log.Text(), "accept connections at") {
			continue
		}
		conn, err := net.Dial("unix", socket)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		return &redis{bufio.NewWriter(conn), bufio.NewReader(conn)}
	}
	b.Fatal("redis-server ended before it opened its socket")
	return nil
}

// send writes a command without waiting for its answer.
func (r *redis) send(args ...string) {
	fmt.Fprintf(r.w, "*%d\r\n", len(args))
	for _, arg := range args {
		r.w.WriteString("$" + strconv.Itoa(len(arg)) + "\r\n" + arg + "\r\n")
	}
}

// answer reads one answer and returns what its bulk string holds, if it is one.
func (r *redis) answer(b *testing.B) string {
	line, err := r.r.ReadString('\n')
	if err != nil || line[0] == '-' {
		b.Fatalf("got answer %q and error %v", line, err)
	}
	n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	switch line[0] {
	case '*':
		for range n {
			r.answer(b)
		}
	case '$':
		bulk := make([]byte, n+2)
		if _, err := io.ReadFull(r.r, bulk); err != nil {
			b.Fatal(err)
		}
		return string(bulk[:n])
	}
	return ""
}

func (r *redis) do(b *testing.B, args ...string) string {
	r.send(args...)
	if err := r.w.Flush(); err != nil {
		b.Fatal(err)
	}
	return r.answer(b)
}

// fill adds all items, a thousand to a command.
func (r *redis) fill(b *testing.B, items []item) {
	for part := range slices.Chunk(items, 1000) {
		args := []string{"ZADD", "board"}
		for _, it := range part {
			args = append(args, points(it), member(it))
		}
		r.do(b, args...)
	}
}

// used is how many bytes the set takes.
func (r *redis) used(b *testing.B) int {
	info := r.do(b, "INFO", "memory")
	_, rest, _ := strings.Cut(info, "used_memory:")
	value, _, _ := strings.Cut(rest, "\r")
	n, err := strconv.Atoi(value)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

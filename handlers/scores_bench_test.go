package handlers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"liveboard/metrics/rank"
)

const (
	senderConns   = 64
	senderPlayers = 100_000
)

// senderEnv makes this test binary a sender of scores to the address that it holds; see sendScores.
const senderEnv = "LIVEBOARD_TEST_SENDER"

// BenchmarkScores measures durable submissions per second of one score each, by 64 connections of
// another process, to a leaderboard of 100,000 players. The floor is a handler that reads the body
// and answers 201, asked by the same sender.
func BenchmarkScores(b *testing.B) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil))) // the log is part of the work
	defer slog.SetDefault(before)
	w := newLeague(b, nil, leaderboard("arcade", nil))
	for from := 0; from < senderPlayers; from += rank.MaxScores {
		var list []string
		for i := range rank.MaxScores {
			list = append(list, fmt.Sprintf(`{"player":"player-%d","score":%d}`, from+i, rand.IntN(1000)))
		}
		if a := w.post("/arcade/scores", "["+strings.Join(list, ",")+"]"); a.StatusCode != http.StatusCreated {
			b.Fatal(a.body)
		}
	}
	floor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("{}"))
	}))
	defer floor.Close()
	b.Run("server", func(b *testing.B) { benchmarkSender(b, w.http.Listener.Addr().String()) })
	b.Run("floor", func(b *testing.B) { benchmarkSender(b, floor.Listener.Addr().String()) })
}

// benchmarkSender has another process send b.N scores.
func benchmarkSender(b *testing.B, address string) {
	b.ReportAllocs()
	sender := exec.CommandContext(b.Context(), os.Args[0], strconv.Itoa(b.N))
	sender.Env = append(sender.Environ(), senderEnv+"="+address)
	sender.Stderr = os.Stderr
	in, err := sender.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := sender.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := sender.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	expect := func(want string) {
		if line, err := lines.ReadString('\n'); line != want+"\n" {
			b.Fatalf("the sender says %q, error %v, want %q", line, err, want)
		}
	}
	expect("connected")
	b.ResetTimer()
	_ = in.Close() // it begins
	expect("answered")
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submissions/s")
	if err := sender.Wait(); err != nil {
		b.Fatal(err)
	}
}

// sendScores is the other process: it connects, waits for its input to end, sends so many scores and
// ends once all are answered with 201.
func sendScores(address, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	conns := make([]net.Conn, senderConns)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", address); err != nil {
			return err
		}
	}
	fmt.Println("connected")
	_, _ = io.ReadAll(os.Stdin)
	errs := make([]error, senderConns)
	var senders sync.WaitGroup
	for i, conn := range conns {
		share := n / senderConns
		if i < n%senderConns {
			share++
		}
		senders.Go(func() { errs[i] = sendOn(conn, address, share) })
	}
	senders.Wait()
	fmt.Println("answered")
	return errors.Join(errs...)
}

// sendOn sends scores one after the other on a connection. It makes its requests by hand: net/http
// would take as much of the machine as the server.
func sendOn(conn net.Conn, address string, n int) error {
	defer conn.Close()
	answers := bufio.NewReader(conn)
	var request, body []byte
	for range n {
		body = fmt.Appendf(body[:0], `{"player":"player-%d","score":%d}`, rand.IntN(senderPlayers), rand.IntN(1_000_000))
		request = fmt.Appendf(request[:0], "POST /api/leaderboards/arcade/scores HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", address, len(body), body)
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := readCreated(answers); err != nil {
			return err
		}
	}
	return nil
}

// readCreated reads an answer to its end.
func readCreated(r *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 201 ")) {
			return fmt.Errorf("the answer is %q", line)
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
		if len(line) == 2 {
			_, err := r.Discard(length)
			return err
		}
	}
}

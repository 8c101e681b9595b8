package handlers

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The system calls of a push, as strace writes them. A connection that idles reads the first byte of what comes by itself.
var (
	pushRead   = regexp.MustCompile(`read\(.*"P?OST /api/push`)
	walWritten = regexp.MustCompile(`write(64|v)?\(\d+<[^>]*-wal>`)
	walSynced  = regexp.MustCompile(`f(data)?sync\(\d+<[^>]*-wal>.*= 0$`)
	pushTaken  = regexp.MustCompile(`write\(.*"HTTP/1.1 204`)
)

// No 2xx goes out before the disk has the write-ahead log, which was written after the request was read.
func TestNothingIsAcknowledgedBeforeItIsSynced(t *testing.T) {
	t.Parallel()
	const pushes = 30
	path := filepath.Join(t.TempDir(), "x.db")
	p := startQuiet(t, path)
	stop := traced(t, p)
	for i := range pushes {
		p.push(fmt.Sprintf("orders %d", i))
	}
	read, written, synced, taken := false, false, false, 0
	for _, call := range stop() {
		switch {
		case pushRead.MatchString(call):
			read, written, synced = true, false, false
		case walWritten.MatchString(call):
			written, synced = read, false
		case walSynced.MatchString(call):
			synced = written
		case pushTaken.MatchString(call):
			taken++
			if !synced {
				t.Errorf("push %d is acknowledged, and the log of writes is not synced", taken)
			}
			read, written, synced = false, false, false
		}
	}
	if taken != pushes {
		t.Errorf("got %d pushes and their answers in the trace, want %d", taken, pushes)
	}
}

// traced follows the system calls of a process. The function that it returns kills that, and returns them.
func traced(t *testing.T, p *process) (stop func() []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	strace := rootCommand("strace", "-f", "-y", "-s", "64", "-e", "trace=read,write,writev,pwrite64,sendto,fdatasync,fsync", "-o", file, "-p", fmt.Sprint(p.cmd.Process.Pid))
	stderr, err := strace.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := strace.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil || !strings.Contains(line, "attached") {
		t.Fatalf("strace says %q, %v", line, err)
	}
	return func() []string {
		p.kill()
		if err := strace.Wait(); err != nil {
			t.Fatal(err)
		}
		trace, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return callsOf(string(trace))
	}
}

// callsOf returns the calls of a trace in the order in which they end, but answers where they begin: strace writes a
// call in two parts when another thread's comes in between.
func callsOf(trace string) (calls []string) {
	begun := map[string]string{}
	for line := range strings.Lines(trace) {
		thread, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		call = strings.TrimSpace(call)
		if first, ok := strings.CutSuffix(call, "<unfinished ...>"); ok {
			begun[thread] = first
			if pushTaken.MatchString(first) {
				calls = append(calls, first)
			}
			continue
		}
		if _, rest, ok := strings.Cut(call, " resumed>"); ok {
			if pushTaken.MatchString(begun[thread]) {
				continue
			}
			call = begun[thread] + rest
		}
		calls = append(calls, call)
	}
	return calls
}

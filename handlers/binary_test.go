package handlers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(senderEnv); address != "" {
		if err := sendScores(address, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if child := children[os.Getenv(childEnv)]; child != nil {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // logs is for tests of what is logged
	code := m.Run()
	closeBrowser()
	_ = os.RemoveAll(binaryFolder())
	os.Exit(code)
}

// childEnv makes this test binary one of children, whose name it holds.
const childEnv = "LIVEBOARD_TEST_CHILD"

// children are what else this test binary can be: processes that tests start.
var children = map[string]func() error{}

var binaryFolder = sync.OnceValue(func() string {
	folder, err := os.MkdirTemp("", "liveboard-test")
	if err != nil {
		panic(err)
	}
	return folder
})

var buildBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryFolder(), "liveboard")
	out, err := exec.Command("go", "build", "-o", path, "liveboard").CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return path, err
})

// binary returns the path of the program, built once for all tests.
func binary(t testing.TB) string {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatalf("go build: %v", err)
	}
	return path
}

// patience is how long tests wait for what a process should do at once.
const patience = 20 * time.Second

// process is a running server. Tests read its URL and may signal it by cmd.
type process struct {
	t   testing.TB
	cmd *exec.Cmd
	URL string // without a slash at its end

	exited chan struct{} // closed after err was set
	err    error         // of cmd.Wait

	mu  sync.Mutex
	log strings.Builder
}

// start runs "liveboard serve" on a free port, in a folder of its own where its database is, and
// returns once it listens. args come behind the others; env are NAME=value pairs among them. The
// test's end kills it.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return launch(t, serving(t, args...))
}

// serving is the command that start runs.
func serving(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return command(t, append([]string{"serve", "--listen=127.0.0.1:0", "--log=json"}, args...)...)
}

// launch is start for a command.
func launch(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, exited: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	listening := make(chan string, 1)
	go p.follow(stderr, listening)
	select {
	case p.URL = <-listening:
	case <-p.exited:
		t.Fatalf("%s ended before it listened: %v\n%s", cmd, p.err, p.logged())
	case <-time.After(patience):
		t.Fatalf("%s does not listen:\n%s", cmd, p.logged())
	}
	return p
}

// command prepares the program to run in a folder of its own. Arguments that look like
// NAME=value go into its environment.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	isEnv := func(arg string) bool { return strings.HasPrefix(arg, "LIVEBOARD_") || strings.HasPrefix(arg, "GOGC=") }
	cmd := exec.Command(binary(t), slices.DeleteFunc(slices.Clone(args), isEnv)...)
	cmd.Dir = t.TempDir()
	for _, arg := range args {
		if isEnv(arg) {
			cmd.Env = append(cmd.Environ(), arg)
		}
	}
	return cmd
}

// follow keeps the log, and tells the URL in the line that says that the server listens.
func (p *process) follow(stderr io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			listening <- line.URL
		}
	}
	p.err = p.cmd.Wait()
	close(p.exited)
}

// logged returns what the process has written to stderr so far.
func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// stop asks the process to stop, and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	return p.wait()
}

// wait returns the exit code of a process that is about to end; -1 when a signal ended it.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("the process has not ended within %v:\n%s", patience, p.logged())
	}
	return p.cmd.ProcessState.ExitCode()
}

// kill ends the process like a power cut, if it runs.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// run runs the program to its end, and returns its exit code and what it wrote.
func run(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs strings.Builder
	cmd := command(t, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	_ = cmd.Wait() // the code tells
	if ctx.Err() != nil {
		t.Fatalf("liveboard %s has not ended within %v: %s", strings.Join(args, " "), patience, errs.String())
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

package handlers

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk returns a folder that is a disk of that many MiB.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	folder := t.TempDir()
	asRoot(t, "mount", "-t", "tmpfs", "-o", "mode=0777,size="+strconv.Itoa(megabytes)+"m", "liveboard-test", folder)
	t.Cleanup(func() { asRoot(t, "umount", folder) })
	return folder
}

func asRoot(t *testing.T, args ...string) {
	t.Helper()
	if out, err := rootCommand(args...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
}

// rootCommand prepares what only root may do.
func rootCommand(args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "--non-interactive"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// fill takes what room a disk has left, and returns the file that has it.
func fill(t *testing.T, folder string) string {
	t.Helper()
	file := filepath.Join(folder, "filler")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("to fill the disk ends with %v", err)
	}
	return file
}

// A full disk refuses what is pushed, and says so; what is in memory goes on, and so does all once there is room.
func TestFullDiskRefusesAndHeals(t *testing.T) {
	t.Parallel()
	folder := smallDisk(t, 24)
	path := filepath.Join(folder, "x.db")
	p := startQuiet(t, path)
	var s sender
	pushBatch := func() answer {
		number := s.next()
		a := do(t, "POST", p.URL+"/api/push", batchText(number), "Content-Type", textPlain)
		if a.StatusCode == http.StatusNoContent {
			s.ack(number)
		}
		return a
	}
	for range 100 {
		if a := pushBatch(); a.StatusCode != http.StatusNoContent {
			t.Fatalf("push: %d %s", a.StatusCode, a.body)
		}
	}
	p.push("orders 700")
	filler := fill(t, folder)
	// The log of writes may have room of its own for a while, and what it takes is as durable as ever.
	var refused answer
	eventually(t, "a push is refused", func() bool {
		refused = pushBatch()
		return refused.StatusCode != http.StatusNoContent
	})
	for range 20 {
		wantNoRoom(t, pushBatch())
	}
	wantNoRoom(t, do(t, "POST", p.URL+"/api/leaderboards/arcade/scores", `{"player":"ada","score":1}`, "Content-Type", jsonType))
	if got := p.shown(); !strings.Contains(got, "700") {
		t.Errorf("meanwhile the panel shows %q", got)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "a push is taken again", func() bool { return pushBatch().StatusCode == http.StatusNoContent })
	t.Logf("a push was taken %v after there was room", time.Since(began).Round(time.Millisecond))
	p.kill()
	wantWhole(t, path, s.acked)
}

func wantNoRoom(t *testing.T, a answer) {
	t.Helper()
	wantProblem(t, a, http.StatusServiceUnavailable, "could not be")
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 {
		t.Errorf("Retry-After is %q, want seconds", a.Header.Get("Retry-After"))
	}
}

package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"liveboard/metrics"
)

// A write takes effect once the file has read the same twice, boardSettle apart, so that half a file
// is not taken for the whole. Where the system tells of no changes (network folders, bind mounts,
// links to elsewhere, no inotify instance left), boardPoll still finds them within a second.
const (
	boardSettle = 50 * time.Millisecond
	boardFill   = 2 * time.Second // what a command whose output goes to the file may take to begin
	boardPoll   = 500 * time.Millisecond
)

// BoardFile is a board file that is followed while it changes. It is not for concurrent use.
type BoardFile struct {
	path    string
	check   BoardCheck
	poll    time.Duration
	board   *metrics.Board // the last good one
	good    boardContent   // what board was made of
	told    boardContent   // what Run's caller knows of, good or not
	before  boardContent   // what the last look found
	patient bool           // before is empty, and has been given time to fill
}

// boardContent is a board file as it was found: its bytes, or why they cannot be read.
type boardContent struct {
	src []byte
	err error
}

// OpenBoard reads the board file at path, as LoadBoard does, to follow it by Run. Where there is
// no file the board is the built-in one until a file appears.
func OpenBoard(path string, check BoardCheck) (*BoardFile, error) {
	f := &BoardFile{path: path, check: check, poll: boardPoll}
	f.good = f.read()
	f.told, f.before = f.good, f.good
	var err error
	if errors.Is(f.good.err, fs.ErrNotExist) {
		f.board, err = ParseBoard("built-in board", defaultBoard, check)
	} else {
		f.board, err = f.parse(f.good)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Board returns the last good board.
func (f *BoardFile) Board() *metrics.Board { return f.board }

// Run blocks until ctx ends and calls changed, one call at a time, when the file has changed since
// OpenBoard or the last call: with the new board, or with nil and why the file cannot be used, in
// which case the last good board stands. A file that is mended, even to what it was before, is a
// change; one that is written anew without a difference is not.
func (f *BoardFile) Run(ctx context.Context, changed func(*metrics.Board, error)) {
	events, failures, stop := watchFolder(f.path)
	defer stop()
	poll := time.NewTicker(f.poll)
	defer poll.Stop()
	soon := time.After(0) // what happened before the folder was watched
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			if soon == nil || f.patient {
				soon = time.After(boardSettle)
			}
		case <-failures: // an overflow: the poll makes up for what was lost
		case <-poll.C:
			if soon == nil {
				soon = f.look(changed)
			}
		case <-soon:
			soon = f.look(changed)
		}
	}
}

// look calls changed if the file differs from what was told and has settled. It returns when to
// look again: nil leaves that to the next event.
func (f *BoardFile) look(changed func(*metrics.Board, error)) <-chan time.Time {
	now, before := f.read(), f.before
	f.before = now
	switch {
	case now.equal(f.told):
		return nil
	case !now.equal(before):
		f.patient = false
		return time.After(boardSettle)
	case now.err == nil && len(now.src) == 0 && !f.patient:
		f.patient = true
		return time.After(boardFill)
	}
	f.told, f.patient = now, false
	changed(f.take(now))
	return nil
}

// take makes the board of now the last good one, if it is good.
func (f *BoardFile) take(now boardContent) (*metrics.Board, error) {
	if now.equal(f.good) {
		return f.board, nil
	}
	board, err := f.parse(now)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the board file is gone, the board stays as it was: %w", err)
	case err != nil:
		return nil, err
	}
	f.board, f.good = board, now
	return board, nil
}

func (f *BoardFile) parse(c boardContent) (*metrics.Board, error) {
	if c.err != nil {
		return nil, c.err
	}
	return ParseBoard(f.path, c.src, f.check)
}

func (f *BoardFile) read() boardContent {
	src, err := readBoard(f.path)
	return boardContent{src, err}
}

func (c boardContent) equal(other boardContent) bool {
	if c.err != nil || other.err != nil {
		return fmt.Sprint(c.err) == fmt.Sprint(other.err)
	}
	return bytes.Equal(c.src, other.src)
}

// watchFolder tells of changes in path's folder. The folder and not the file, because editors
// and Kubernetes put another file in its place. Where that cannot be had the channels are nil.
func watchFolder(path string) (events <-chan fsnotify.Event, failures <-chan error, stop func()) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil, func() {}
	}
	_ = watcher.Add(filepath.Dir(path)) // a folder that is not there yet is left to the poll
	return watcher.Events, watcher.Errors, func() { _ = watcher.Close() }
}

package data

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/disk"

	"liveboard/metrics"
)

const (
	backupLook   = time.Minute      // how often the clock is looked at: it may be set meanwhile
	backupWarmup = 10 * time.Minute // after a start, before a backup that was missed is made up for
	backupRetry  = time.Hour        // after one that failed
	backupSpare  = 256 << 20        // bytes of the disk that backups leave free
)

// A backup's name is the database's, when it was begun in UTC, and the suffix: names sort by age.
const (
	backupTime   = "20060102T150405Z"
	backupSuffix = ".db"
)

// BackupPlan says when a server backs its database up by itself, and where to.
type BackupPlan struct {
	Folder string        // made where there is none; "" for one beside the database
	Keep   int           // how many stay, the newest; 0 for no backups
	At     time.Duration // after midnight, in the zone of the machine
}

// BackupStats are figures about a Backups.
type BackupStats struct {
	Made, Failed uint64    // since the start
	NewestAt     time.Time // when the newest backup that there is was begun; zero for none
	Bytes        int64     // of the newest backup
	Took         time.Duration
}

// Backups backs a database up every night. It is safe for concurrent use.
type Backups struct {
	path string
	plan BackupPlan
	log  *slog.Logger

	mu    sync.Mutex
	stats BackupStats
	err   error // of the last try
}

// NewBackups returns the nightly backups of the database at path, which begin with Run.
func NewBackups(path string, plan BackupPlan, log *slog.Logger) *Backups {
	if plan.Folder == "" {
		plan.Folder = path + ".backups"
	}
	b := &Backups{path: path, plan: plan, log: log}
	b.look()
	return b
}

// Prepare makes the folder where there is none, and returns an error where backups cannot be written there. It
// does nothing where none are to be made.
func (b *Backups) Prepare() error {
	if b.plan.Keep == 0 {
		return nil
	}
	err := os.MkdirAll(b.plan.Folder, 0o700)
	if err == nil {
		err = tryWriting(b.plan.Folder)
	}
	if err != nil {
		return fmt.Errorf("backups cannot be written to the folder %s: %w", b.plan.Folder, err)
	}
	return nil
}

func tryWriting(folder string) error {
	f, err := os.CreateTemp(folder, ".liveboard-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Run makes a backup each night until ctx ends, and some minutes after the start one that was missed. A try that
// failed is logged and repeated after an hour. One that is under way when ctx ends is given up.
func (b *Backups) Run(ctx context.Context) {
	if b.plan.Keep == 0 {
		return
	}
	tick := time.NewTicker(backupLook)
	defer tick.Stop()
	started := time.Now()
	notBefore := started // of the next try after one that failed
	b.log.Info("next backup", "at", b.next(started, started).Round(time.Second), "folder", b.plan.Folder)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := time.Now(); !now.Before(notBefore) && !now.Before(b.next(now, started)) {
			if b.tryOne(ctx) != nil {
				notBefore = time.Now().Add(backupRetry)
			}
		}
	}
}

// next returns from when on a backup is due. One that was missed before the start waits a while, but never beyond the
// time that is set for the one after it.
func (b *Backups) next(now, started time.Time) time.Time {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	last := midnight.Add(b.plan.At)
	if last.After(now) {
		last = last.AddDate(0, 0, -1)
	}
	after := last.AddDate(0, 0, 1)
	warm := started.Add(backupWarmup)
	switch {
	case b.begunSince(last, now):
		return after
	case !last.Before(started):
		return last
	case warm.After(after):
		return after
	}
	return warm
}

// begunSince reports whether there is a backup from between last and now.
func (b *Backups) begunSince(last, now time.Time) bool {
	whole, _ := b.list()
	return slices.ContainsFunc(whole, func(name string) bool {
		begun, _, _ := b.begun(name)
		return !begun.Before(last) && !begun.After(now) // from the future comes what was made while the clock was wrong
	})
}

func (b *Backups) tryOne(ctx context.Context) error {
	begun := time.Now()
	err := b.make(ctx, begun)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.mu.Lock()
	b.err = err
	b.stats.Took = time.Since(begun)
	if err == nil {
		b.stats.Made++
	} else {
		b.stats.Failed++
	}
	b.mu.Unlock()
	b.look()
	if err != nil {
		b.log.Error("backup failed, it is tried again in an hour", "folder", b.plan.Folder, "err", err)
		return err
	}
	s := b.Stats()
	b.log.Info("backup made", "folder", b.plan.Folder, "bytes", s.Bytes, "seconds", s.Took.Seconds())
	return nil
}

func (b *Backups) make(ctx context.Context, begun time.Time) error {
	if err := os.MkdirAll(b.plan.Folder, 0o700); err != nil {
		return err
	}
	if err := b.clear(); err != nil {
		return err
	}
	if err := b.room(); err != nil {
		return err
	}
	name := b.prefix() + begun.UTC().Format(backupTime) + backupSuffix
	if err := Backup(ctx, b.path, filepath.Join(b.plan.Folder, name), true); err != nil {
		return err
	}
	return b.prune(name)
}

// room refuses to take what the database itself may need soon: it would stand still for its own backup.
func (b *Backups) room() error {
	info, err := os.Stat(b.path)
	if err != nil {
		return err
	}
	usage, err := disk.Usage(b.plan.Folder)
	if err != nil {
		return err
	}
	if need := 2*uint64(info.Size()) + backupSpare; usage.Free < need {
		return fmt.Errorf("the disk has %d MiB free, and a backup is made only where there are %d MiB: twice the database and %d", usage.Free>>20, need>>20, backupSpare>>20)
	}
	return nil
}

// prune removes the oldest backups beyond those that stay. made, the newest in truth, is not among
// them even where others have names from the future.
func (b *Backups) prune(made string) error {
	names, _ := b.list()
	names = slices.DeleteFunc(names, func(name string) bool { return name == made })
	var errs []error
	for _, name := range names[:max(0, len(names)-b.plan.Keep+1)] {
		errs = append(errs, os.Remove(filepath.Join(b.plan.Folder, name)))
	}
	return errors.Join(errs...)
}

// clear removes what crashes left of backups.
func (b *Backups) clear() error {
	_, parts := b.list()
	var errs []error
	for _, name := range parts {
		errs = append(errs, os.Remove(filepath.Join(b.plan.Folder, name)))
	}
	return errors.Join(errs...)
}

func (b *Backups) prefix() string { return strings.TrimSuffix(filepath.Base(b.path), ".db") + "-" }

// list returns the names of the backups in the folder, the oldest first, and of those that are not whole. Other
// files are nobody's business.
func (b *Backups) list() (whole, parts []string) {
	entries, err := os.ReadDir(b.plan.Folder)
	if err != nil {
		return nil, nil // where no folder is, no backup is
	}
	for _, e := range entries {
		switch _, end, ok := b.begun(e.Name()); {
		case ok && end == "":
			whole = append(whole, e.Name())
		case ok && strings.HasSuffix(end, partSuffix):
			parts = append(parts, e.Name())
		}
	}
	return whole, parts
}

// begun returns when the backup of that name was begun, and what follows it in the name.
func (b *Backups) begun(name string) (at time.Time, end string, ok bool) {
	rest, ours := strings.CutPrefix(name, b.prefix())
	stamp, end, found := strings.Cut(rest, backupSuffix)
	at, err := time.Parse(backupTime, stamp)
	return at, end, ours && found && err == nil
}

// look notes what there is in the folder.
func (b *Backups) look() {
	newest, bytes := time.Time{}, int64(0)
	if whole, _ := b.list(); len(whole) > 0 {
		name := whole[len(whole)-1]
		newest, _, _ = b.begun(name)
		if info, err := os.Stat(filepath.Join(b.plan.Folder, name)); err == nil {
			bytes = info.Size()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.NewestAt, b.stats.Bytes = newest, bytes
}

// Stats returns the figures of now.
func (b *Backups) Stats() BackupStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// Usage tells what backups there are.
func (b *Backups) Usage() metrics.BackupUsage {
	s := b.Stats()
	return metrics.BackupUsage{Folder: b.plan.Folder, Keep: b.plan.Keep, NewestAt: s.NewestAt, Bytes: s.Bytes, Err: b.Healthy()}
}

// Healthy returns why the last try failed, or nil.
func (b *Backups) Healthy() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Cure says how the newest backup comes into the place of a database that is damaged.
func (b *Backups) Cure() string {
	whole, _ := b.list()
	if len(whole) == 0 {
		return fmt.Sprintf("there is no backup in %s; if you have one elsewhere: liveboard restore FILE --data %s --force", b.plan.Folder, b.path)
	}
	newest := filepath.Join(b.plan.Folder, whole[len(whole)-1])
	return fmt.Sprintf("what it held at the newest backup comes back with: liveboard restore %s --data %s --force", newest, b.path)
}

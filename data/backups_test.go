package data

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inNights runs f with a database and its backups at three at night, which run until f returns, and whose clock begins at
// midnight of the first of January 2000, UTC.
func inNights(t *testing.T, keep int, f func(b *Backups)) (folder string) {
	t.Helper()
	path, _ := filled(t)
	folder = path + ".backups"
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		_, east := time.Now().Zone()
		three := (27*time.Hour + time.Duration(east)*time.Second) % (24 * time.Hour)
		b := NewBackups(path, BackupPlan{Keep: keep, At: three}, slog.New(slog.DiscardHandler))
		var run sync.WaitGroup
		run.Go(func() { b.Run(ctx) })
		f(b)
		stop()
		run.Wait()
	})
	return folder
}

// pass lets time go by, and what is to happen in it happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestBackupsAreMadeEveryNightAndTheNewestStay(t *testing.T) {
	folder := inNights(t, 3, func(b *Backups) {
		pass(backupWarmup + backupLook) // there is none yet, so the last night counts as missed
		if s := b.Stats(); s.Made != 1 || s.Bytes == 0 || s.NewestAt.IsZero() {
			t.Errorf("soon after the start: %+v, want one backup", s)
		}
		pass(4 * 24 * time.Hour)
		if s := b.Stats(); s.Made != 5 || s.Failed != 0 || b.Healthy() != nil {
			t.Errorf("after four nights: %+v, %v, want five backups", s, b.Healthy())
		}
	})
	wantAlone(t, folder, "liveboard-20000102T030000Z.db", "liveboard-20000103T030000Z.db", "liveboard-20000104T030000Z.db")
	if found, err := Verify(t.Context(), filepath.Join(folder, "liveboard-20000104T030000Z.db")); err != nil || found.Err() != nil {
		t.Errorf("the newest: %v, %v", err, found.Err())
	}
}

func TestBackupsLeaveOtherFilesAlone(t *testing.T) {
	folder := inNights(t, 1, func(b *Backups) {
		must(t, os.MkdirAll(b.plan.Folder, 0o700))
		for _, name := range []string{"notes.txt", "liveboard-old.db", "other-19990101T030000Z.db", "liveboard-19990101T030000Z.db", "liveboard-19990101T030000Z.db.123.part"} {
			must(t, os.WriteFile(filepath.Join(b.plan.Folder, name), []byte("x"), 0o600))
		}
		pass(24 * time.Hour)
	})
	wantAlone(t, folder, "liveboard-20000101T030000Z.db", "liveboard-old.db", "notes.txt", "other-19990101T030000Z.db")
}

func TestBackupThatWasMadeIsNotMadeAgainAfterARestart(t *testing.T) {
	inNights(t, 3, func(b *Backups) {
		must(t, os.MkdirAll(b.plan.Folder, 0o700))
		must(t, os.WriteFile(filepath.Join(b.plan.Folder, "liveboard-19991231T030100Z.db"), []byte("x"), 0o600))
		pass(2 * time.Hour)
		if s := b.Stats(); s.Made != 0 {
			t.Errorf("got %d backups before the night, want none", s.Made)
		}
		pass(2 * time.Hour)
		if s := b.Stats(); s.Made != 1 {
			t.Errorf("got %d backups after three o'clock, want one", s.Made)
		}
	})
}

// One that was missed is not waited for where the time of the next comes first.
func TestBackupIsMadeAtItsTimeSoonAfterAStart(t *testing.T) {
	path, _ := filled(t)
	var lines strings.Builder
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		now := time.Now()
		at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute()+2)*time.Minute
		b := NewBackups(path, BackupPlan{Keep: 3, At: at}, slog.New(slog.NewTextHandler(&lines, nil)))
		var run sync.WaitGroup
		run.Go(func() { b.Run(ctx) })
		pass(2*time.Minute - time.Second)
		if s := b.Stats(); s.Made != 0 {
			t.Errorf("before its time: %+v, want none", s)
		}
		pass(2 * time.Second)
		if s := b.Stats(); s.Made != 1 {
			t.Errorf("at its time: %+v, want one", s)
		}
		pass(time.Hour)
		if s := b.Stats(); s.Made != 1 {
			t.Errorf("an hour later: %+v, want one still", s)
		}
		stop()
		run.Wait()
		if want := `msg="next backup" at=` + now.Add(2*time.Minute).Format("2006-01-02T15:04:05"); !strings.Contains(lines.String(), want) {
			t.Errorf("the log is\n%s\nwant %s", lines.String(), want)
		}
	})
}

func TestBackupsSayAtTheStartWhereTheyCannotBeWritten(t *testing.T) {
	path, _ := filled(t)
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, folder := range []string{file, filepath.Join(file, "below")} {
		b := NewBackups(path, BackupPlan{Folder: folder, Keep: 3}, slog.New(slog.DiscardHandler))
		if err := b.Prepare(); err == nil || !strings.Contains(err.Error(), "backups cannot be written to the folder "+folder) {
			t.Errorf("got error %v, want that %s cannot be written", err, folder)
		}
		must(t, NewBackups(path, BackupPlan{Folder: folder}, slog.New(slog.DiscardHandler)).Prepare()) // none are made
	}
	folder := filepath.Join(t.TempDir(), "a", "b")
	must(t, NewBackups(path, BackupPlan{Folder: folder, Keep: 3}, slog.New(slog.DiscardHandler)).Prepare())
	wantAlone(t, folder)
}

// A clock that was a year ahead for a while neither stops backups nor has the true ones thrown away.
func TestBackupsSurviveAClockThatWasAhead(t *testing.T) {
	folder := inNights(t, 2, func(b *Backups) {
		must(t, os.MkdirAll(b.plan.Folder, 0o700))
		for _, name := range []string{"liveboard-20010101T030000Z.db", "liveboard-20010102T030000Z.db"} {
			must(t, os.WriteFile(filepath.Join(b.plan.Folder, name), []byte("x"), 0o600))
		}
		pass(24 * time.Hour)
	})
	wantAlone(t, folder, "liveboard-20000101T030000Z.db", "liveboard-20010102T030000Z.db")
}

func TestBackupsThatFailSayWhyAndGoOn(t *testing.T) {
	folder := inNights(t, 3, func(b *Backups) {
		pass(backupWarmup + backupLook)
		change(t, b.path, "UPDATE chunks SET data = ZEROBLOB(LENGTH(data)) WHERE from_at = 0")
		pass(3*time.Hour + backupRetry)
		if s, err := b.Stats(), b.Healthy(); s.Made != 1 || s.Failed != 2 || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "series 1") {
			t.Errorf("got %+v and error %v, want two tries and where the damage is", s, err)
		}
		change(t, b.path, "DELETE FROM chunks WHERE from_at = 0")
		pass(backupRetry)
		if s, err := b.Stats(), b.Healthy(); s.Made != 2 || err != nil {
			t.Errorf("an hour later got %+v and error %v, want a backup", s, err)
		}
	})
	wantAlone(t, folder, "liveboard-20000101T001000Z.db", "liveboard-20000101T050000Z.db")
}

func TestNoBackupsAreMadeWhereNoneStay(t *testing.T) {
	folder := inNights(t, 0, func(*Backups) { pass(48 * time.Hour) })
	if _, err := os.Stat(folder); err == nil {
		t.Error("there is a folder of backups")
	}
}

// A database for whose copy there is no room is not copied: it would soon have no room itself.
func TestBackupsLeaveTheDatabaseItsRoom(t *testing.T) {
	var small int64
	folder := inNights(t, 3, func(b *Backups) {
		info, err := os.Stat(b.path)
		must(t, err)
		small = info.Size()
		must(t, os.Truncate(b.path, 8<<40)) // holes take no room
		pass(backupWarmup + backupLook)
		if s, err := b.Stats(), b.Healthy(); s.Made != 0 || s.Failed != 1 || err == nil || !strings.Contains(err.Error(), "MiB free, and a backup is made only where there are 16777472 MiB") {
			t.Errorf("got %+v and error %v, want that there is no room", s, err)
		}
		must(t, os.Truncate(b.path, small))
		pass(backupRetry)
		if s := b.Stats(); s.Made != 1 || b.Healthy() != nil {
			t.Errorf("got %+v and error %v, want a backup", s, b.Healthy())
		}
	})
	wantAlone(t, folder, "liveboard-20000101T011000Z.db")
}

package client

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"liveboard/data"
)

// Backup is the command "backup": a copy of the database, beside a server or without one.
type Backup struct {
	database
	File  string `arg:"" help:"Where the copy goes. It is there once it is whole, verified and on the disk."`
	Force bool   `help:"Replace the file if it is there already."`
}

// Run makes the copy.
func (c Backup) Run() error {
	if err := exists(c.Data); err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	if err := data.Backup(ctx, c.Data, c.File, c.Force); err != nil {
		return err
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	fmt.Printf("%s holds %s as it was: %d bytes, verified.\n", c.File, c.Data, info.Size())
	return nil
}

// interruptible ends when the process is asked to: what is under way then is cleared away.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// Verify is the command "verify": it reads all of a database or a backup, and says what is wrong.
type Verify struct {
	database
	File string `arg:"" optional:"" help:"A backup; the database where it is left out."`
}

// Run prints what is wrong, a line a problem. The error wraps data.ErrDamaged where something is.
func (c Verify) Run() error {
	file := c.File
	if file == "" {
		file = c.Data
		if err := exists(file); err != nil {
			return err
		}
	}
	ctx, stop := interruptible()
	defer stop()
	found, err := data.Verify(ctx, file)
	if err != nil {
		return err
	}
	for _, problem := range found.Problems {
		fmt.Println(problem)
	}
	switch n := len(found.Problems); n {
	case 0:
	case 1:
		return fmt.Errorf("%w: %s, in one place", data.ErrDamaged, file)
	default:
		return fmt.Errorf("%w: %s, in %d places", data.ErrDamaged, file, n)
	}
	fmt.Printf("%s is sound. Series: %d, samples: %d (chunks: %d, groups of the journal: %d), scores: %d, schema version: %d\n",
		file, found.Series, found.Samples, found.Chunks, found.Groups, found.Scores, found.Version)
	return nil
}

// Restore is the command "restore": the database becomes what a backup holds.
type Restore struct {
	database
	File  string `arg:"" help:"The backup. It is verified first, and stays."`
	Force bool   `help:"Replace the database that is there."`
}

// Run puts the backup in the place of the database.
func (c Restore) Run() error {
	ctx, stop := interruptible()
	defer stop()
	if err := data.Restore(ctx, c.File, c.Data, c.Force); err != nil {
		return err
	}
	fmt.Printf("%s holds what %s holds.\n", c.Data, c.File)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"holdfast/internal/transfer"
	"holdfast/repo"
)

func (p program) exportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write SKUs and their stock to a file that import reads",
		Description: `Writes a row for each stock level, and one for each SKU that has none, in the
order of SKU and location, as CSV or JSON Lines. Servers may go on serving; what
changes meanwhile may be in the file or not.

Examples:
   holdfast export -o stock.csv
   holdfast export -format=jsonl | gzip > stock.jsonl.gz`,
		Flags: []cli.Flag{
			formatFlag(),
			&cli.StringFlag{Name: "o", Value: "-", Usage: "the `FILE` to write, which is replaced once all is written; - is the standard output"},
		},
		Action: p.exportFile,
	}
}

func (p program) exportFile(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return errors.New("export takes no argument: name the file by -o FILE")
	}
	file := c.String("o")
	format, err := formatOf(c, file)
	if err != nil {
		return err
	}
	return p.withExisting(ctx, func(store *repo.Repo) error {
		begun := time.Now()
		shown := p.log
		if file == "-" && isTerminal(p.out) {
			shown = io.Discard // it would stand between the rows
		}
		progress := newProgress(shown, -1)
		defer progress.end()
		var written int
		err := p.writeOutput(file, func(out io.Writer) error {
			var err error
			written, err = transfer.Export(ctx, store, transfer.NewWriter(format, out), progress.rows)
			return err
		})
		progress.end()
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		took := time.Since(begun)
		fmt.Fprintf(p.log, "%d rows written in %.1f s, %.0f rows a second\n", written, took.Seconds(), float64(written)/took.Seconds())
		return nil
	})
}

// writeOutput has the file replaced by what write writes, all of it or nothing.
func (p program) writeOutput(file string, write func(io.Writer) error) error {
	if file == "-" {
		return write(p.out)
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", file)
	}
	out, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	err = errors.Join(write(out), out.Chmod(0o644), out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"holdfast/internal/transfer"
	"holdfast/repo"
)

const rowsHelp = `A row says that there is a SKU with a name and metadata and, at a location, a
total. CSV has a header with columns out of sku, name, location, total and
metadata, in any order; JSON Lines has an object with such keys on each line.
Only sku must be there. An empty or missing location is "default"; without a
total nothing is said of stock; a name or metadata that is missing stays as it
is, but a new SKU needs a name.`

func (p program) importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "make SKUs and their stock what the rows of a file say",
		ArgsUsage: "FILE",
		Description: rowsHelp + `

What is so already is left alone, so a file can be imported again after whatever
stopped it. Servers may go on serving. FILE may be - for the standard input.

Exits with 1 if rows were skipped, and with 2 if the import failed.

Examples:
   holdfast import stock.csv
   holdfast import -dry-run -on-error=skip stock.csv
   gunzip -c stock.jsonl.gz | holdfast import -format=jsonl -`,
		Flags: []cli.Flag{
			formatFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "check every row, say what would be done, and do nothing"},
			&cli.StringFlag{Name: "on-error", Value: "stop", Usage: "at a row that can't be applied, `stop`; or report it and go on: skip"},
			&cli.BoolFlag{Name: "create-locations", Usage: "create locations that are missing, named as their codes"},
		},
		Action: p.importFile,
	}
}

func formatFlag() cli.Flag {
	return &cli.StringFlag{Name: "format", Usage: "`csv` or jsonl; without it the file's name tells (.csv, .jsonl or .ndjson), and a standard stream is csv"}
}

func formatOf(c *cli.Command, file string) (transfer.Format, error) {
	switch given := transfer.Format(c.String("format")); {
	case given == transfer.CSV || given == transfer.JSONLines:
		return given, nil
	case given != "":
		return "", fmt.Errorf("-format is csv or jsonl, not %q", given)
	case transfer.FormatOf(file) != "":
		return transfer.FormatOf(file), nil
	case file == "-":
		return transfer.CSV, nil
	default:
		return "", fmt.Errorf("the name %s doesn't tell the format, as .csv, .jsonl or .ndjson would: add -format=csv or -format=jsonl", file)
	}
}

// errSkipped is a report, not a failure.
var errSkipped = errors.New("rows were skipped")

func (p program) importFile(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return errors.New("import takes one FILE, or - for the standard input; import -h tells more")
	}
	file := c.Args().First()
	format, err := formatOf(c, file)
	if err != nil {
		return err
	}
	onError := c.String("on-error")
	if onError != "stop" && onError != "skip" {
		return fmt.Errorf("-on-error is stop or skip, not %q", onError)
	}
	in, size, err := p.openInput(file)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()

	progress := newProgress(p.log, size)
	defer progress.end()
	rows, err := transfer.NewReader(format, progress.reading(in))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	options := transfer.ImportOptions{
		DryRun:          c.Bool("dry-run"),
		SkipBad:         onError == "skip",
		CreateLocations: c.Bool("create-locations"),
		Skipped:         func(problem *transfer.RowError) { progress.print(problem) },
		Progress:        progress.rows,
	}
	with := p.withMigrated
	if options.DryRun {
		with = p.withExisting
	}
	return with(ctx, func(store *repo.Repo) error {
		begun := time.Now()
		report, err := transfer.Import(ctx, store, rows, options)
		progress.end()
		p.printImported(report, options.DryRun, time.Since(begun))
		return importError(file, report, options.DryRun, err)
	})
}

func (p program) printImported(report transfer.Report, dryRun bool, took time.Duration) {
	if dryRun {
		fmt.Fprint(p.out, "dry run: nothing was written; there would be ")
	}
	fmt.Fprintf(p.out, "%d created, %d changed, %d unchanged, %d skipped in %.1f s, %.0f rows a second\n",
		report.Created, report.Changed, report.Unchanged, report.Skipped,
		took.Seconds(), float64(report.Applied()+report.Skipped)/took.Seconds())
}

// importError says how far an import came that did not come to its end.
func importError(file string, report transfer.Report, dryRun bool, err error) error {
	var stopped *transfer.StoppedError
	switch {
	case err == nil && report.Skipped == 0:
		return nil
	case err == nil:
		return fmt.Errorf("%s: %d %w", file, report.Skipped, errSkipped)
	case errors.As(err, &stopped) && dryRun:
		return fmt.Errorf("%s: %w; the %d rows before it would be applied", file, err, stopped.Before)
	case errors.As(err, &stopped) && stopped.After > 0:
		return fmt.Errorf("%s: %w; the %d rows before it were applied, and %d after it that were under way", file, err, stopped.Before, stopped.After)
	case errors.As(err, &stopped):
		return fmt.Errorf("%s: %w; the %d rows before it were applied, and none after it", file, err, stopped.Before)
	case dryRun:
		return fmt.Errorf("%s: %w", file, err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: stopped after %d rows were applied; import it again to go on", file, report.Applied())
	default:
		return fmt.Errorf("%s: %w; %d rows were applied; import it again to go on", file, err, report.Applied())
	}
}

// openInput answers how many bytes there are, or -1.
func (p program) openInput(file string) (io.ReadCloser, int64, error) {
	if file == "-" {
		return io.NopCloser(p.in), -1, nil
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	info, err := in.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return in, -1, err
	}
	return in, info.Size(), nil
}

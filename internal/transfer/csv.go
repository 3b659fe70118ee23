package transfer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

type csvReader struct {
	lines *lines
	csv   *csv.Reader
	// index is where each column stands; those not in the file have none.
	index map[string]int
}

func newCSVReader(in io.Reader) (*csvReader, error) {
	r := &csvReader{lines: newLines(in), index: map[string]int{}}
	r.csv = csv.NewReader(r.lines)
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	if err != nil {
		return nil, r.headerError(err)
	}
	for i, column := range header {
		_, twice := r.index[column]
		switch {
		case !slices.Contains(csvHeader, column):
			return nil, fmt.Errorf("line %d: there is no column %q; the columns are %s", r.lines.number, column, columns)
		case twice:
			return nil, fmt.Errorf("line %d: the column %s is there twice", r.lines.number, column)
		}
		r.index[column] = i
	}
	if _, ok := r.index[columnSKU]; !ok {
		return nil, fmt.Errorf("line %d: the column sku is missing", r.lines.number)
	}
	return r, nil
}

func (r *csvReader) headerError(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("line 1: a header is wanted, with columns out of " + columns)
	}
	return r.rowError(1, err)
}

func (r *csvReader) Read() (Row, error) {
	r.lines.begin()
	begin := r.lines.number + 1
	record, err := r.csv.Read()
	if err != nil {
		return Row{}, r.rowError(begin, err)
	}
	row := Row{SKU: r.field(record, columnSKU)}
	row.Line, _ = r.csv.FieldPos(0)
	if name := r.field(record, columnName); name != "" {
		row.Name = &name
	}
	if location := r.field(record, columnLocation); location != "" {
		row.Location = &location
	}
	var problem *RowError
	if total := r.field(record, columnTotal); total != "" {
		row.Total, problem = parseTotal(total)
	}
	if metadata := r.field(record, columnMetadata); metadata != "" && problem == nil {
		row.Metadata, problem = parseMetadata([]byte(metadata))
	}
	if problem != nil {
		problem.Line = row.Line
		return Row{}, problem
	}
	return row, nil
}

func (r *csvReader) field(record []string, column string) string {
	if i, ok := r.index[column]; ok {
		return record[i]
	}
	return ""
}

// rowError tells what is wrong with a record, which begins at the line, from
// what is wrong with reading.
func (r *csvReader) rowError(line int, err error) error {
	var malformed *csv.ParseError
	switch {
	case errors.Is(err, errTooLong):
		return &RowError{Line: line, Message: fmt.Sprintf("a row is at most %d bytes; is a quote missing?", recordBytesMax)}
	case errors.Is(err, csv.ErrFieldCount):
		return &RowError{Line: line, Message: fmt.Sprintf("a row has %d columns, as the header has", r.csv.FieldsPerRecord)}
	case errors.As(err, &malformed):
		return &RowError{Line: malformed.StartLine, Message: malformed.Err.Error()}
	}
	return err
}

var csvHeader = []string{columnSKU, columnName, columnLocation, columnTotal, columnMetadata}

type csvWriter struct {
	csv    *csv.Writer
	record []string
	begun  bool
}

func newCSVWriter(out io.Writer) *csvWriter {
	return &csvWriter{csv: csv.NewWriter(out), record: make([]string, len(csvHeader))}
}

func (w *csvWriter) Write(row Row) error {
	if err := w.begin(); err != nil {
		return err
	}
	clear(w.record)
	w.record[0] = row.SKU
	if row.Name != nil {
		w.record[1] = *row.Name
	}
	if row.Location != nil {
		w.record[2] = *row.Location
	}
	if row.Total != nil {
		w.record[3] = strconv.FormatInt(*row.Total, 10)
	}
	w.record[4] = string(row.Metadata)
	return w.csv.Write(w.record)
}

// begin writes the header, which a file without rows has too.
func (w *csvWriter) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.csv.Write(csvHeader)
}

func (w *csvWriter) Flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	w.csv.Flush()
	return w.csv.Error()
}

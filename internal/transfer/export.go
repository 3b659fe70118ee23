package transfer

import (
	"context"

	"holdfast/repo"
)

// pageRows is how many rows are read at once: with the longest metadata, 32 MB.
const pageRows = 2048

// Export writes a row for each stock level, and one for each SKU without any, in
// the order of SKU and location. It tells progress how many it has written, and
// returns that too. What changes meanwhile may be in it or not.
func Export(ctx context.Context, store *repo.Repo, out Writer, progress func(rows int)) (int, error) {
	var last *repo.StockRow
	for written := 0; ; {
		page, err := store.StockRows(ctx, pageRows, last)
		if err != nil {
			return written, err
		}
		for i := range page {
			row := &page[i]
			err := out.Write(Row{SKU: row.SKU, Name: &row.Name, Location: row.Location, Total: row.Total, Metadata: row.Metadata})
			if err != nil {
				return written, err
			}
			written++
		}
		progress(written)
		if len(page) < pageRows {
			return written, out.Flush()
		}
		last = &page[len(page)-1]
	}
}

//go:build unix

package localpg

import "context"

// fastCompression has PostgreSQL compress what it logs by LZ4, if it was built with
// that. After a checkpoint the first change of a page logs the whole page; client
// tokens lie all over a large index, so that with millions of them most holds log
// one, and the usual compression takes longer over it than over the hold.
func (c cluster) fastCompression(ctx context.Context) (arguments []string) {
	lz4 := []string{"-c", "wal_compression=lz4"}
	// This says what the setting would be, and starts nothing.
	ask := append([]string{"-C", "wal_compression", "-D", c.data()}, lz4...)
	if c.as.command(ctx, c.programs.program("postgres"), ask...).Run() != nil {
		return nil
	}
	return lz4
}

package config

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Usage returns a table of all variables, one a line of at most 100 columns:
// name, default, what it is for.
func Usage() string {
	var table strings.Builder
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, v := range variables {
		fmt.Fprintf(columns, "%s\t%s\t%s\n", v.name, v.shown, v.about)
	}
	// A strings.Builder takes every write.
	_ = columns.Flush()
	return table.String()
}

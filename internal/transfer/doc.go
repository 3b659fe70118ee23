// Package transfer moves SKUs and their stock between files and the database.
//
//	file ─► Reader ─► Import ─► Repo.Do, many at once ─► report
//	database ─► Repo.StockRows, page by page ─► Export ─► Writer ─► file
//
// A row says: there is this SKU, with this name and metadata and, at this
// location, this total. The domain decides what that takes; a row that says
// what is so already changes nothing, so a file can be imported again after
// whatever stopped it. What is written out reads in as it was.
//
// Rows are applied side by side, those of one SKU in the order of the file.
// However long the file, no more than rowsMax of its rows are in memory.
package transfer

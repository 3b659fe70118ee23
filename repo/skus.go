package repo

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"holdfast/internal/inventory"
)

// SKUFilter is which SKUs to list: those to which all that is given applies.
type SKUFilter struct {
	// Search has words, each of which begins a word of the code or the name.
	Search *string
	// BelowAvailable is more than what is available, over all locations.
	BelowAvailable *int64
}

const (
	// searchWordsMax bounds a search, each word of which is a walk over an index.
	searchWordsMax = 10

	// windowMax is how many SKUs are looked at in order before a search asks its
	// index. A word that many SKUs have fills a page from so few of them, and
	// costs the index most; one that few have is where it is best.
	windowMax = 1000

	// bands is how many holdfast_band has.
	bands = 20
)

var skuCursors = cursorKind{"sku", inventory.ValidCode}

// SKUs answers SKUs in the order of their codes.
func (r *Repo) SKUs(ctx context.Context, page Page, filter *SKUFilter) (List[inventory.SKU], error) {
	if filter == nil {
		filter = &SKUFilter{}
	}
	if problem := filter.check(); problem != nil {
		return List[inventory.SKU]{}, problem
	}
	after, problem := page.after(skuCursors)
	if problem != nil {
		return List[inventory.SKU]{}, problem
	}
	var m message
	filter.selectCodes(&m, after, page.First+1)
	found, err := r.selectSKUs(ctx, inOrder, "SELECT "+skuColumns+" FROM skus WHERE sku = ANY(ARRAY("+m.text.String()+"))", m.args...)
	if err != nil {
		return List[inventory.SKU]{}, fmt.Errorf("SKUs: %w", err)
	}
	return listOf(page, found, skuCursors, func(s inventory.SKU) string { return s.Code }), nil
}

func (f *SKUFilter) check() *inventory.Error {
	if f.Search != nil {
		words := strings.FieldsFunc(*f.Search, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsPunct(c) || unicode.IsSymbol(c) })
		if !inventory.ValidText(*f.Search) || len(words) == 0 || len(words) > searchWordsMax {
			return badArgument(fmt.Sprintf("a search is 1 to %d words, of at most %d characters on one line", searchWordsMax, inventory.TextMax), "filter", "search")
		}
	}
	if f.BelowAvailable != nil && (*f.BelowAvailable < 1 || *f.BelowAvailable > inventory.CounterMax) {
		return badArgument(fmt.Sprintf("a number from 1 to %d is wanted", int64(inventory.CounterMax)), "filter", "belowAvailable")
	}
	return nil
}

// inOrder has the planner walk along indexes in their order, as far as wanted. It
// thinks that to sort is cheaper, for it doesn't know that DISTINCT stops as
// early as the page does. Where it has to sort it does, and must not compile
// the plan for the price that it puts on that.
const inOrder = noWorkers + "SET LOCAL enable_sort = off; SET LOCAL enable_hashagg = off; SET LOCAL jit = off; "

// selectCodes adds the query for the codes of a page.
func (f *SKUFilter) selectCodes(m *message, after string, limit int) {
	if f.Search == nil {
		m.add("SELECT w.sku FROM (")
		f.walk(m, after)
		m.add(") AS w WHERE true")
		f.verify(m)
		m.add(" ORDER BY w.sku LIMIT ?", limit)
		return
	}
	m.add("WITH search AS (SELECT string_agg(quote_literal(word) || ':*', ' & ')::tsquery AS words FROM unnest(holdfast_words(?)) AS word)", *f.Search)
	m.add(", near AS NOT MATERIALIZED (")
	f.walk(m, after)
	m.add(" ORDER BY sku LIMIT ?)", windowMax)
	m.add(", hits AS MATERIALIZED (SELECT w.sku FROM near AS w" +
		" WHERE (SELECT s.words @@ (SELECT words FROM search) FROM skus AS s WHERE s.sku = w.sku)")
	f.verify(m)
	m.add(" ORDER BY w.sku LIMIT ?)", limit)
	m.add(", enough AS (SELECT (SELECT count(*) FROM hits) = ? OR (SELECT count(*) FROM near) < ? AS yes)", limit, windowMax)
	m.add(" SELECT sku FROM hits WHERE (SELECT yes FROM enough) UNION ALL (SELECT w.sku FROM (")
	// Without the fence the planner may walk all SKUs for a word that none has.
	m.add("SELECT sku FROM skus WHERE words @@ (SELECT words FROM search) OFFSET 0")
	m.add(") AS w WHERE NOT (SELECT yes FROM enough) AND w.sku > ?", after)
	f.verify(m)
	m.add(" ORDER BY w.sku LIMIT ?)", limit)
}

// walk adds a query for the SKUs after a code that can be read in the order of
// their codes, as far as wanted. Those of which less than a number is available
// have nothing but levels in bands that begin below it, or no level.
func (f *SKUFilter) walk(m *message, after string) {
	if f.BelowAvailable == nil {
		m.add("SELECT sku FROM skus WHERE sku > ?", after)
		return
	}
	m.add("SELECT DISTINCT sku FROM ((SELECT sku FROM skus WHERE NOT stocked AND sku > ? ORDER BY sku)", after)
	for band := range bands {
		m.add(" UNION ALL (SELECT sku FROM stock_levels WHERE band = ? AND band <= holdfast_band(?) AND sku > ? ORDER BY sku)",
			band, *f.BelowAvailable-1, after)
	}
	m.add(") AS candidates")
}

// verify adds the condition that the walk has only narrowed down.
func (f *SKUFilter) verify(m *message) {
	if f.BelowAvailable != nil {
		m.add(" AND (SELECT coalesce(sum(l.total - l.reserved - l.allocated), 0) FROM stock_levels AS l WHERE l.sku = w.sku) < ?", *f.BelowAvailable)
	}
}

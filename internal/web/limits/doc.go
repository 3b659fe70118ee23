// Package limits bounds what a single operation may ask for, before anything is
// done about it.
//
// # When
//
//	query ──► tokens ──► parsed ──► size ──► validated ──► cost ──► carried out
//	          counted               counted                worked out
//
// What a query's text alone decides is decided once and remembered by the text:
// its tokens, and its size. That comes before the validator, some of whose rules
// compare each field with each other one. The cost depends on the variables too
// and is worked out for each operation, from what is left of it once the text is
// known: for most a number.
//
// # Fragments
//
// Sixty fragments, each of which spreads the next one twice, stand for more
// fields than anybody could count. So a fragment is measured once, and what it
// comes to is added wherever it is spread. Those of a cycle count nothing to
// themselves: the validator refuses them.
//
// # Size
//
// Fields, aliases and directives are counted where they are spread, and each as
// often; the depth is that of the fields. Fields of the introspection are as deep
// as they are among themselves, for tools ask for more levels of those than any
// client for levels of stock.
//
// # Cost
//
// The cost of an operation is how many fields its answer can have. Each is one,
// and what is asked for below a list counts as often as the list is long:
//
//   - a connection, as long as its first says
//   - a list of what is asked for by skus, as there are SKUs
//   - any other list, listLength
//
// Nothing is taken to be left out by @skip and @include. A subscription's cost is
// that of one event.
//
// # Introspection
//
// What the schema answers is known, so its fields are counted as they would be
// answered, up to the limit. They cost nothing beside that: they are read from
// memory, but each takes more of the processor than one of stock.
package limits

package limits

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// size is what a selection comes to, with its fragments spread.
type size struct {
	fields, aliases, directives, depth, introspectionDepth int
	cost                                                   cost
}

// add adds what is asked for beside it.
func (s *size) add(o size) {
	s.fields = sum(s.fields, o.fields)
	s.aliases = sum(s.aliases, o.aliases)
	s.directives = sum(s.directives, o.directives)
	s.depth = max(s.depth, o.depth)
	s.introspectionDepth = max(s.introspectionDepth, o.introspectionDepth)
	s.cost.add(o.cost)
}

// measurer measures a document that nobody has validated yet: a field may be
// unknown, a fragment missing, or spread within itself.
type measurer struct {
	schema   *ast.Schema
	document *ast.QueryDocument
	// measured has each fragment that was met. One that is being measured has
	// no size yet.
	measured map[string]*size
}

func newMeasurer(schema *ast.Schema, document *ast.QueryDocument) *measurer {
	return &measurer{schema, document, make(map[string]*size, len(document.Fragments))}
}

// whole is what the document comes to: all of its operations, for the validator
// looks at each, and those fragments that none of them spreads.
func (m *measurer) whole() size {
	var s size
	for _, operation := range m.document.Operations {
		s.add(m.operation(operation))
	}
	for _, fragment := range m.document.Fragments {
		if _, met := m.measured[fragment.Name]; !met {
			s.add(m.fragment(fragment.Name))
		}
	}
	return s
}

func (m *measurer) operation(operation *ast.OperationDefinition) size {
	s := m.selections(m.root(operation.Operation), operation.SelectionSet)
	s.directives = sum(s.directives, len(operation.Directives))
	for _, variable := range operation.VariableDefinitions {
		s.directives = sum(s.directives, len(variable.Directives))
	}
	return s
}

func (m *measurer) root(kind ast.Operation) *ast.Definition {
	switch kind {
	case ast.Mutation:
		return m.schema.Mutation
	case ast.Subscription:
		return m.schema.Subscription
	default:
		return m.schema.Query
	}
}

func (m *measurer) selections(on *ast.Definition, selections ast.SelectionSet) size {
	var s size
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			s.add(m.field(on, selection))
		case *ast.InlineFragment:
			below := on
			if selection.TypeCondition != "" {
				below = m.schema.Types[selection.TypeCondition]
			}
			s.add(m.selections(below, selection.SelectionSet))
			s.directives = sum(s.directives, len(selection.Directives))
		case *ast.FragmentSpread:
			s.add(m.fragment(selection.Name))
			s.directives = sum(s.directives, len(selection.Directives))
		}
	}
	return s
}

func (m *measurer) fragment(name string) size {
	if known, met := m.measured[name]; met {
		return *known
	}
	fragment := m.document.Fragments.ForName(name)
	if fragment == nil {
		return size{}
	}
	known := new(size)
	m.measured[name] = known
	s := m.selections(m.schema.Types[fragment.TypeCondition], fragment.SelectionSet)
	s.directives = sum(s.directives, len(fragment.Directives))
	s.cost = s.cost.shared()
	*known = s
	return s
}

func (m *measurer) field(on *ast.Definition, field *ast.Field) size {
	var definition *ast.FieldDefinition
	var below *ast.Definition
	if on != nil {
		if definition = on.Fields.ForName(field.Name); definition != nil {
			below = m.schema.Types[definition.Type.Name()]
		}
	}
	s := m.selections(below, field.SelectionSet)
	s.fields = sum(s.fields, 1)
	s.directives = sum(s.directives, len(field.Directives))
	if field.Alias != field.Name {
		s.aliases = sum(s.aliases, 1)
	}
	if isIntrospection(on, field) {
		s.introspectionDepth++
	} else {
		s.depth++
	}
	if isMeta(field) {
		s.cost = cost{} // what is told of the schema has a limit of its own
	}
	s.cost = s.cost.times(lengthOf(on, definition, field))
	s.cost.fixed = sum(s.cost.fixed, 1)
	return s
}

func isIntrospection(on *ast.Definition, field *ast.Field) bool {
	return isMeta(field) || on != nil && strings.HasPrefix(on.Name, "__")
}

// isMeta says whether a field is one that the schema is asked for by.
func isMeta(field *ast.Field) bool { return field.Name == "__schema" || field.Name == "__type" }

// countMax is where counting stops: far beyond any limit, and two of it still fit
// an int.
const countMax = 1_000_000_000

func sum(a, b int) int { return min(a+b, countMax) }

func product(a, b int) int {
	if a > 0 && b > countMax/a {
		return countMax
	}
	return a * b
}

package limits

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

// listLength is how long a list is taken to be of which the query doesn't say
// it: the lines of a reservation, the locations of a SKU.
const listLength = 5

// plan has what is known of each operation of a query, by its name.
type plan map[string]planned

type planned struct {
	cost
	// introspects says that it asks for the schema.
	introspects bool
}

func (m *measurer) plan() plan {
	p := make(plan, len(m.document.Operations))
	for _, operation := range m.document.Operations {
		s := m.operation(operation)
		p[operation.Name] = planned{s.cost, s.introspectionDepth > 0}
	}
	return p
}

// cost is a sum, a part of which may depend on variables.
type cost struct {
	fixed    int
	variable []part
}

// part is a cost as often as a list is long.
type part struct {
	length length
	of     cost
}

func (c *cost) add(o cost) {
	c.fixed = sum(c.fixed, o.fixed)
	c.variable = append(c.variable, o.variable...)
}

// times is the cost of a list of such a length.
func (c cost) times(l length) cost {
	switch {
	case l.variable == "" && len(c.variable) == 0:
		return cost{fixed: product(l.otherwise, c.fixed)}
	case l == one:
		return c
	default:
		return cost{variable: []part{{l, c}}}
	}
}

// shared is the same cost in a form that doesn't grow with each place that it is
// added to.
func (c cost) shared() cost {
	if len(c.variable) < 2 {
		return c
	}
	return cost{variable: []part{{one, c}}}
}

// in is the cost with these variables.
func (c cost) in(variables map[string]any) int {
	total := c.fixed
	for _, p := range c.variable {
		total = sum(total, product(p.length.in(variables), p.of.in(variables)))
	}
	return total
}

// length is how long a list can get.
type length struct {
	// variable is what tells it, if one does.
	variable  string
	otherwise int
	// max is the most that a variable may say; what is over it is refused by who
	// knows the argument's name.
	max int
}

// one is the length of what is no list.
var one = length{otherwise: 1}

// in is the length with these variables.
func (l length) in(variables map[string]any) int {
	if l.variable == "" {
		return l.otherwise
	}
	switch value := variables[l.variable].(type) {
	case nil:
		return l.otherwise
	case int64:
		return int(min(max(value, 0), int64(l.max)))
	case []any:
		return min(len(value), l.max)
	default: // one, which stands for a list of it
		return 1
	}
}

// lengthOf is how often what is below a field can come in its place.
func lengthOf(on *ast.Definition, definition *ast.FieldDefinition, field *ast.Field) length {
	switch {
	case definition == nil:
		return one
	case isConnection(definition.Type.Name()) && definition.Arguments.ForName("first") != nil:
		return lengthFrom(definition, field, "first", repo.PageMax)
	case definition.Type.Elem == nil:
		return one
	case isConnection(on.Name): // its edges: the connection was counted
		return one
	case definition.Arguments.ForName("skus") != nil:
		return lengthFrom(definition, field, "skus", inventory.SKUsMax)
	default:
		return length{otherwise: listLength}
	}
}

func isConnection(typeName string) bool { return strings.HasSuffix(typeName, "Connection") }

// lengthFrom is the length that an argument tells.
func lengthFrom(definition *ast.FieldDefinition, field *ast.Field, argument string, most int) length {
	l := length{otherwise: most, max: most}
	if byDefault := definition.Arguments.ForName(argument).DefaultValue; byDefault != nil {
		l.otherwise = literalLength(byDefault, most)
	}
	given := field.Arguments.ForName(argument)
	switch {
	case given == nil, given.Value.Kind == ast.NullValue:
	case given.Value.Kind == ast.Variable:
		l.variable = given.Value.Raw
	default:
		l.otherwise = literalLength(given.Value, most)
	}
	return l
}

func literalLength(value *ast.Value, most int) int {
	switch value.Kind {
	case ast.IntValue:
		number, err := strconv.Atoi(value.Raw)
		if err != nil {
			return most
		}
		return min(max(number, 0), most)
	case ast.ListValue:
		return min(len(value.Children), most)
	default:
		return 1
	}
}

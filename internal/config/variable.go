package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// variable is what the tags of one field of Config say.
type variable struct {
	name         string
	defaultValue string
	shown        string
	example      string
	about        string
	choices      []string
	min, max     string
	field        reflect.StructField
}

var variables = describe(reflect.TypeFor[Config]())

func describe(config reflect.Type) []variable {
	described := make([]variable, 0, config.NumField())
	for field := range config.Fields() {
		v := variable{
			name:         field.Tag.Get("env"),
			defaultValue: field.Tag.Get("envDefault"),
			shown:        field.Tag.Get("shown"),
			example:      field.Tag.Get("example"),
			about:        field.Tag.Get("about"),
			min:          field.Tag.Get("min"),
			max:          field.Tag.Get("max"),
			field:        field,
		}
		if choices := field.Tag.Get("oneof"); choices != "" {
			v.choices = strings.Split(choices, ",")
		}
		v.shown = cmp.Or(v.shown, v.defaultValue)
		v.example = cmp.Or(v.example, v.defaultValue)
		described = append(described, v)
	}
	return described
}

// allowed says which values the variable takes, to follow "must be".
func (v variable) allowed() string {
	switch {
	case v.choices != nil:
		last := len(v.choices) - 1
		return strings.Join(v.choices[:last], ", ") + " or " + v.choices[last]
	case v.field.Type == reflect.TypeFor[time.Duration]():
		return fmt.Sprintf("a duration from %s to %s, such as %s", v.min, v.max, v.example)
	case v.field.Type.Kind() == reflect.Int:
		return fmt.Sprintf("a whole number from %s to %s", v.min, v.max)
	case v.field.Type.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}

// refuse is the error for a value that the variable doesn't take.
func (v variable) refuse(value string) error {
	return fmt.Errorf("%s is %s; it must be %s", v.name, quote(value), v.allowed())
}

package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

const prefix = "HOLDFAST_"

// serviceLink is a variable that Kubernetes sets in every container beside a
// Service whose name begins with "holdfast".
var serviceLink = regexp.MustCompile(`^HOLDFAST_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// refuseMisspelt refuses a name that only looks like one of ours: it would
// otherwise be ignored in silence, and the default hold in its place.
func refuseMisspelt(values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !strings.HasPrefix(strings.ToUpper(name), prefix) || isKnown(name) || isServiceLink(name, values) {
			continue
		}
		if nearest, near := nearestName(name); near {
			return fmt.Errorf("%s is not a variable of Holdfast; did you mean %s?", name, nearest)
		}
		return fmt.Errorf("%s is not a variable of Holdfast; holdfast -h lists them", name)
	}
	return nil
}

func isKnown(name string) bool {
	return slices.ContainsFunc(variables, func(v variable) bool { return v.name == name })
}

func isServiceLink(name string, values map[string]string) bool {
	if values["KUBERNETES_SERVICE_HOST"] == "" || !serviceLink.MatchString(name) {
		return false
	}
	// HOLDFAST_PORT=8080 is somebody's guess at HOLDFAST_ADDR; Kubernetes' own
	// value is a URL.
	return name != "HOLDFAST_PORT" || strings.Contains(values[name], "://")
}

// nearestName returns the known name that takes the fewest edits to get to,
// without the prefix, which every name shares; near is false if that is most of
// the name.
func nearestName(name string) (nearest string, near bool) {
	written := strings.ToUpper(name)[len(prefix):]
	fewest := len(written)/2 + 1
	for _, v := range variables {
		if edits := levenshtein.ComputeDistance(written, strings.TrimPrefix(v.name, prefix)); edits < fewest {
			nearest, fewest = v.name, edits
		}
	}
	return nearest, nearest != ""
}

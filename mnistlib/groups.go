package mnistlib

import (
	"fmt"
	"slices"
	"strings"
)

// A group is the runs of one name and the same settings.
type group struct {
	label string // differs from those of the other groups
	runs  []*History
}

// bySettings groups the runs, in the order in which they first appear. Where runs of other settings
// have the same name, the label tells these, too.
func bySettings(runs []*History) []group {
	var groups []group
	for _, h := range runs {
		i := slices.IndexFunc(groups, func(g group) bool {
			return g.runs[0].label() == h.label() && g.runs[0].settingsName() == h.settingsName()
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{})
		}
		groups[i].runs = append(groups[i].runs, h)
	}
	named := map[string]int{}
	for _, g := range groups {
		named[g.runs[0].label()]++
	}
	for i := range groups {
		name, settings := groups[i].runs[0].label(), groups[i].runs[0].settingsName()
		switch {
		case named[name] == 1:
			groups[i].label = name
		case strings.HasPrefix(settings, name):
			groups[i].label = settings
		default:
			groups[i].label = name + ": " + settings
		}
	}
	return groups
}

// pairBySeed pairs the runs of two settings by their seeds; nil if these are not the same, each once.
func pairBySeed(a, b []*History) (pairs [][2]*History) {
	bySeed := map[uint64]*History{}
	for _, h := range b {
		bySeed[h.Seed] = h
	}
	if len(bySeed) != len(b) || len(a) != len(b) {
		return nil
	}
	for _, h := range a {
		other := bySeed[h.Seed]
		if other == nil {
			return nil
		}
		delete(bySeed, h.Seed)
		pairs = append(pairs, [2]*History{h, other})
	}
	return pairs
}

// counts says how many runs the groups have: "16 runs", or "5 to 16 runs".
func counts(groups []group) string {
	fewest, most := len(groups[0].runs), len(groups[0].runs)
	for _, g := range groups {
		fewest, most = min(fewest, len(g.runs)), max(most, len(g.runs))
	}
	if fewest == most {
		return fmt.Sprintf("%d runs", most)
	}
	return fmt.Sprintf("%d to %d runs", fewest, most)
}

package chart

import "strings"

// A Slider chooses one of several frames of a figure's panels.
type Slider struct {
	Label  string   // what it changes
	Frames []string // what each frame shows, in one line or more
	Start  int      // the frame at first
}

// frameParam is what the specification calls the number of the slider's frame, from 1.
const frameParam = "frame"

// vega is the slider as a parameter, which is drawn below the figure.
func (s *Slider) vega() object {
	return object{
		"name": frameParam, "value": s.Start + 1,
		"bind": object{"input": "range", "min": 1, "max": len(s.Frames), "step": 1, "name": s.Label + ", number "},
	}
}

// title is that of a panel: some words, and what the frame shows. All have equally many lines, so that nothing jumps.
func (s *Slider) title(words string) object {
	titles, most := make([][]string, len(s.Frames)), 0
	for i, frame := range s.Frames {
		titles[i] = strings.Split(words+frame, "\n")
		most = max(most, len(titles[i]))
	}
	for i := range titles {
		for len(titles[i]) < most {
			titles[i] = append(titles[i], "")
		}
	}
	return object{"text": object{"expr": literal(titles) + "[" + frameParam + " - 1]"}}
}

// filter leaves out the rows of other frames.
func (s *Slider) filter() object { return object{"filter": "datum.frame == " + frameParam} }

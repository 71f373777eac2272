package chart

// A Slider chooses one of several frames of a figure's panels.
type Slider struct {
	Label  string   // what it changes
	Frames []string // what each frame shows
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

// title is that of a panel: some words, and what the frame shows.
func (s *Slider) title(words string) object {
	return object{"text": object{"expr": literal(words) + " + " + literal(s.Frames) + "[" + frameParam + " - 1]"}}
}

// filter leaves out the rows of other frames.
func (s *Slider) filter() object { return object{"filter": "datum.frame == " + frameParam} }

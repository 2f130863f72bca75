package rules

// News is a finding together with the rule that it is of.
type News struct {
	Rule *Rule
	Finding
}

// Watch tells what a checker finds as it finds it.
type Watch struct {
	checker *Checker
	told    []int // findings of each rule
}

// NewWatch watches from now on.
func NewWatch(c *Checker) *Watch {
	w := &Watch{checker: c, told: make([]int, len(c.running))}
	for i, r := range c.running {
		w.told[i] = len(r.sink.findings)
	}
	return w
}

// News are the findings since it was last called. Of a rule that has found much,
// only those that the result will have are told.
func (w *Watch) News() []News {
	var list []News
	for i, r := range w.checker.running {
		if len(r.sink.findings) == w.told[i] {
			continue
		}
		for _, f := range r.sink.findings[w.told[i]:] {
			list = append(list, News{r.rule, f})
		}
		w.told[i] = len(r.sink.findings)
	}
	return list
}

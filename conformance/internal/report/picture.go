package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// picture is calls over time, as the page draws it: a lane for each reader, a bar
// for each call.
type picture struct {
	Label         string
	Width, Height int
	Lanes         []drawnLane
	Bars          []drawnBar
	Arcs          []drawnArc
	Ticks         []drawnTick
	Marks         []drawnMark
	Legend        []aspect
	// Trains: some bars stand for several calls. Cited: some are evidence.
	Trains, Cited bool
	// LeftOut says what is not drawn, empty if nothing.
	LeftOut string
}

type drawnLane struct {
	Name, Full string
	Y, Height  int
}

type drawnBar struct {
	X, W        string
	Y           int
	Class, Sign string
	SignX       string
	SignY       int
	Title       string
	// Href is the anchor of the evidence, empty for other calls.
	Href string
	// Ops are the numbers of its operations among those to choose from. Empty: it is
	// about any.
	Ops string
}

type drawnArc struct{ Path, Head, Title string }

type drawnTick struct{ X, Text string }

type drawnMark struct {
	X, Title string
	Y        int
}

// Measures, in pixels.
const (
	tickHeight = 22
	barHeight  = 16
	barGap     = 3
	lanePad    = 5
	arcHeight  = 26
	leastBar   = 3.0
	maxLanes   = 24
	maxStack   = 4 // calls at once that are drawn one above another
)

// drawing is a picture in the making.
type drawing struct {
	view  *view
	axis  axis
	lanes map[string]int // index in the picture
	// tops are the y of each bar, for arcs.
	tops map[*bar]int
	// signs: bars are wide enough for a sign.
	signs bool
	pic   *picture
}

// draw makes a picture of bars. Arcs lead from each to the next of a list of
// evidence.
func (v *view) draw(list []*bar, a axis, width float64, label string, signs bool) *drawing {
	d := &drawing{view: v, axis: a, lanes: map[string]int{}, tops: map[*bar]int{}, signs: signs, pic: &picture{Label: label, Width: int(width)}}
	d.layOut(list)
	seen := map[state]bool{}
	for _, b := range list {
		for s := range b.states {
			seen[s] = true
		}
	}
	for _, s := range aspects {
		if seen[s.State] {
			d.pic.Legend = append(d.pic.Legend, s)
		}
	}
	const apart = 76
	for i, t := range a.ticks(apart) {
		if i > 0 && a.x(t)+apart > width {
			break // it would be cut off
		}
		d.pic.Ticks = append(d.pic.Ticks, drawnTick{pixels(a.x(t)), clock(t)})
	}
	return d
}

// layOut gives each lane its height, by how many calls it has at once.
func (d *drawing) layOut(list []*bar) {
	names := laneNames(list)
	busy := make([][]float64, len(names)) // until where each row of a lane is taken
	for i, name := range names {
		d.lanes[name] = i
	}
	row := make(map[*bar]int, len(list))
	for _, b := range list {
		i := d.lane(b)
		from, until := d.reach(b)
		at := slices.IndexFunc(busy[i], func(taken float64) bool { return taken <= from })
		switch {
		case at >= 0:
		case len(busy[i]) < maxStack:
			busy[i] = append(busy[i], 0)
			at = len(busy[i]) - 1
		default:
			at = maxStack - 1
		}
		busy[i][at] = until
		row[b] = at
	}
	y := tickHeight + arcHeight
	for i, name := range names {
		height := 2*lanePad + len(busy[i])*(barHeight+barGap) - barGap
		full := name
		switch full {
		case "":
			full = "unknown"
		case others:
			full = "others"
		}
		d.pic.Lanes = append(d.pic.Lanes, drawnLane{Name: clipped(plain(full), 26), Full: clipped(plain(full), 200), Y: y, Height: height})
		y += height
	}
	d.pic.Height = y + 2
	for _, b := range list {
		d.tops[b] = d.pic.Lanes[d.lane(b)].Y + lanePad + row[b]*(barHeight+barGap)
	}
}

// others is the name of the lane of those that have none of their own.
const others = "\x00others"

// laneNames are the lanes in the order of their first call. Where there are too
// many, those with evidence and then those with most calls stay.
func laneNames(list []*bar) []string {
	type tally struct {
		name  string
		first time.Duration
		cited bool
		calls int
	}
	by := map[string]*tally{}
	var all []*tally
	for _, b := range list {
		t := by[b.lane]
		if t == nil {
			t = &tally{name: b.lane, first: b.from}
			by[b.lane] = t
			all = append(all, t)
		}
		t.first, t.cited, t.calls = min(t.first, b.from), t.cited || b.cited, t.calls+len(b.events)
	}
	shared := len(all) > maxLanes
	if shared {
		slices.SortStableFunc(all, func(a, b *tally) int {
			if a.cited != b.cited {
				return map[bool]int{true: -1, false: 1}[a.cited]
			}
			return cmp.Compare(b.calls, a.calls)
		})
		all = all[:maxLanes-1]
	}
	slices.SortStableFunc(all, func(a, b *tally) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.name, b.name))
	})
	names := make([]string, 0, len(all)+1)
	for _, t := range all {
		names = append(names, t.name)
	}
	if shared {
		names = append(names, others)
	}
	return names
}

func (d *drawing) lane(b *bar) int {
	if i, ok := d.lanes[b.lane]; ok {
		return i
	}
	return d.lanes[others]
}

// reach is from where to where a bar is drawn.
func (d *drawing) reach(b *bar) (from, until float64) {
	from, until = d.axis.x(b.from), d.axis.x(b.until)
	least := leastBar
	if d.signs {
		least = barHeight - 2
	}
	return from, max(until, from+least)
}

// add draws a bar. Operations have numbers, where a reader can choose from them.
func (d *drawing) add(b *bar, href string, number map[string]int) {
	from, until := d.reach(b)
	one := drawnBar{
		X: pixels(from), W: pixels(until - from), Y: d.tops[b], Class: string(b.state), Title: b.title(), Href: href,
	}
	if len(number) > 0 && len(b.ops) <= maxOps {
		var numbers []string
		for _, op := range b.ops {
			numbers = append(numbers, strconv.Itoa(number[op]))
		}
		one.Ops = strings.Join(numbers, " ")
	}
	if len(b.events) > 1 {
		one.Class += " train"
		d.pic.Trains = true
	}
	if b.cited {
		one.Class += " cited"
		d.pic.Cited = true
	}
	if d.signs {
		one.Sign, one.SignX, one.SignY = aspectOf(b.state).Sign, pixels((from+until)/2), one.Y+barHeight-4
		if len(b.events) > 1 {
			one.Sign = "×" + strconv.Itoa(len(b.events))
		}
	}
	d.pic.Bars = append(d.pic.Bars, one)
}

// arc leads from one piece of evidence to the next.
func (d *drawing) arc(a, b *bar, title string) {
	_, fromX := d.reach(a)
	toX, _ := d.reach(b)
	fromY, toY := float64(d.tops[a]), float64(d.tops[b])
	if toX < fromX { // they overlap, or are in another order
		fromX, _ = d.reach(a)
	}
	const lift, bend = 20, 8
	top, aside := min(fromY, toY)-lift, min(bend, math.Abs(toX-fromX)/2)
	d.pic.Arcs = append(d.pic.Arcs, drawnArc{
		Path: fmt.Sprintf("M%s,%s C%s,%s %s,%s %s,%s",
			pixels(fromX), pixels(fromY), pixels(fromX+aside), pixels(top), pixels(toX-aside), pixels(top), pixels(toX), pixels(toY-3)),
		Head:  fmt.Sprintf("M%s,%s l-3.5,-7 l7,0 z", pixels(toX), pixels(toY-1)),
		Title: clipped(title, 200),
	})
}

// pixels is a length with one digit.
func pixels(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

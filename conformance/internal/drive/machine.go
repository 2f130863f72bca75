package drive

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Chooser draws. What it draws decides all that a Machine does.
type Chooser interface {
	// Choose returns a number from 0 to n-1. The label says what it is for.
	Choose(label string, n int) int
}

// Dice is a Chooser that draws at random.
type Dice struct{ Draw *rand.Rand }

// Choose implements [Chooser].
func (d Dice) Choose(_ string, n int) int { return d.Draw.IntN(n) }

// Machine makes calls that depend on each other, as many and in whatever order a
// Chooser has it.
type Machine struct {
	*stage
	lives []*life
}

// NewMachine makes a machine in a world.
func NewMachine(ctx context.Context, w *World) *Machine {
	return &Machine{stage: w.stage(ctx, "random")}
}

// Action is one thing that a machine can do. It reports false if it can't be done
// now.
type Action func(*Machine, Chooser) bool

// Actions are all of them by name.
func Actions() map[string]Action {
	return map[string]Action{
		"cancel":  (*Machine).cancelSome,
		"change":  (*Machine).changeImage,
		"create":  (*Machine).createSome,
		"delete":  (*Machine).deleteImage,
		"image":   (*Machine).readImage,
		"list":    (*Machine).listImages,
		"overlap": (*Machine).readAtOnce,
		"poll":    (*Machine).readSome,
		"repeat":  (*Machine).repeatKey,
		"wait":    (*Machine).letPass,
	}
}

// mostLives bounds the operations of one machine.
const mostLives = 6

// Roll does so many things, drawn by the chooser, and ends with Finish.
func (m *Machine) Roll(choose Chooser, steps int) {
	actions := Actions()
	names := slices.Sorted(maps.Keys(actions))
	for range steps {
		if m.gone() || m.ctx.Err() != nil {
			return
		}
		actions[names[choose.Choose("action", len(names))]](m, choose)
	}
	m.Finish()
}

// Finish follows all operations to their end and looks at what they have left.
func (m *Machine) Finish() {
	m.follow(m.lives, nil)
	for _, l := range m.lives {
		m.witness(l)
		m.look(m.main(), l)
	}
	if len(m.lives) > 0 {
		m.list(m.main(), m.where(), 0)
	}
}

// connection draws one.
func (m *Machine) connection(choose Chooser) *Conn {
	list := m.protocols()
	return m.conn(choose.Choose("reader", readers), list[choose.Choose("protocol", len(list))])
}

// some draws an operation, nil if there is none.
func (m *Machine) some(choose Chooser) *life {
	if len(m.lives) == 0 {
		return nil
	}
	return m.lives[choose.Choose("operation", len(m.lives))]
}

func (m *Machine) createSome(choose Chooser) bool {
	if len(m.lives) >= mostLives || !m.ledger.affords(1) {
		return false
	}
	var desktops []string
	for _, d := range []string{m.plan.Desktops.Succeeds, m.plan.Desktops.Fails, m.plan.Desktops.FailsLate, m.plan.Desktops.Absent} {
		if d != "" {
			desktops = append(desktops, d)
		}
	}
	if len(desktops) == 0 {
		return false
	}
	req := m.request(desktops[choose.Choose("desktop", len(desktops))], "random")
	if len(m.lives) > 0 && choose.Choose("same name", 4) == 3 {
		req.Name = m.lives[0].request.GetName()
	} else if n := choose.Choose("length of name", 4); n > 0 {
		req.Name = filled(req.Name+" ", []int{0, 30, 49, longestText}[n], widths[choose.Choose("characters", len(widths))])
	}
	if n := choose.Choose("labels", 3); n > 0 {
		req.Labels = labels(n * n * 4)
	}
	if n := choose.Choose("description", 3); n > 0 {
		req.Description = filled("Drawn ", n*n*100, widths[choose.Choose("characters", len(widths))])
	}
	key := ""
	if choose.Choose("key", 2) == 1 {
		key = uuid(m.draw)
	}
	l := m.create(m.connection(choose), req, key)
	if l.id != "" {
		m.lives = append(m.lives, l)
	}
	return true
}

func (m *Machine) readSome(choose Chooser) bool {
	l := m.some(choose)
	if l == nil {
		return false
	}
	m.read(m.connection(choose), l)
	return true
}

func (m *Machine) readAtOnce(choose Chooser) bool {
	l := m.some(choose)
	if l == nil {
		return false
	}
	conns := []*Conn{m.connection(choose), m.connection(choose), m.connection(choose)}
	replies := make([]*reply, len(conns))
	var tasks []func(*stage)
	for i, c := range conns {
		tasks = append(tasks, func(own *stage) { replies[i] = own.get(c, l.id) })
	}
	m.together(tasks...)
	for _, r := range replies {
		if r != nil {
			l.see(r)
		}
	}
	return true
}

func (m *Machine) cancelSome(choose Chooser) bool {
	l := m.some(choose)
	if l == nil {
		return false
	}
	m.stop(m.connection(choose), l)
	return true
}

func (m *Machine) readImage(choose Chooser) bool {
	l := m.some(choose)
	if l == nil || l.image == "" {
		return false
	}
	m.look(m.connection(choose), l)
	return true
}

func (m *Machine) listImages(choose Chooser) bool {
	folder := m.where()
	if folder == "" {
		return false
	}
	m.list(m.connection(choose), folder, int64(choose.Choose("page size", 4)))
	return true
}

func (m *Machine) repeatKey(choose Chooser) bool {
	l := m.some(choose)
	if l == nil || l.key == "" {
		return false
	}
	m.again(m.connection(choose), l)
	return true
}

func (m *Machine) letPass(choose Chooser) bool {
	// Each step is four times the one before: from a second to over an hour.
	m.wait(time.Second << (2 * choose.Choose("wait", 7)))
	return true
}

// finished draws an operation that has left an image, nil if there is none.
func (m *Machine) finished(choose Chooser) *life {
	l := m.some(choose)
	if l == nil || !l.succeeded() || l.image == "" {
		return nil
	}
	return l
}

func (m *Machine) changeImage(choose Chooser) bool {
	l := m.finished(choose)
	if l == nil {
		return false
	}
	m.watchCall(m.connection(choose), Call{Method: methodUpdate, Message: &clouddesktop.UpdateDesktopImageRequest{
		ImageId: l.image, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}}, Description: "Changed",
	}})
	return true
}

func (m *Machine) deleteImage(choose Chooser) bool {
	l := m.finished(choose)
	if l == nil {
		return false
	}
	m.watchCall(m.connection(choose), Call{Method: methodDelete, Message: &clouddesktop.DeleteDesktopImageRequest{ImageId: l.image}})
	return true
}

// Ramble has a machine do things at random, as many as the budget is good for.
func (w *World) Ramble(ctx context.Context, choose Chooser) {
	w.tell(Progress{Doing: "random"})
	const steps = 60
	NewMachine(ctx, w).Roll(choose, w.many(steps))
}

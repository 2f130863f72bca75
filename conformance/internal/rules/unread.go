package rules

// unreadChanges are calls that may have changed an image of which nobody knows which
// one it is, as their requests were not seen: of each method the one that was called
// first.
type unreadChanges struct{ update, remove *Seen }

func (u *unreadChanges) of(method string) **Seen {
	switch method {
	case MethodUpdate:
		return &u.update
	case MethodDelete:
		return &u.remove
	}
	return nil
}

func (u *unreadChanges) note(s *Seen) {
	first := u.of(s.Event.Method)
	if first == nil || s.Request != nil || turnedAway(s) {
		return
	}
	if *first == nil || s.Called < (*first).Called {
		*first = s
	}
}

// before is such a call of the method that may have taken effect before s returned,
// nil without one.
func (u *unreadChanges) before(s *Seen, method string) *Seen {
	if u == nil {
		return nil
	}
	if first := u.of(method); first != nil && *first != nil && (*first).Called < s.Returned {
		return *first
	}
	return nil
}

package conformance

import (
	"context"
	"fmt"
	"time"
)

// Check talks to a server in real time and reports what it has found. Its error
// tells of a call that makes no sense or of a server that may not be spoken to. A
// server that can't be judged, or not to the end, is a matter of the report.
//
// When ctx is done, the report is about what was seen until then. Images that the
// run has made are deleted all the same.
func Check(ctx context.Context, target Target, opts ...Option) (*Report, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	c.realTime = true
	s, err := c.session(target)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(); err != nil {
		return nil, err
	}
	return s.check(ctx), nil
}

// allowed refuses to make images where they cost money and others work, unless
// somebody answers for it.
func (s *session) allowed() error {
	host := s.endpoint.URL.Hostname()
	if !vendors(host) {
		return nil
	}
	switch {
	case s.target.Folder == "":
		return fmt.Errorf("optest: host %q is the vendor's cloud and the target has no Folder, want one that is yours, and the option OwnFolder", host)
	case !s.config.ownFolder:
		return fmt.Errorf("optest: host %q is the vendor's cloud, want the option OwnFolder: the run makes and deletes images in folder %q", host, s.target.Folder)
	}
	return nil
}

// check plays and judges.
func (s *session) check(ctx context.Context) *Report {
	began := time.Now()
	s.open(nil)
	s.play(ctx)
	s.close()
	s.took = time.Since(began)
	return s.report()
}

package mock

import (
	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
	"github.com/optest-dev/optest/mockserver"
)

// Reload reads the scenario files again, puts what they hold now in the place of
// what the server has from them, and returns how many there are. On an error,
// which is of type scenariofile.Errors where files are wrong, the server keeps
// what it has.
func (s *Settings) Reload(srv *mockserver.Server) (int, error) {
	scenarios, err := catalogue.Open(s.Scenarios)
	if err != nil {
		return 0, err
	}
	return len(scenarios.User()), srv.Replace(scenarios.User()...)
}

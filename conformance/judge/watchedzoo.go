package judge

import (
	"net/http"

	"github.com/optest-dev/optest/conformance/judge/honest"
	"github.com/optest-dev/optest/conformance/judge/zoo"
)

// watchedZoo are the servers of the zoo, and those that show in what they are odd
// only to clients such as there are.
func watchedZoo() []zoo.Server {
	return append(
		zoo.Servers(),
		zoo.Server{
			Name: "tenants", Told: []string{"LRO-14", "LRO-15", "IMG-10", "IMG-11", "CXL-05", "XP-04"},
			Odd: "what is another caller's is NOT_FOUND", Allowed: "who may not see a resource need not learn that there is one",
			Changes: []honest.Change{tenants},
		},
		zoo.Server{
			Name: "behind-a-gateway", Told: []string{"ERR-06"},
			Odd: "a gateway in front of it has pages of its own", Allowed: "what is between is not the server",
			Changes: []honest.Change{}, Around: []func(http.Handler) http.Handler{gateway},
		},
	)
}

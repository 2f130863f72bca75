package zoo

import (
	"encoding/json"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// spellsOut has JSON show also what is empty: false, texts without a character, and
// null for what is not there.
func spellsOut(c *honest.Core) {
	c.JSON = func(m proto.Message) ([]byte, error) {
		text, err := protojson.MarshalOptions{Resolver: c.Types, EmitUnpopulated: true}.Marshal(m)
		if _, ok := m.(*operation.Operation); !ok || err != nil {
			return text, err
		}
		members := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, err
		}
		for _, name := range []string{"error", "response"} {
			if _, ok := members[name]; !ok {
				members[name] = json.RawMessage("null")
			}
		}
		return json.Marshal(members)
	}
}

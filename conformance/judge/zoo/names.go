package zoo

import (
	"fmt"
	"sync/atomic"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// names gives images a name where the request has none, and refuses one that
// another image of the folder has.
func names(c *honest.Core) {
	var unnamed atomic.Int64
	c.Admit = func(m *clouddesktop.DesktopImage) error {
		if m.GetName() == "" {
			m.Name = fmt.Sprintf("image-%d", unnamed.Add(1))
			return nil
		}
		if c.Taken(m.GetFolderId(), m.GetName()) {
			return status.Errorf(codes.AlreadyExists, "The folder has an image %q", m.GetName())
		}
		return nil
	}
}

package mockserver

import (
	"maps"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

// updatable are the fields that an update mask may name.
var updatable = []string{"name", "labels", "description"}

// masked returns the fields that the request sets: those of its mask, all
// without one.
func masked(req *clouddesktop.UpdateDesktopImageRequest) []string {
	if paths := req.GetUpdateMask().GetPaths(); len(paths) > 0 {
		return paths
	}
	return updatable
}

func checkMask(req *clouddesktop.UpdateDesktopImageRequest) error {
	for _, path := range masked(req) {
		if !slices.Contains(updatable, path) {
			return invalid("update_mask", "unknown path %s, want %s", quoted(path), strings.Join(updatable, ", "))
		}
	}
	return nil
}

// apply sets the masked fields of m, empty ones too.
func apply(m *clouddesktop.DesktopImage, req *clouddesktop.UpdateDesktopImageRequest) {
	for _, path := range masked(req) {
		switch path {
		case "name":
			m.Name = req.GetName()
		case "labels":
			m.Labels = maps.Clone(req.GetLabels())
		case "description":
			m.Description = req.GetDescription()
		}
	}
}

package mockserver

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The index leaves out no scenario that the request meets, and keeps their order.
func TestIndexFindsWhatALookAtEachFinds(t *testing.T) {
	desc := clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto.Services().ByName("DesktopImageService").Methods().ByName("CopyFromDesktop")
	m, err := describe(desc)
	if err != nil {
		t.Fatal(err)
	}
	text := rapid.SampledFrom([]string{"", "a", "b", "ab"})
	want := rapid.SampledFrom([]string{"", "a", "b", "ab", "a*", "*", "?", `\a`})
	rapid.Check(t, func(t *rapid.T) {
		var list []*playing
		for range rapid.IntRange(0, 12).Draw(t, "scenarios") {
			fields := rapid.MapOf(rapid.SampledFrom([]string{"desktop_id", "name", "labels.team"}), want).Draw(t, "fields")
			list = append(list, &playing{match: newMatcher(&optestv1.Match{Fields: fields})})
		}
		request := (&clouddesktop.CopyFromDesktopRequest{
			DesktopId: text.Draw(t, "desktop"), Name: text.Draw(t, "name"), Labels: map[string]string{"team": text.Draw(t, "team")},
		}).ProtoReflect()
		in := incoming{method: m, request: request}
		meets := func(i int) bool { return list[i].match.differences(in) == nil }
		var all, found []int
		for i := range list {
			if meets(i) {
				all = append(all, i)
			}
		}
		for _, i := range newMatchIndex(list).candidates(request) {
			if meets(i) {
				found = append(found, i)
			}
		}
		if !slices.Equal(all, found) {
			t.Fatalf("the index finds %v, a look at each %v", found, all)
		}
	})
}

// BenchmarkChoice chooses among so many scenarios that are each for one desktop.
func BenchmarkChoice(b *testing.B) {
	desc := clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto.Services().ByName("DesktopImageService").Methods().ByName("CopyFromDesktop")
	m, err := describe(desc)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("scenarios=%d", n), func(b *testing.B) {
			r := newRepertoire()
			var requests []protoreflect.Message
			for i := range n {
				id := fmt.Sprintf("desktop-%d", i)
				p, err := newPlaying(Running(time.Second).Named(id).For("desktop_id", id).Succeed())
				if err != nil {
					b.Fatal(err)
				}
				r.add(p)
				requests = append(requests, (&clouddesktop.CopyFromDesktopRequest{DesktopId: id}).ProtoReflect())
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i % 10 * (n / 10) // ten desktops, spread over all
				if p, _, err := r.choose(incoming{method: m, request: requests[at]}); err != nil || p.scenario.GetMatch().GetFields()["desktop_id"] != p.name() {
					b.Fatal(p, err)
				}
			}
		})
	}
}

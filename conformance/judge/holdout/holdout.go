package holdout

import (
	"net/http"
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/judge/honest"
)

// Server is a broken one.
type Server struct {
	Name string
	// Does is its mistake, and Seen where it or its like was reported, or who makes
	// it.
	Does, Seen string
	// Breaks is the rule that speaks of it.
	Breaks string
	// Taught is what was changed because nothing had accused it when it was played
	// for the first time. From then on it is no hold-out any more.
	Taught string
	// Start makes it, in memory, until the test ends.
	Start func(testing.TB) conformance.Target
}

// Servers are all of them.
func Servers() []Server {
	return []Server{
		{
			Name: "delete-done-with-nothing", Does: "deletions are done with neither response nor error", Seen: "googleapis/google-cloud-python#15557",
			Breaks: "OP-08", Start: with(deletesWithoutResult),
		},
		{
			Name: "update-answers-metadata", Does: "the response of an update is its metadata", Seen: "googleapis/google-cloud-go#5054",
			Breaks: "OP-14", Start: with(updatesAnswerMetadata),
		},
		{
			Name: "not-found-for-ten-seconds", Does: "an operation is not found for 10 s after it was started", Seen: "hashicorp/terraform-provider-google#22533",
			Breaks: "LRO-14", Start: with(findsLate),
		},
		{
			Name: "forgets-after-a-minute", Does: "an operation is gone a minute after it was done", Seen: "bazelbuild/remote-apis#259",
			Breaks: "LRO-15", Start: with(forgets),
		},
		{
			Name: "image-after-operation", Does: "an image can't be read for 30 s after its operation has succeeded", Seen: "hashicorp/terraform-provider-azurerm#32935",
			Breaks: "IMG-11", Start: with(imagesComeLate), Taught: "IMG-11 did not speak of images that are not found",
		},
		{
			Name: "key-of-one-connection", Does: "a key is known only to the process that has seen it, one for each connection", Seen: "hashicorp/terraform-provider-google#5008",
			Breaks: "IDM-01", Start: with(keysByConnection),
		},
		{
			Name: "rest-not-found-with-200", Does: "over REST, an operation that is not found is an error under HTTP 200", Seen: "envoyproxy/envoy#21791",
			Breaks: "ERR-06", Start: around(notFoundWith200),
		},
		{
			Name: "list-counts-in-numbers", Does: "over REST, sizes in lists are numbers in JSON", Seen: "the vendor's guide, whose example of an answer has a size as a number",
			Breaks: "XP-02", Start: with(listsNumbers),
		},
		{
			Name: "milliseconds-after-cancel", Does: "what Cancel has ended is stamped in milliseconds where seconds belong", Seen: "golang/protobuf#775",
			Breaks: "OP-05", Start: with(cancelsInMilliseconds),
		},
		{
			Name: "cancel-pretends", Does: "Cancel of what has succeeded answers that it was cancelled, and reads say that it has succeeded", Seen: "googleapis/google-cloud-cpp#7762",
			Breaks: "CXL-02", Start: with(cancelPretends),
		},
		{
			Name: "ids-start-again", Does: "ids are counted from a number that is lost in a restart, after 40 resources", Seen: "Azure/azure-sdk-for-js#11183",
			Breaks: "IMG-13", Start: with(idsStartAgain),
		},
		{
			Name: "answers-from-a-cache", Does: "for a minute, reads of one connection come from a cache of its own", Seen: "pulumi/pulumi-aws-native#1809",
			Breaks: "LRO-17", Start: with(caches),
		},
		{
			Name: "details-not-over-connect", Does: "over Connect, errors lose their details", Seen: "googleapis/google-cloud-java#13369",
			Breaks: "REQ-08", Start: with(detailsGetLost),
		},
		{
			Name: "failed-image-stays-listed", Does: "an image whose copy has failed can't be read but stays in the list", Seen: "hashicorp/terraform-provider-google#8655",
			Breaks: "IMG-12", Start: with(listsFailures),
		},
		{
			Name: "pages-overlap", Does: "a page begins with the last image of the one before", Seen: "whoever lists from the last id on, and not after it",
			Breaks: "IMG-14", Start: with(pagesOverlap), Taught: "IMG-14 fell silent after a request that no server could read",
		},
		{
			Name: "cancel-hides-failure", Does: "Cancel of an operation that shows an error has the error go away until the end", Seen: "kubernetes-retired/service-catalog#2520",
			Breaks: "LRO-10", Start: with(cancelHidesFailures),
		},
		{
			Name: "empty-labels-omitted", Does: "labels with an empty value are forgotten", Seen: "whoever stores JSON that leaves out empty texts",
			Breaks: "IMG-05", Start: with(omitsEmptyLabels),
		},
		{
			Name: "ids-are-trimmed", Does: "spaces around the id of an operation do not count", Seen: "stackshy/cloudemu#656",
			Breaks: "OP-02", Start: with(trimsIDs),
		},
	}
}

func with(mistake honest.Change) func(testing.TB) conformance.Target {
	return func(tb testing.TB) conformance.Target { return honest.New(mistake).Start(tb) }
}

func around(mistake func(http.Handler) http.Handler) func(testing.TB) conformance.Target {
	return func(tb testing.TB) conformance.Target { return honest.New().Start(tb, mistake) }
}

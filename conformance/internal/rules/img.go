package rules

// Sources of what the documentation says of images.
const (
	imageDoc      = "CopyFromDesktop, DesktopImage"
	standardGuide = "API design guide, Standard fields"
	createGuide   = "API design guide, Asynchronous operations"
)

// imageRules are about the image inside an operation and behind it.
func imageRules() []*Rule {
	return append(imageContentRules(), imageReadRules()...)
}

// imageContentRules are about the image as answers about an operation tell of it.
func imageContentRules() []*Rule {
	return []*Rule{
		{
			ID: "IMG-01", Title: "The metadata name the new image", Core: true, Level: Seed,
			Quote:    "ID of the new image. Maximum ID length is 50 characters.",
			Source:   "CopyFromDesktop, CopyFromDesktopMetadata.image_id; " + standardGuide,
			Sees:     content,
			Exercise: "create an image and read the operation",
			Guard:    "only metadata of methods that make images count; an operation with an error may have made none, and need not name one",
			Reduce:   Subset,
			New:      look(judgeImageID),
			Corrupt:  corruptImageID,
		},
		{
			ID: "IMG-02", Title: "The response is the image that the metadata name", Core: true, Level: Seed,
			Quote:    "ID of the new image.",
			Source:   "CopyFromDesktop, CopyFromDesktopMetadata.image_id and DesktopImage.id",
			Sees:     content,
			Exercise: "read an operation that has succeeded",
			Guard:    "response and metadata of one answer are compared, where it has both",
			Reduce:   Subset,
			New:      look(judgeSameImage),
			Corrupt:  corruptSameImage,
		},
		{
			ID: "IMG-03", Title: "The image is in the folder that was asked for", Core: true, Level: Seed,
			Quote:    "ID of the folder to copy the image to.",
			Source:   "CopyFromDesktop, CopyFromDesktopRequest.folder_id and DesktopImage.folder_id",
			Sees:     content,
			Exercise: "create an image in a folder and read the operation after it is done",
			Guard:    "where the request names no folder, any will do; a request that another with its idempotency key may have come before is not compared or, where that would not be seen, no more than a warning",
			Reduce:   Subset,
			New:      fromImage(judgeFolder),
			Corrupt:  corruptFolder,
		},
		{
			ID: "IMG-04", Title: "The image has the name that was asked for", Core: true, Level: Seed,
			Quote:    "Name of the image.",
			Source:   "CopyFromDesktop, CopyFromDesktopRequest.name and DesktopImage.name",
			Sees:     content,
			Exercise: "create images whose names have spaces at their ends, marks after letters or 50 characters, and read the operations after they are done",
			Guard:    "a name that the request leaves out may be made up, and an Update that was called before the read had returned may have renamed the image, as a server may show it as it is by now; where calls may be made that are not seen, a warning",
			Reduce:   Subset,
			New:      unlessChanged([]string{MethodUpdate}, judgeName),
			Corrupt:  corruptName,
		},
		{
			ID: "IMG-05", Title: "The image has the labels and the description that were asked for", Level: Proto,
			Quote:    "Desktop image labels. Desktop image description.",
			Source:   "desktop_image_service.proto, CopyFromDesktopRequest.labels and description",
			Sees:     content,
			Exercise: "create images with different labels and descriptions, and read the operations after they are done",
			Guard:    "what the request leaves out is not compared, nor is an image that an Update may have changed, and where calls may be made that are not seen, a breach is a warning; servers from before the fields are judged by the contract seed, which lacks the rule",
			Reduce:   Subset,
			New:      unlessChanged([]string{MethodUpdate}, judgeLabelled),
			Corrupt:  corruptLabel,
		},
		{
			ID: "IMG-06", Title: "The image has a documented status", Core: true, Level: Seed,
			Quote:    "Status of the image.",
			Source:   imageDoc + ".status",
			Sees:     content,
			Exercise: "read an operation that has succeeded",
			Guard:    "a status that is not documented is a warning, as the server may be newer than the documentation",
			Reduce:   Subset,
			New:      fromImage(judgeStatus),
			Corrupt:  corruptStatus,
		},
		{
			ID: "IMG-07", Title: "The image of an operation that succeeded is ready", Level: Practice,
			Quote:    "`ACTIVE`: Image is ready to use.",
			Source:   imageDoc + ".status; operation.Operation.response",
			Sees:     content,
			Exercise: "read an operation that has succeeded",
			Guard:    "a Delete that was called before the read had returned may have begun to remove the image; a status that is not documented may mean the same as ACTIVE",
			Reduce:   Subset,
			New:      unlessChanged([]string{MethodDelete}, judgeReady),
			Corrupt:  corruptReady,
		},
		{
			ID: "IMG-08", Title: "The image's sizes are sizes", Core: true, Level: Implied,
			Quote:    "Size of the image, specified in bytes.",
			Source:   imageDoc + ".storage_size and min_disk_size",
			Sees:     content,
			Exercise: "read an operation that has succeeded",
			Guard:    "0 bytes are a warning, and only of an image that is ready",
			Reduce:   Subset,
			New:      fromImage(judgeSizes),
			Corrupt:  corruptSizes,
		},
		{
			ID: "IMG-09", Title: "The image is as old as its operation", Level: Guide,
			Quote:    "Creation timestamp",
			Source:   imageDoc + ".created_at; " + standardGuide,
			Sees:     content,
			Exercise: "read an operation that has succeeded",
			Guard:    "stamps of two services come from two clocks, so that only a stamp that is missing or no time is an error; others that are outside the operation by more than rounding and small skew are warnings",
			Reduce:   Subset,
			New:      fromImage(judgeImageStamp),
			Corrupt:  corruptImageStamp,
		},
	}
}

// imageReadRules are about images as they are read by themselves.
func imageReadRules() []*Rule {
	return []*Rule{
		{
			ID: "IMG-10", Title: "An image can be read while it is being made", Core: true, Level: Guide,
			Quote:    "Using this ID, you can access the resource via the `Get` or `List` method.",
			Source:   createGuide,
			Sees:     content,
			Exercise: "read the image that the metadata name while the operation is in progress, and the operation after that",
			Guard:    "a read counts only if the operation was seen later to be in progress still, or to have succeeded, and neither Cancel nor Delete may have come between; where reads may be late, not finding the image soon after the create is no more than inconclusive; an image may be ACTIVE a moment before its operation is done",
			Reduce:   Prefix,
			New:      judgeVisible,
			Corrupt:  corruptVisible,
		},
		{
			ID: "IMG-11", Title: "The response is the image as it is read", Level: Implied,
			Quote:    "The normal response of the operation in case of success.",
			Source:   "CopyFromDesktop, operation.Operation.response",
			Sees:     content,
			Exercise: "read the image after its operation was seen to have succeeded",
			Guard:    "where others may have written to the image only what never changes is compared, and stamps at the coarser precision of the two; where reads may be stale, only those after the window count; one that does not find it is a breach where nobody else could have deleted it",
			Reduce:   Prefix,
			New:      judgeReadBack,
			Corrupt:  corruptReadBack,
		},
		{
			ID: "IMG-12", Title: "A failed operation leaves no image", Core: true, Level: Guide, World: true,
			Quote:    "deletes the resources created during the operation. Only when the service returns to the previous state will the operation be considered completed",
			Source:   "API design guide, Operation",
			Sees:     content,
			Exercise: "read the image, or list its folder, after the operation was seen to be done with an error",
			Guard:    "before the operation is done the image may still be there; where reads may be stale, only those after the window count; PERMISSION_DENIED is as good as NOT_FOUND",
			Reduce:   Prefix,
			New:      judgeLeftovers(func(*Seen) bool { return true }),
			Corrupt:  corruptLeftover,
		},
		{
			ID: "IMG-13", Title: "A new image has an id of its own", Core: true, Level: Seed,
			Quote:    "ID of the new image.",
			Source:   "CopyFromDesktop, CopyFromDesktopMetadata.image_id",
			Sees:     content,
			Exercise: "create two images",
			Guard:    "ids are compared by operations, of which one may be answered with many times; only metadata of methods that make images count",
			Reduce:   Subset,
			New:      judgeNew,
			Corrupt:  corruptNew,
		},
		{
			ID: "IMG-14", Title: "A new image is in its folder's list once", Level: Proto, World: true,
			Quote:    "Lists desktop images in the specified folder.",
			Source:   "desktop_image_service.proto, List",
			Sees:     content,
			Exercise: "list all pages of the folder after an operation was seen to have succeeded, and another folder",
			Guard:    "an image that a Delete may have removed need not be listed, nor one that was made less than the window ago; several pages count only if nothing was written while they were read; filtered lists never do",
			Reduce:   Prefix,
			New:      judgeLists,
			Corrupt:  corruptList,
		},
	}
}

package rules

import (
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Sources of what the documentation says of requests.
const (
	requestDoc   = "CopyFromDesktop, CopyFromDesktopRequest"
	requestProto = "desktop_image_service.proto, CopyFromDesktopRequest"
	errorGuide   = "API design guide, Errors"
)

// requestRules are about what a server accepts and refuses.
func requestRules() []*Rule {
	return slices.Concat(limitRules(), refusalRules(), strangerRules())
}

// limitRules are about the limits of fields.
func limitRules() []*Rule {
	return []*Rule{
		{
			ID: "REQ-01", Title: "What is required can't be left out", Core: true, Level: Seed,
			Quote:    "Required field. ID of the desktop to copy the image from.",
			Source:   requestDoc + ".desktop_id",
			Sees:     keyed,
			Exercise: "send a create without desktop_id over each protocol",
			Guard:    "errors that may have another reason, such as UNAUTHENTICATED or UNAVAILABLE, say nothing, nor does what comes of a call with a key that another may have had before",
			Reduce:   Subset,
			New:      judgeRequired,
			Corrupt:  corruptRequired,
		},
		{
			ID: "REQ-02", Title: "A refused call makes nothing", Core: true, Level: Guide, World: true,
			Quote:    "INVALID_ARGUMENT: Incorrect request parameters specified.",
			Source:   errorGuide + "; AIP-151",
			Sees:     content,
			Exercise: "list the folder, send a create that is refused, and list the folder again",
			Guard:    "an image counts only if no operation is known to have made it and no call of unknown outcome may have; pages that shift while they are read are not compared",
			Reduce:   Prefix,
			New:      judgeNothing,
			Corrupt:  corruptNothing,
		},
		{
			ID: "REQ-03", Title: "Lengths count characters", Core: true, Level: Proto,
			Quote:    "(length) = \"<=50\"",
			Source:   requestProto + ".folder_id, name and desktop_id",
			Sees:     keyed,
			Exercise: "send creates with 50 and with 51 characters of 1, 2 and 4 bytes in each field",
			Guard:    "a text that fits may be refused for other reasons, such as a folder that is unknown: only INVALID_ARGUMENT that names the field counts, and only at the limit; letters with marks are left out, and texts that were accepted with a key that another call may have had before",
			Reduce:   Subset,
			New:      lengths(isShortText),
			Corrupt:  corruptLength,
		},
		{
			ID: "REQ-04", Title: "Labels are held to their limits", Level: Proto,
			Quote:    "(size) = \"<=64\", (length) = \"<=63\", (pattern) = \"[-_0-9a-z]*\", (map_key).length = \"1-63\", (map_key).pattern = \"[a-z][-_0-9a-z]*\"",
			Source:   requestProto + ".labels",
			Sees:     keyed,
			Exercise: "send creates with 64 and 65 labels, with keys that are empty, have 64 characters or capitals, and with values that are empty or have 64 characters",
			Guard:    "labels that fit may be refused for other reasons: only INVALID_ARGUMENT that names them counts, and labels that don't are nothing to a call with a key that another may have had before",
			Reduce:   Subset,
			New:      judgeLabels,
			Corrupt:  corruptLabels,
		},
		{
			ID: "REQ-05", Title: "A description has up to 1024 characters", Level: Proto,
			Quote:    "(length) = \"<=1024\"",
			Source:   requestProto + ".description",
			Sees:     keyed,
			Exercise: "send creates with descriptions of 1024 and 1025 characters",
			Guard:    "as for other texts; servers from before the field are judged by the contract seed, which lacks the rule",
			Reduce:   Subset,
			New:      lengths(isDescription),
			Corrupt:  corruptDescription,
		},
		{
			ID: "REQ-06", Title: "What is not required can be left out", Core: true, Level: Proto, Lenient: true,
			Quote:    "string folder_id = 3 [(length) = \"<=50\"]; string name = 4 [(length) = \"<=50\"];",
			Source:   requestProto,
			Sees:     content,
			Exercise: "send creates without folder_id and without name",
			Guard:    "only INVALID_ARGUMENT that names the missing field counts, and as a warning: where the image goes without a folder is documented nowhere",
			Reduce:   Subset,
			New:      judgeOptional,
			Corrupt:  corruptOptional,
		},
	}
}

// refusalRules are about how requests are refused.
func refusalRules() []*Rule {
	return []*Rule{
		{
			ID: "REQ-07", Title: "A wrong request is refused at once", Core: true, Level: Practice,
			Quote:    "Errors that prevent a long-running operation from starting must return an error response (AIP-193), similar to any other method.",
			Source:   "AIP-151",
			Sees:     content,
			Exercise: "send a create that breaks a documented limit",
			Guard:    "only an operation that ends with INVALID_ARGUMENT for a request that breaks a documented limit counts, and as a warning",
			Reduce:   Subset,
			New:      judgeSynchronous,
			Corrupt:  corruptSynchronous,
		},
		{
			ID: "REQ-08", Title: "A refusal names the field", Level: Guide, Lenient: true,
			Quote:    "Details are provided in the `details` field.",
			Source:   errorGuide,
			Sees:     content,
			Exercise: "send a request that breaks a documented limit",
			Guard:    "servers differ in this, so that a breach is a warning; the field may be named as in proto or as in JSON, with what it is part of before it, and one of several that are wrong is enough",
			Reduce:   Subset,
			New:      judgeDetails,
			Corrupt:  corruptDetails,
		},
		{
			ID: "REQ-09", Title: "What does not exist can't be read", Core: true, Level: Proto,
			Quote:    "Returns the specified Operation resource.",
			Source:   "operation_service.proto, Get and GetOperationRequest.operation_id (required)",
			Sees:     content,
			Exercise: "read an operation without an id and one that nobody has started",
			Guard:    "PERMISSION_DENIED is as good as NOT_FOUND; an operation counts as started by nobody only where every call that starts any is seen, and by the server's own clock it is younger than one that was",
			Reduce:   Prefix,
			New:      judgeUnknown(MethodGet),
			Corrupt:  corruptUnknown,
		},
		{
			ID: "REQ-10", Title: "What does not exist can't be copied", Core: true, Level: Implied,
			Quote:    "Copies the specified desktop image from the specified desktop.",
			Source:   "CopyFromDesktop",
			Sees:     content,
			Exercise: "send a create with the id of a desktop that does not exist",
			Guard:    "the run must know such an id; any refusal will do, and so will an operation that ends with an error",
			Reduce:   Subset,
			New:      judgeAbsent,
			Corrupt:  corruptAbsent(),
		},
	}
}

// strangerRules are about requests of newer, older or broken clients, and of those
// who must not make any.
func strangerRules() []*Rule {
	return []*Rule{
		{
			ID: "REQ-11", Title: "Unknown and reserved fields are ignored", Core: true, Level: Implied,
			Quote:    "reserved 1 to 2, 5 to 7;",
			Source:   requestProto + "; protobuf language guide, unknown fields",
			Sees:     []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW},
			Exercise: "send creates in binary with text in the fields 1 and 2 and in one that nobody knows, and read their images",
			Guard:    "only binary requests count, as JSON may be read strictly; a refusal that names a field of the request has another reason, and short texts may be in the image by chance",
			Reduce:   Subset,
			New:      judgeStrangeTags,
			Corrupt:  corruptTags,
		},
		{
			ID: "REQ-12", Title: "Text is UTF-8", Level: Implied,
			Quote:    "A string must always contain UTF-8 encoded or 7-bit ASCII text.",
			Source:   "protobuf language guide, scalar types; " + requestProto + ".name",
			Sees:     raw,
			Exercise: "send a create in binary whose name is not UTF-8",
			Guard:    "any error is right, as most servers can't decode the request at all",
			Reduce:   Subset,
			New:      judgeText,
			Corrupt:  corruptText,
		},
		{
			ID: "REQ-13", Title: "Callers are known and see what is theirs", Level: Guide,
			Quote:    "UNAUTHENTICATED: The operation requires authentication. PERMISSION_DENIED: The user has no permissions required to perform the operation.",
			Source:   errorGuide,
			Sees:     keyed,
			Exercise: "call without a token, and read and cancel an operation of somebody else",
			Guard:    "only where the run says that the server knows its callers, and only if the token of another call was seen; any error will do",
			Reduce:   Subset,
			New:      judgeAuth,
			Corrupt:  corruptAnonymous,
		},
	}
}

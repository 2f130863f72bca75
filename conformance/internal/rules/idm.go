package rules

import (
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// keyed is what rules about idempotency keys need to see.
var keyed = []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_METADATA}

const idempotencyGuide = "API design guide, Idempotency"

// keyRules are about idempotency keys.
func keyRules() []*Rule {
	return []*Rule{
		{
			ID: "IDM-01", Title: "A repeated call gets the operation of the first", Core: true, Level: Guide,
			Quote:    "If so, the server returns the `Operation` object with this operation's current status.",
			Source:   idempotencyGuide,
			Sees:     keyed,
			Exercise: "repeat a create with its idempotency key, at once and after the operation is done",
			Guard:    "only calls with one UUID, method and request are compared, the second called after the first had returned and within a minute of it; calls that may fail for other reasons, such as UNAVAILABLE, say nothing, and where reads may be stale for a while, so may the status be",
			Reduce:   Subset,
			New:      judgeReplays,
			Corrupt:  corruptReplay,
		},
		{
			ID: "IDM-02", Title: "Calls with one key at one time start one operation", Core: true, Level: Guide, World: true,
			Quote:    "it checks whether an operation with this UUID has already been created. If so, the server returns the `Operation` object with this operation's current status.",
			Source:   idempotencyGuide,
			Sees:     keyed,
			Exercise: "send a create with one idempotency key from many connections at once",
			Guard:    "only calls with one UUID, method and request that were answered with operations are compared; those that lost with ABORTED are a warning",
			Reduce:   Prefix,
			New:      judgeRaces,
			Corrupt:  corruptRace,
		},
		{
			ID: "IDM-03", Title: "Different keys are different operations", Core: true, Level: Guide,
			Quote:    "Generate the UUIDs for each operation separately.",
			Source:   idempotencyGuide,
			Sees:     keyed,
			Exercise: "send the same create with two idempotency keys",
			Guard:    "keys that differ in upper and lower case alone may be one; only UUIDs and methods that make something new count",
			Reduce:   Subset,
			New:      judgeDistinct,
			Corrupt:  corruptDistinct(uuidKeyed),
		},
		{
			ID: "IDM-04", Title: "Calls without a key are not repetitions", Core: true, Level: Guide, Lenient: true,
			Quote:    "By default, some operations in the API do not work in an idempotent manner",
			Source:   idempotencyGuide,
			Sees:     keyed,
			Exercise: "send the same create twice without an idempotency key",
			Guard:    "the sentence speaks of some operations, so that a breach is a warning; ALREADY_EXISTS for a name that is taken is right",
			Reduce:   Subset,
			New:      judgeKeyless,
			Corrupt:  corruptDistinct(keyless),
		},
		{
			ID: "IDM-05", Title: "A key with another request starts nothing new", Level: Guide,
			Quote:    "it checks whether an operation with this UUID has already been created",
			Source:   idempotencyGuide,
			Sees:     keyed,
			Exercise: "send a create with the idempotency key of another create, which was accepted",
			Guard:    "whether the second call gets the first one's operation or is refused is not documented, and both are right",
			Reduce:   Prefix,
			New:      judgeOtherBody,
			Corrupt:  corruptOtherBody,
		},
		{
			ID: "IDM-06", Title: "A key that is no UUID does not break the server", Level: Guide, Lenient: true,
			Quote:    "The header must contain the UUID.",
			Source:   idempotencyGuide,
			Sees:     keyed,
			Exercise: "send a create with an idempotency key that is no UUID",
			Guard:    "to refuse the key and to ignore it are both right, and so is any error that may have another reason",
			Reduce:   Subset,
			New:      judgeOddKeys,
			Corrupt:  corruptOddKey,
		},
		{
			ID: "IDM-07", Title: "A key belongs to the operation that it has started", Level: Practice,
			Quote:    "it checks whether an operation with this UUID has already been created",
			Source:   idempotencyGuide + "; AIP-155",
			Sees:     keyed,
			Exercise: "use the idempotency key of a refused create for one that is right, and that of a create for another method",
			Guard:    "a refusal counts only if it is the one that the first call got, or if the same request was accepted elsewhere: a server may have reasons of its own",
			Reduce:   Prefix,
			New:      judgeBurntKeys,
			Corrupt:  corruptBurntKey,
		},
	}
}

// Package drift holds this module's statement of the vendor's contract against the descriptors that go-genproto registers.
//
// The files of proto/yandex and proto/google state what the contract is; go-genproto is what clients are compiled with. Where
// the two differ, one of them has drifted: a field has moved, a limit has changed, a method has gone. The rule for a verdict
// is that what we state must hold in go-genproto, which may say more.
//
// The order of declarations, imports and comments are not compared: neither the wire nor JSON nor a generated package shows
// them.
package drift

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// contractBinary is the google.protobuf.FileDescriptorSet of proto/yandex, proto/google and what they import, compiled by
// make generate, so that neither a test nor a program needs buf.
//
//go:embed contract.binpb
var contractBinary []byte

var contract = sync.OnceValues(func() (*protoregistry.Files, error) {
	set := new(descriptorpb.FileDescriptorSet)
	// The options are read with the extensions that go-genproto registers. One whose number we state differently stays
	// unknown, and Diff reports it.
	if err := proto.Unmarshal(contractBinary, set); err != nil {
		return nil, fmt.Errorf("optest: contract.binpb is not a file descriptor set, run make generate: %w", err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf("optest: contract.binpb does not hold together, run make generate: %w", err)
	}
	return files, nil
})

// Contract returns the descriptors of the contract as this module states it. The registry is shared: read it only. It is
// safe for concurrent use.
func Contract() (*protoregistry.Files, error) {
	return contract()
}

// Against compares every file of the contract with the file of the same path in theirs, as a rule protoregistry.GlobalFiles
// of a program that links go-genproto. Differences come in the order of paths.
//
// Of google.api and google.rpc the contract declares only what the imports need, so what it leaves out there is no
// difference. google.protobuf is not ours and not compared.
func Against(theirs *protoregistry.Files) ([]Difference, error) {
	ours, err := Contract()
	if err != nil {
		return nil, err
	}
	var files []protoreflect.FileDescriptor
	ours.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(file.Path(), "google/protobuf/") {
			files = append(files, file)
		}
		return true
	})
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })

	var found []Difference
	for _, file := range files {
		their, err := theirs.FindFileByPath(file.Path())
		if err != nil {
			found = append(found, Difference{Kind: Removed, File: file.Path(), Ours: "present"})
			continue
		}
		for _, d := range Diff(file, their) {
			if d.Kind == Added && strings.HasPrefix(file.Path(), "google/") {
				continue
			}
			found = append(found, d)
		}
	}
	return found, nil
}

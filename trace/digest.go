package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// ContractDigest is the hash of the files and of all that they import, for
// [optestv1.TraceHeader]: traces with equal digests were decoded by the same
// descriptors. Files that are equal but for their comments have one digest.
func ContractDigest(files ...protoreflect.FileDescriptor) (string, error) {
	all := map[string]protoreflect.FileDescriptor{}
	for _, f := range files {
		withImports(f, all)
	}
	set := &descriptorpb.FileDescriptorSet{}
	for _, f := range all {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	slices.SortFunc(set.File, func(a, b *descriptorpb.FileDescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return "", fmt.Errorf("optest: hashing descriptors: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

func withImports(f protoreflect.FileDescriptor, all map[string]protoreflect.FileDescriptor) {
	if _, ok := all[f.Path()]; ok {
		return
	}
	all[f.Path()] = f
	for i := range f.Imports().Len() {
		withImports(f.Imports().Get(i).FileDescriptor, all)
	}
}

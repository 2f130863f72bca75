package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/optest-dev/optest/trace"
)

// inJSONText is a read in JSON whose text is changed.
func inJSONText(w wire, old, text string) func(*scene) {
	return func(s *scene) {
		c := s.client("first", w)
		l := c.begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
		l.succeeds()
		e := c.reads(l)
		s.events = s.events[1:]
		compact := strings.NewReplacer(": ", ":", ", ", ",").Replace(string(e.Response.Bytes()))
		changed := strings.ReplaceAll(compact, old, text)
		if !strings.Contains(compact, old) {
			s.t.Fatalf("there is no %q in %s", old, compact)
		}
		if old == "" {
			changed = text
		}
		e.Response = trace.NewBlob([]byte(changed))
	}
}

func TestFormOfJSON(t *testing.T) {
	any := `"@type":"type.googleapis.com/yandex.cloud.clouddesktop.v1.api.DesktopImage"`
	for _, c := range []wireCase{
		{"XP-02", "right", inJSONText(overREST, `"done":`, `"done":`), Pass},
		{"XP-02", "null", inJSONText(overREST, `"done":true`, `"done":true,"error":null,"description":null`), Pass},
		{"XP-02", "a newer field", inJSONText(overREST, `"done":true`, `"done":true,"new_field":1,"newField":{}`), Pass},
		{"XP-02", "a newer value", inJSONText(overREST, `"status":"ACTIVE"`, `"status":"FROZEN"`), Pass},
		{"XP-02", "a newer value as number", inJSONText(overREST, `"status":"ACTIVE"`, `"status":99`), Pass},
		{"XP-02", "an unknown type", inJSONText(overREST, any, `"@type":"type.googleapis.com/of.Nobody","a_b":1`), Pass},
		{"XP-02", "an empty Any", inJSONText(overREST, `"done":true`, `"done":true,"error":{"details":[{}]}`), Pass},
		{"XP-02", "milliseconds", inJSONText(overREST, `.124456789Z`, `.124Z`), Pass},
		{"XP-02", "over Connect", inJSONText(overConnectJSON, `"createdAt"`, `"created_at"`), Fail},
		{"XP-02", "in binary", readsOver(overConnect, asRecorded), NotExercised},
		{"XP-02", "underscores", inJSONText(overREST, `"modifiedAt"`, `"modified_at"`), Fail},
		{"XP-02", "underscores inside", inJSONText(overREST, `"minDiskSize"`, `"min_disk_size"`), Fail},
		{"XP-02", "bare 64-bit number", inJSONText(overREST, `"9007199254740993"`, `9007199254740993`), Fail},
		{"XP-02", "exponent", inJSONText(overREST, `"9007199254740993"`, `"9.0e15"`), Fail},
		{"XP-02", "enum by number", inJSONText(overREST, `"ACTIVE"`, `2`), Fail},
		{"XP-02", "enum by number in a text", inJSONText(overREST, `"ACTIVE"`, `"2"`), Fail},
		{"XP-02", "epoch", inJSONText(overREST, `"2026-03-05T12:00:00.124456789Z"`, `946684800`), Fail},
		{"XP-02", "offset", inJSONText(overREST, `124456789Z"`, `124456789+00:00"`), Fail},
		{"XP-02", "two digits", inJSONText(overREST, `124456789Z"`, `12Z"`), Fail},
		{"XP-02", "no @type", inJSONText(overREST, any, `"type":"x"`), Fail},
		{"XP-02", "labels as text", inJSONText(overREST, `{"empty":"","run":"optest"}`, `"a"`), Fail},
		{"XP-02", "a number for a text", inJSONText(overREST, `"createdBy":"aje-caller"`, `"createdBy":7`), Fail},
		{"XP-02", "a text for a boolean", inJSONText(overREST, `"done":true`, `"done":"true"`), Fail},
		{"XP-02", "an object for a list", inJSONText(overREST, `"done":true`, `"done":true,"error":{"details":{}}`), Fail},
		{"XP-02", "no JSON", inJSONText(overREST, "", `<html>`), Fail},
		{"XP-02", "half", inJSONText(overREST, "", `{"id":`), Fail},
		{"XP-02", "more than one value", inJSONText(overREST, "", `{} {}`), Fail},
		{"XP-02", "an array", inJSONText(overREST, "", `[]`), Fail},
		{"XP-02", "deeper than is looked at", inJSONText(overREST, "", strings.Repeat("[", 100)+strings.Repeat("]", 100)), NotExercised},

		{"XP-05", "one", inJSONText(overREST, `"done":`, `"done":`), Pass},
		{"XP-05", "null beside it", inJSONText(overREST, `"done":true`, `"done":true,"error":null`), Pass},
		{"XP-05", "both", inJSONText(overREST, `"done":true`, `"done":true,"error":{"code":13}`), Fail},
		{"XP-05", "both, one empty, over Connect", inJSONText(overConnectJSON, `"done":true`, `"error":{},"done":true`), Fail},
		{"XP-05", "none", readsOver(overREST, asRecorded), NotExercised},

		{"XP-06", "text", inJSONText(overREST, `"done":`, `"done":`), Pass},
		{"XP-06", "small numbers", inJSONText(overREST, `"9007199254740993"`, `5`), NotExercised},
		{"XP-06", "bare", inJSONText(overREST, `"9007199254740993"`, `9007199254740993`), Fail},
		{"XP-06", "bare, as a double", inJSONText(overREST, `"9007199254740993"`, `9.007199254740992e15`), Fail},
		{"XP-06", "rounded text", overBoth(overREST, inImage(func(i *clouddesktop.DesktopImage) { i.StorageSize-- })), Fail},
		{"XP-06", "rounded before it is seen in binary", func(s *scene) {
			l := s.client("first", overREST).begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			l.succeeds()
			readsChanged(s, overREST, l, inImage(func(i *clouddesktop.DesktopImage) { i.StorageSize-- }))
			s.client("first", overWeb).reads(l)
		}, Fail},
		{"XP-06", "equal", overBoth(overConnectJSON, func(*operation.Operation) {}), Pass},
	} {
		c.run(t)
	}
}

// plain is a value as encoding/json has it.
func (n node) plain() any {
	switch n.kind {
	case '{':
		m := map[string]any{}
		for _, x := range n.members {
			m[x.name] = x.value.plain()
		}
		return m
	case '[':
		list := []any{}
		for _, x := range n.items {
			list = append(list, x.plain())
		}
		return list
	case '"':
		return n.text
	case '0':
		return json.Number(n.text)
	case 't':
		return true
	}
	return nil
}

func FuzzJSONTree(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e3,"x\"",null,true,{}],"a":{}}`, ` [ [ [ ] ] , "\ud800\u00e9\\" ] `, `"é\n"`, `{"a"`, ``, `1 2`, `-0`, `{"\u0061":""}`, "\"\xff\"", `false`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := parseJSON(raw)
		if errors.Is(err, errBigJSON) {
			return
		}
		jsonWalk{}.message(operationDesc, "", n)
		var want any
		dec := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(raw, []byte("false"), []byte("true")))) // the tree does not tell them apart
		dec.UseNumber()
		if valid := json.Valid(raw); valid != (err == nil) {
			t.Fatalf("%q is JSON: %v, and the error is %v", raw, valid, err)
		} else if !valid || bytes.Contains(raw, []byte("false")) && bytes.Contains(raw, []byte(`"`)) {
			return
		}
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := n.plain(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %#v, want %#v", raw, got, want)
		}
	})
}

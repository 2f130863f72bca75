package drive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/conformance/internal/rules"
)

// Bounds of what reflection is asked for, and of what it may cost.
const (
	reflectionTime = 5 * time.Second
	// maxShown is bytes of all answers: as much as gRPC takes in one by default.
	maxShown = 4 << 20
	// A server that shows one file at a time is asked as often as its imports are deep.
	maxRounds = 32
	// mostAsked at once have room in what HTTP/2 sends without being told to go on.
	mostAsked = 64
)

// Describe asks the server's reflection for the descriptors of the contract's
// services. Its calls are no events. They are nil where a run does without them,
// and what is skipped then says why.
func (w *World) Describe(ctx context.Context) (*protoregistry.Files, []Skipped) {
	if !w.speaks(GRPC) || w.Over() != nil {
		return nil, nil
	}
	bound := reflectionTime
	if left, bounded := w.ledger.left(); bounded {
		if bound = min(bound, left); bound <= 0 {
			return nil, nil // the next call will tell
		}
	}
	inTime, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	conn := w.dial("reflection", GRPC, w.plan.Endpoint)
	defer conn.Close() // or with the world, if it is still in use
	r := reflection{conn: conn, left: maxShown}
	files, err := r.describe(inTime)
	switch {
	case err == nil:
		return files, nil
	case ctx.Err() != nil:
		return nil, nil
	}
	why := "the server's reflection can't be used: " + clipped(plain(err))
	switch {
	case errors.Is(err, ErrSpent):
		why = plain(err)
	case inTime.Err() != nil:
		why = fmt.Sprintf("the server's reflection has not told in %v", bound)
	case denied(err, code.Code_UNIMPLEMENTED):
		why = "the server has no reflection over gRPC"
	}
	return nil, []Skipped{{Script: "reflection", Reason: why, Exercises: []string{"CON-01", "CON-02"}}}
}

// clipped is what is told of a text that a server may have a hand in.
func clipped(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "")
}

// reflection asks one server.
type reflection struct {
	conn    *Conn
	version string
	left    int // bytes that answers may still have
	rounds  int
}

// describe asks the services of both names. Which of them a server has, or lets
// others call, does not matter.
func (r *reflection) describe(ctx context.Context) (*protoregistry.Files, error) {
	var first error
	for _, version := range []string{"v1", "v1alpha"} {
		r.version = version
		files, err := r.files(ctx)
		if err == nil {
			return files, nil
		}
		if first == nil || denied(first, code.Code_UNIMPLEMENTED) {
			first = err
		}
		if errors.Is(err, errNoAnswer) || errors.Is(err, ErrSpent) {
			break
		}
	}
	return nil, first
}

func (r *reflection) files(ctx context.Context) (*protoregistry.Files, error) {
	set := newFileSet()
	services, held := rules.Described()
	set.symbols = append(services, held...)
	if err := r.ask(ctx, set); err != nil {
		return nil, err
	}
	files, err := set.build()
	if err != nil {
		return nil, err
	}
	for _, name := range rules.Unresolved(files) {
		if len(name) <= maxFullName {
			set.symbols = append(set.symbols, name)
		}
	}
	if len(set.symbols) == 0 {
		return files, nil
	}
	if err := r.ask(ctx, set); err != nil {
		return nil, err
	}
	return set.build()
}

// ask goes on until there is nothing more to ask for.
func (r *reflection) ask(ctx context.Context, set *fileSet) error {
	for {
		list, err := set.next()
		if err != nil || len(list) == 0 {
			return err
		}
		if r.rounds++; r.rounds > maxRounds {
			return fmt.Errorf("the files are not all there after %d requests", maxRounds)
		}
		list = list[:min(len(list), mostAsked)]
		answers, failure := r.call(ctx, list)
		for i, answer := range answers[:min(len(answers), len(list))] {
			if err := set.take(answer); err != nil {
				return err
			}
			set.answered(list[i])
		}
		switch {
		case len(answers) >= len(list):
		case denied(failure, code.Code_NOT_FOUND):
			// Some servers end with this, instead of an answer that says so.
			set.answered(list[len(answers)])
		case failure != nil:
			return failure
		case len(answers) == 0:
			return errors.New("it ends without an answer")
		}
	}
}

// denial is a status that is not OK.
type denial struct {
	code    code.Code
	message string
}

func (d *denial) Error() string { return fmt.Sprintf("%s: %s", d.code, d.message) }

func denied(err error, with code.Code) bool {
	var d *denial
	return errors.As(err, &d) && d.code == with
}

// errNoAnswer: whoever does not answer once is not asked again.
var errNoAnswer = errors.New("there is no answer")

// call asks some questions in one request, and returns the answers that there are,
// also with an error.
func (r *reflection) call(ctx context.Context, list []question) ([][]byte, error) {
	var body []byte
	for _, q := range list {
		message, err := q.encoded()
		if err != nil {
			return nil, fmt.Errorf("what is asked for can't be sent: %w", err)
		}
		body = append(body, framed(message)...)
	}
	if r.conn.pace != nil {
		if err := r.conn.pace(ctx); err != nil {
			return nil, err
		}
	}
	resp, err := r.conn.post(ctx, "/grpc.reflection."+r.version+".ServerReflection/ServerReflectionInfo", body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	shown, err := io.ReadAll(io.LimitReader(resp.Body, int64(r.left)+1))
	_ = resp.Body.Close() // the answer is over, or its error is in err
	r.left -= len(shown)
	switch kind := resp.Header.Get("Content-Type"); {
	case r.left < 0:
		return nil, fmt.Errorf("%w of no more than %d bytes", errNoAnswer, maxShown)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	case resp.StatusCode == http.StatusNotFound:
		return nil, &denial{code.Code_UNIMPLEMENTED, "HTTP 404"}
	case resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "application/grpc"):
		return nil, fmt.Errorf("HTTP %d with content type %q instead of an answer of gRPC", resp.StatusCode, kind)
	}
	answers, err := messagesOf(shown)
	if err != nil {
		return nil, err
	}
	return answers, statusIn(resp)
}

// messagesOf takes a body apart. Compression was not asked for.
func messagesOf(body []byte) ([][]byte, error) {
	const prefixLen = 5
	var list [][]byte
	for len(body) > 0 {
		if len(body) < prefixLen || body[0] != 0 || uint64(len(body)-prefixLen) < uint64(binary.BigEndian.Uint32(body[1:])) {
			return nil, errors.New("the answer is no sequence of messages")
		}
		end := prefixLen + int(binary.BigEndian.Uint32(body[1:]))
		list, body = append(list, body[prefixLen:end]), body[end:]
	}
	return list, nil
}

// statusIn is the status of an answer, nil if it is OK.
func statusIn(resp *http.Response) error {
	fields := resp.Trailer
	if fields.Get("Grpc-Status") == "" {
		fields = resp.Header
	}
	n, err := strconv.ParseInt(fields.Get("Grpc-Status"), 10, 32)
	if err != nil {
		return errors.New("the answer ends without grpc-status")
	}
	if n == 0 {
		return nil
	}
	return &denial{code.Code(n), fields.Get("Grpc-Message")}
}

// post sends what is no call of the contract and is not recorded.
func (c *Conn) post(ctx context.Context, target string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.URL.Scheme+"://"+c.endpoint.URL.Host+target, once{strings.NewReader(string(body))})
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(body))
	req.Header = http.Header{"User-Agent": {userAgent}, "Content-Type": {"application/grpc+proto"}, "Te": {"trailers"}}
	if deadline, bounded := ctx.Deadline(); bounded {
		req.Header.Set("Grpc-Timeout", grpcTimeout(max(time.Until(deadline), time.Nanosecond)))
	}
	if c.endpoint.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.endpoint.Token)
	}
	return c.http.RoundTrip(req)
}

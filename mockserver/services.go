package mockserver

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// plainMethod is a method that starts no operation.
type plainMethod struct {
	access  access
	handler handler
	stream  streamer // instead of the handler
}

// service is what the server knows of a service beyond its descriptor.
type service struct {
	desc      protoreflect.ServiceDescriptor
	resources func(*session) resources
	// control: its calls are in no journal.
	control bool
	plain   map[protoreflect.Name]plainMethod
}

// services lists what is served.
func (s *Server) services() []service {
	list := []service{
		{
			desc:      clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto.Services().ByName("DesktopImageService"),
			resources: func(ss *session) resources { return ss.images },
			plain: map[protoreflect.Name]plainMethod{
				"Get":  {access: guarded, handler: s.getImage},
				"List": {access: guarded, handler: s.listImages},
			},
		},
		{
			desc: operation.File_yandex_cloud_operation_operation_service_proto.Services().ByName("OperationService"),
			plain: map[protoreflect.Name]plainMethod{
				"Get":    {access: guarded, handler: s.getOperation},
				"Cancel": {access: guarded, handler: s.cancelOperation},
			},
		},
		{
			desc: endpoint.File_yandex_cloud_endpoint_api_endpoint_service_proto.Services().ByName("ApiEndpointService"),
			plain: map[protoreflect.Name]plainMethod{
				"Get":  {access: open, handler: s.getEndpoint},
				"List": {access: open, handler: s.listEndpoints},
			},
		},
		{
			desc: iam.File_yandex_cloud_iam_v1_iam_token_service_proto.Services().ByName("IamTokenService"),
			plain: map[protoreflect.Name]plainMethod{
				"Create":                  {access: open, handler: s.createToken},
				"CreateForServiceAccount": {access: open, handler: s.createToken},
			},
		},
	}
	list = append(list, s.control())
	for _, desc := range s.config.services {
		list = append(list, service{desc: desc, resources: func(ss *session) resources { return ss.others }})
	}
	return list
}

// methods are those of the services.
func (s *Server) methods(list []service) ([]connect.Method, error) {
	var methods []connect.Method
	for _, svc := range list {
		s.names[string(svc.desc.FullName())] = true
		for i := range svc.desc.Methods().Len() {
			desc := svc.desc.Methods().Get(i)
			m, err := describe(desc)
			if err != nil {
				return nil, err
			}
			if plain, ok := svc.plain[desc.Name()]; ok {
				if svc.control {
					own := *m
					own.control = true
					m = &own
				}
				if plain.stream != nil {
					methods = append(methods, s.streaming(m, plain.access, plain.stream))
				} else {
					methods = append(methods, s.unary(m, plain.access, plain.handler))
				}
				continue
			}
			if svc.resources == nil || !m.starts {
				continue // unknown methods are UNIMPLEMENTED
			}
			own := *m
			own.resources = svc.resources
			methods = append(methods, s.start(&own))
		}
	}
	return methods, nil
}

// unkept are the resources of a service that the mock knows by its descriptor
// only: they have an id, and the response is filled from the request.
type unkept struct{ newID func(string) string }

func (u *unkept) begin(op *longRunning, request proto.Message, _ time.Time, _ bool) (string, error) {
	if t := op.method.target; t != nil && !op.method.creates {
		if f := request.ProtoReflect().Descriptor().Fields().ByName(t.Name()); f != nil {
			return request.ProtoReflect().Get(f).String(), nil
		}
	}
	return u.newID("res"), nil
}

func (u *unkept) complete(*longRunning, engine.State, protoreflect.Message) {}

func (s *Server) getImage(ctx context.Context, c *call, request proto.Message) (proto.Message, error) {
	if err := s.strikePlain(ctx, c, optestv1.Fault_ON_UNSPECIFIED); err != nil {
		return nil, err
	}
	id := request.(*clouddesktop.GetDesktopImageRequest).GetImageId()
	image := c.session.images.get(id, c.now)
	if image == nil {
		return nil, notFound("DesktopImage", id)
	}
	return image, nil
}

func (s *Server) listImages(ctx context.Context, c *call, request proto.Message) (proto.Message, error) {
	if err := s.strikePlain(ctx, c, optestv1.Fault_LIST); err != nil {
		return nil, err
	}
	req := request.(*clouddesktop.ListDesktopImagesRequest)
	page, err := c.session.images.list(req, c.now)
	if err != nil {
		return nil, err
	}
	c.misfile(req, page)
	return page, nil
}

// strikePlain lets the faults of the default scenario, and those injected, strike
// a call that is about no operation.
func (s *Server) strikePlain(ctx context.Context, c *call, on optestv1.Fault_On) error {
	p := c.session.repertoire.defaultScenario()
	t := target{on: on, call: c, seed: c.session.store.seed}
	var b blow
	if p != nil && len(p.faults) > 0 {
		c.session.store.mu.Lock()
		b = strike(p.faults, &p.creates, t)
		c.session.store.mu.Unlock()
	}
	c.session.injected.strike(&b, t, p, "")
	c.struck(b)
	return b.fall(ctx, c)
}

// getEndpoint serves ApiEndpointService.Get: every service is here.
func (s *Server) getEndpoint(_ context.Context, c *call, request proto.Message) (proto.Message, error) {
	id := request.(*endpoint.GetApiEndpointRequest).GetApiEndpointId()
	return &endpoint.ApiEndpoint{Id: id, Address: s.addressFor(c)}, nil
}

// endpointIDs are the names under which the vendor's SDKs look for the services
// that the mock has.
var endpointIDs = []string{"endpoint", "iam", "operation", "clouddesktop", "clouddesktops", "cloud-desktop"}

func (s *Server) listEndpoints(_ context.Context, c *call, _ proto.Message) (proto.Message, error) {
	list := &endpoint.ListApiEndpointsResponse{}
	for _, id := range endpointIDs {
		list.Endpoints = append(list.Endpoints, &endpoint.ApiEndpoint{Id: id, Address: s.addressFor(c)})
	}
	return list, nil
}

// addressFor is the server's address as the client itself knows it, which holds
// behind a forwarded port too.
func (s *Server) addressFor(c *call) string {
	if host := c.header("Host"); host != "" {
		return host
	}
	return s.Addr()
}

// tokenLife is how long a fake token is said to be valid.
const tokenLife = 12 * time.Hour

// createToken serves both methods of IamTokenService: the token is the one that
// the server requires, or any.
func (s *Server) createToken(_ context.Context, c *call, _ proto.Message) (proto.Message, error) {
	token := s.config.token
	if token == "" {
		token = "t1.optest"
	}
	return &iam.CreateIamTokenResponse{IamToken: token, ExpiresAt: timestamppb.New(c.now.Add(tokenLife))}, nil
}

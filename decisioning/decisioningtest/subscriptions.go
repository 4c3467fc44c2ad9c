package decisioningtest

import "github.com/ccr-sdk/ccr/decisioning"

type subscription struct{ decisioning.Subscription }

func (s *Server) handleSubscriptions() {}

func (s *Server) emit(decisioning.EventName, map[string]any) {}

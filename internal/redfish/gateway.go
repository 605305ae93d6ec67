package redfish

import (
	"slices"
	"strings"
)

// gatewayRoutes are the resources of the gateway of a host. The processes of the BMCs have the others, see [Owner]. The gateway
// has no users: a client without any login reads the names of all BMCs.
var gatewayRoutes = []Route{
	{"/redfish", "", public(getVersions)},
	{root, "ServiceRoot.v1_20_0", public(getRoot)},
	{root + "/odata", "", public(getOData)},
	{root + "/$metadata", "", public(getMetadata)},
	{root + "/Systems", "ComputerSystemCollection", public(getSystems)},
	{root + "/Managers", "ManagerCollection", public(getManagers)},
	{root + "/Chassis", "ChassisCollection", public(getChassisCollection)},
	{root + "/SessionService", "SessionService.v1_2_0", public(getNoSessionService)},
	{sessionsURI, "SessionCollection", public(getNoSessions)},
	{registriesURI, "MessageRegistryFileCollection", public(getRegistries)},
	{registriesURI + "/Base", "MessageRegistryFile.v1_1_5", public(getRegistryFile)},
	{registryURI, "MessageRegistry.v1_7_0", public(getRegistry)},
}

func (s *Service) isGateway() bool { return s.BMCs != nil }

// table is the resources of the service.
func (s *Service) table() []Route {
	if s.isGateway() {
		return gatewayRoutes
	}
	return Routes
}

// names are the members of the collections that have a member for each BMC.
func (s *Service) names() []string {
	if s.isGateway() {
		return s.BMCs()
	}
	return []string{s.Name}
}

// TaskMark separates the name of the BMC in the ID of a task, so that the gateway knows whose task it is. No name
// contains it.
const TaskMark = "~"

// Owner is what a path has in place of the name of a BMC: the name, or the UUID of the managed system. It is empty if the
// resource is not one of a BMC.
func Owner(path string) (id string) {
	segments := segmentsOf(path)
	if len(segments) < 4 || !slices.Equal(segments[:2], segmentsOf(root)) {
		return ""
	}
	switch segments[2] {
	case "Systems", "Managers", "Chassis":
		return segments[3]
	case "TaskService":
		if name, _, isTask := strings.Cut(segments[len(segments)-1], TaskMark); isTask {
			return name
		}
	}
	return ""
}

// CleanPath is a path without the slashes that do not count.
func CleanPath(path string) string { return "/" + strings.Join(segmentsOf(path), "/") }

// getNoSessionService says that there are no sessions (SessionService.ServiceEnabled). A client logs in to one BMC, and a
// new session would not say to which.
func getNoSessionService(*Service, *Request) Answer {
	return done(sessionService{
		resource:       newResource(root+"/SessionService", "SessionService.v1_2_0", "SessionService", "Session Service"),
		SessionTimeout: minTimeout,
		Status:         status{"Disabled", ok},
		Sessions:       linkTo(sessionsURI),
	})
}

func getNoSessions(*Service, *Request) Answer {
	return done(collection(sessionsURI, "SessionCollection", "Sessions"))
}

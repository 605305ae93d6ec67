package redfish

import (
	"net/http"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

const root = "/redfish/v1"

// Privileges, in the words of the privilege registry (Redfish_1.8.0_PrivilegeRegistry).
const (
	anyone              = instance.Privilege(0) // below every privilege
	login               = instance.PrivilegeUser
	configureComponents = instance.PrivilegeOperator
	configureManager    = instance.PrivilegeAdministrator
	configureUsers      = instance.PrivilegeAdministrator
)

type methods = map[string]Method

// read is the methods of a resource that can only be read.
func read(get func(*Service, *Request) Answer) methods {
	return methods{http.MethodGet: {login, get}}
}

// public is the methods of a resource that everybody can read.
func public(get func(*Service, *Request) Answer) methods {
	return methods{http.MethodGet: {anyone, get}}
}

// post is the methods of an action.
func post(least instance.Privilege, act func(*Service, *Request) Answer) methods {
	return methods{http.MethodPost: {least, act}}
}

// Routes are the resources of the service.
var Routes = []Route{
	{"/redfish", "", public(getVersions)},
	{root, "ServiceRoot.v1_20_0", public(getRoot)},
	{root + "/odata", "", public(getOData)},
	{root + "/$metadata", "", public(getMetadata)},

	{root + "/Systems", "ComputerSystemCollection", read(getSystems)},
	{root + "/Systems/{bmc}", "ComputerSystem.v1_27_0", methods{
		http.MethodGet:   {login, getSystem},
		http.MethodPatch: {configureComponents, patchSystem},
	}},
	{root + "/Systems/{bmc}/Actions/" + resetAction, "", post(configureComponents, resetSystem)},
	{root + "/Systems/{bmc}/VirtualMedia", "VirtualMediaCollection", read(getMedia)},
	{root + "/Systems/{bmc}/VirtualMedia/Cd", "VirtualMedia.v1_6_5", methods{
		http.MethodGet:   {login, getDrive},
		http.MethodPatch: {configureManager, patchDrive},
	}},
	{root + "/Systems/{bmc}/VirtualMedia/Cd/Actions/" + insertAction, "", post(configureManager, insertMedia)},
	{root + "/Systems/{bmc}/VirtualMedia/Cd/Actions/" + ejectAction, "", post(configureManager, ejectMedia)},
	{root + "/Systems/{bmc}/LogServices", "LogServiceCollection", read(getLogServices)},
	{root + "/Systems/{bmc}/LogServices/SEL", "LogService.v1_9_0", read(getLogService)},
	{root + "/Systems/{bmc}/LogServices/SEL/Actions/" + clearAction, "", post(configureComponents, clearLog)},
	{root + "/Systems/{bmc}/LogServices/SEL/Entries", "LogEntryCollection", read(getLogEntries)},
	{root + "/Systems/{bmc}/LogServices/SEL/Entries/{id}", "LogEntry.v1_21_0", read(getLogEntry)},

	{root + "/Managers", "ManagerCollection", read(getManagers)},
	{root + "/Managers/{bmc}", "Manager.v1_24_0", read(getManager)},
	{root + "/Managers/{bmc}/Actions/" + managerResetAction, "", post(configureManager, resetManager)},
	{root + "/Managers/{bmc}/NetworkProtocol", "ManagerNetworkProtocol.v1_12_0", read(getNetworkProtocol)},
	{root + "/Managers/{bmc}/EthernetInterfaces", "EthernetInterfaceCollection", read(getEthernetInterfaces)},
	{root + "/Managers/{bmc}/EthernetInterfaces/1", "EthernetInterface.v1_12_4", read(getEthernetInterface)},

	{root + "/Chassis", "ChassisCollection", read(getChassisCollection)},
	{root + "/Chassis/{bmc}", "Chassis.v1_28_0", methods{
		http.MethodGet:   {login, getChassis},
		http.MethodPatch: {configureComponents, patchChassis},
	}},

	{root + "/Chassis/{bmc}/Sensors", "SensorCollection", read(getSensors)},
	{root + "/Chassis/{bmc}/Sensors/{id}", "Sensor.v1_12_0", read(getSensor)},
	{root + "/Chassis/{bmc}/Thermal", "Thermal.v1_7_3", read(getThermal)},
	{root + "/Chassis/{bmc}/Power", "Power.v1_7_3", read(getPower)},

	{root + "/SessionService", "SessionService.v1_2_0", methods{
		http.MethodGet:   {login, getSessionService},
		http.MethodPatch: {configureManager, patchSessionService},
	}},
	{sessionsURI, "SessionCollection", methods{
		http.MethodGet:  {login, getSessions},
		http.MethodPost: {anyone, postSession},
	}},
	{sessionsURI + "/Members", "", post(anyone, postSession)},
	{sessionsURI + "/{id}", "Session.v1_8_0", methods{
		http.MethodGet:    {login, getSession},
		http.MethodDelete: {login, deleteSession},
	}},

	{root + "/AccountService", "AccountService.v1_18_1", read(getAccountService)},
	{accountsURI, "ManagerAccountCollection", methods{
		http.MethodGet:  {login, getAccounts},
		http.MethodPost: {configureUsers, postAccount},
	}},
	{accountsURI + "/Members", "", post(configureUsers, postAccount)},
	{accountsURI + "/{id}", "ManagerAccount.v1_14_1", methods{
		http.MethodGet:    {login, getAccount},
		http.MethodPatch:  {login, patchAccount},
		http.MethodDelete: {configureUsers, deleteAccount},
	}},
	{rolesURI, "RoleCollection", read(getRoles)},
	{rolesURI + "/{id}", "Role.v1_3_3", read(getRole)},

	{root + "/TaskService", "TaskService.v1_3_0", read(getTaskService)},
	{tasksURI, "TaskCollection", read(getTasks)},
	{tasksURI + "/{id}", "Task.v1_7_4", read(getTask)},
	{monitorsURI + "/{id}", "", read(getMonitor)},

	{registriesURI, "MessageRegistryFileCollection", read(getRegistries)},
	{registriesURI + "/Base", "MessageRegistryFile.v1_1_5", read(getRegistryFile)},
	{registryURI, "MessageRegistry.v1_7_0", read(getRegistry)},
}

// getVersions is the one resource outside of a version (DSP0266, protocol version).
func getVersions(*Service, *Request) Answer {
	return done(map[string]string{"v1": root + "/"})
}

// A serviceRoot is where clients begin (ServiceRoot).
type serviceRoot struct {
	resource
	RedfishVersion string
	UUID           string
	Vendor         string
	Product        string
	Systems        *link
	Managers       *link
	Chassis        *link
	SessionService *link
	AccountService *link `json:",omitempty"`
	Tasks          *link `json:",omitempty"`
	Registries     *link
	Links          rootLinks
}

type rootLinks struct {
	Sessions *link
}

const product = "ShIPMI"

func getRoot(s *Service, _ *Request) Answer {
	body := serviceRoot{
		resource:       newResource(root, "ServiceRoot.v1_20_0", "RootService", "Root Service"),
		RedfishVersion: "1.20.0",
		UUID:           s.ManagerUUID,
		Vendor:         product,
		Product:        product,
		Systems:        linkTo(root + "/Systems"),
		Managers:       linkTo(root + "/Managers"),
		Chassis:        linkTo(root + "/Chassis"),
		SessionService: linkTo(root + "/SessionService"),
		AccountService: linkTo(root + "/AccountService"),
		Tasks:          linkTo(root + "/TaskService"),
		Registries:     linkTo(registriesURI),
		Links:          rootLinks{linkTo(sessionsURI)},
	}
	if s.isGateway() {
		body.AccountService, body.Tasks = nil, nil
	}
	return done(body)
}

// An odataService is the OData service document.
type odataService struct {
	Context string        `json:"@odata.context"`
	Value   []odataMember `json:"value"`
}

type odataMember struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	URL  string `json:"url"`
}

func getOData(s *Service, _ *Request) Answer {
	members := []odataMember{{"Service", "Singleton", root + "/"}}
	names := []string{"Systems", "Managers", "Chassis", "SessionService"}
	if !s.isGateway() {
		names = append(names, "AccountService", "TaskService")
	}
	for _, name := range append(names, "Registries") {
		members = append(members, odataMember{name, "Singleton", root + "/" + name})
	}
	return done(odataService{root + "/$metadata", members})
}

// getMetadata refers to the schema of each resource (DSP0266, OData $metadata).
func getMetadata(_ *Service, r *Request) Answer {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">`)
	var known []string
	for _, route := range r.routes {
		if route.Schema == "" || slices.Contains(known, route.Schema) {
			continue
		}
		known = append(known, route.Schema)
		name, version, _ := strings.Cut(route.Schema, ".")
		b.WriteString(`<edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/` + name + `_v1.xml">` +
			`<edmx:Include Namespace="` + name + `"/>`)
		if version != "" {
			b.WriteString(`<edmx:Include Namespace="` + route.Schema + `"/>`)
		}
		b.WriteString(`</edmx:Reference>`)
	}
	b.WriteString(`<edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/RedfishExtensions_v1.xml">` +
		`<edmx:Include Namespace="RedfishExtensions.v1_0_0" Alias="Redfish"/></edmx:Reference>` +
		`<edmx:DataServices><Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Service">` +
		`<EntityContainer Name="Service" Extends="ServiceRoot.v1_20_0.ServiceContainer"/>` +
		`</Schema></edmx:DataServices></edmx:Edmx>`)
	return done(Text{"application/xml", b.String()})
}

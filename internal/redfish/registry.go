package redfish

import (
	"net/http"
	"strings"
)

// The registry that messages are from: DSP8011, Base.1.22.1.
const (
	registryPrefix  = "Base.1.22"
	registryVersion = "1.22.1"
	registryURI     = registriesURI + "/Base/Base." + registryVersion + ".json"
)

// Severities of messages, and values of Health.
const (
	critical = "Critical"
	warning  = "Warning"
	ok       = "OK"
)

// A registered is a message of the registry.
type registered struct {
	Description, Message, Severity, Resolution string
}

// args is how many arguments the text of a message has.
func (m registered) args() int { return strings.Count(m.Message, "%") }

// registry holds the messages that this service sends, by their keys.
//
// The texts are those of the Base registry of DMTF. Copyright 2014-2025 DMTF, published under
// the BSD 3-clause license: see LICENSE.DMTF.
var registry = map[string]registered{
	"Success": {
		"Indicates that all conditions of a successful operation were met.",
		"The request completed successfully.",
		ok,
		"None.",
	},
	"NoOperation": {
		"Indicates that the requested operation will not perform any changes on the service.",
		"The request body submitted contain no data to act upon and no changes to the resource took place.",
		warning,
		"Add properties in the JSON object and resubmit the request.",
	},
	"PropertyUnknown": {
		"Indicates that an unknown property was included in the request body.",
		"The property %1 is not in the list of valid properties for the resource.",
		warning,
		"Remove the unknown property from the request body and resubmit the request if the operation failed.",
	},
	"PropertyValueTypeError": {
		"Indicates that a property was given the wrong value type, such as when a number is supplied for a property that requires a string.",
		"The value '%1' for the property %2 is not a type that the property can accept.",
		warning,
		"Correct the value for the property in the request body and resubmit the request if the operation failed.",
	},
	"PropertyValueFormatError": {
		"Indicates that a property was given the correct value type but the format of the value is not supported.",
		"The value '%1' for the property %2 is not a format that the property can accept.",
		warning,
		"Correct the value for the property in the request body and resubmit the request if the operation failed.",
	},
	"PropertyValueNotInList": {
		"Indicates that a property was given the correct value type but the value of that property was not supported.  The value is not in an enumeration.",
		"The value '%1' for the property %2 is not in the list of acceptable values.",
		warning,
		"Choose a value from the enumeration list that the implementation can support and resubmit the request if the operation failed.",
	},
	"PropertyValueOutOfRange": {
		"Indicates that a property was given the correct value type but the value of that property is outside the supported range.",
		"The value '%1' for the property %2 is not in the supported range of acceptable values.",
		warning,
		"Correct the value for the property in the request body and resubmit the request if the operation failed.",
	},
	"PropertyValueError": {
		"Indicates that a property was given an invalid value.",
		"The value provided for the property %1 is not valid.",
		warning,
		"Correct the value for the property in the request body and resubmit the request if the operation failed.",
	},
	"PropertyValueConflict": {
		"Indicates that the requested write of a property value could not be completed because of a conflict with another property value.",
		"The property '%1' could not be written because its value would conflict with the value of the '%2' property.",
		warning,
		"None.",
	},
	"PropertyNotWritable": {
		"Indicates that a property was given a value in the request body, but the property is a read-only property.",
		"The property %1 is a read-only property and cannot be assigned a value.",
		warning,
		"Remove the property from the request body and resubmit the request if the operation failed.",
	},
	"PropertyMissing": {
		"Indicates that a required property was not supplied as part of the request.",
		"The property %1 is a required property and must be included in the request.",
		warning,
		"Ensure that the property is in the request body and has a valid value and resubmit the request if the operation failed.",
	},
	"MalformedJSON": {
		"Indicates that the request body was malformed JSON.",
		"The request body submitted was malformed JSON and could not be parsed by the receiving service.",
		critical,
		"Ensure that the request body is valid JSON and resubmit the request.",
	},
	"ActionNotSupported": {
		"Indicates that the action supplied with the `POST` operation is not supported by the resource.",
		"The action %1 is not supported by the resource.",
		critical,
		"Check the Actions property in the resource for the supported actions.",
	},
	"ActionParameterMissing": {
		"Indicates that the action requested was missing an action parameter that is required to process the action.",
		"The action %1 requires the parameter %2 to be present in the request body.",
		critical,
		"Supply the action with the required parameter in the request body when the request is resubmitted.",
	},
	"ActionParameterUnknown": {
		"Indicates that an action was submitted but an action parameter supplied did not match any of the known parameters.",
		"The action %1 was submitted with the invalid parameter %2.",
		warning,
		"Correct the invalid action parameter and resubmit the request if the operation failed.",
	},
	"ActionParameterValueTypeError": {
		"Indicates that a parameter was given the wrong value type, such as when a number is supplied for a parameter that requires a string.",
		"The value '%1' for the parameter %2 in the action %3 is not a type that the parameter can accept.",
		warning,
		"Correct the value for the parameter in the request body and resubmit the request if the operation failed.",
	},
	"ActionParameterValueNotInList": {
		"Indicates that a parameter was given the correct value type but the value of that parameter was not supported.  The value is not in an enumeration.",
		"The value '%1' for the parameter %2 in the action %3 is not in the list of acceptable values.",
		warning,
		"Choose a value from the enumeration list that the implementation can support and resubmit the request if the operation failed.",
	},
	"ActionParameterValueError": {
		"Indicates that a parameter was given an invalid value.",
		"The value for the parameter %1 in the action %2 is invalid.",
		warning,
		"Correct the value for the parameter in the request body and resubmit the request if the operation failed.",
	},
	"ActionParameterNotSupported": {
		"Indicates that the parameter supplied for the action is not supported on the resource.",
		"The parameter %1 for the action %2 is not supported on the target resource.",
		warning,
		"Remove the parameter supplied and resubmit the request if the operation failed.",
	},
	"QueryParameterUnsupported": {
		"Indicates that a query parameter is not supported.",
		"Query parameter '%1' is not supported.",
		warning,
		"Correct or remove the query parameter and resubmit the request.",
	},
	"ResourceCannotBeDeleted": {
		"Indicates that a delete operation was attempted on a resource that cannot be deleted.",
		"The delete request failed because the resource requested cannot be deleted.",
		critical,
		"Do not attempt to delete a non-deletable resource.",
	},
	"ResourceInUse": {
		"Indicates that a change was requested to a resource but the change was rejected due to the resource being in use or transition.",
		"The change to the requested resource failed because the resource is in use or in transition.",
		warning,
		"Remove the condition and resubmit the request if the operation failed.",
	},
	"ResourceAlreadyExists": {
		"Indicates that a resource change or creation was attempted but that the operation cannot proceed because the resource already exists.",
		"The requested resource of type %1 with the property %2 with the value '%3' already exists.",
		critical,
		"Do not repeat the create operation as the resource was already created.",
	},
	"ResourceMissingAtURI": {
		"Indicates that the operation expected an image or other resource at the provided URI but none was found.  Examples of this are in requests that require URIs such as firmware updates.",
		"The resource at the URI '%1' was not found.",
		critical,
		"Place a valid resource at the URI or correct the URI and resubmit the request.",
	},
	"CreateLimitReachedForResource": {
		"Indicates that no more resources can be created on the resource as it has reached its create limit.",
		"The create operation failed because the resource has reached the limit of possible resources.",
		critical,
		"Either delete resources and resubmit the request if the operation failed or do not resubmit the request.",
	},
	"NoValidSession": {
		"Indicates that the operation failed because a valid session is required in order to access any resources.",
		"There is no valid session established with the implementation.",
		critical,
		"Establish a session before attempting any operations.",
	},
	"InsufficientPrivilege": {
		"Indicates that the credentials associated with the established session do not have sufficient privileges for the requested operation.",
		"There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.",
		critical,
		"Either abandon the operation or change the associated access rights and resubmit the request if the operation failed.",
	},
	"AccountNotModified": {
		"Indicates that the modification requested for the account was not successful.",
		"The account modification request failed.",
		warning,
		"The modification may have failed due to permission issues or issues with the request body.",
	},
	"InternalError": {
		"Indicates that the request failed for an unknown internal error but that the service is still operational.",
		"The request failed due to an internal service error.  The service is still operational.",
		critical,
		"Resubmit the request.  If the problem persists, consider resetting the service.",
	},
	"ServiceTemporarilyUnavailable": {
		"Indicates the service is temporarily unavailable.",
		"The service is temporarily unavailable.  Retry in %1 seconds.",
		critical,
		"Wait for the indicated retry duration and retry the operation.",
	},
	"PasswordIncorrectLength": {
		"Indicates that the password for the account provided does not meet the password length requirements of the service.  The password for the account was not changed.",
		"The password provided for this account does not meet the password length requirements of the service.",
		critical,
		"Resubmit the request with a password that meets the password length requirements as specified by the `MinPasswordLength` and `MaxPasswordLength` properties in the `AccountService` resource.",
	},
	"PreconditionFailed": {
		"Indicates that the ETag supplied did not match the current ETag of the resource.",
		"The ETag supplied did not match the ETag required to change this resource.",
		critical,
		"Try the operation again using the appropriate ETag.",
	},
	"HeaderInvalid": {
		"Indicates that a request header is invalid.",
		"Header '%1' is invalid.",
		critical,
		"Resubmit the request with a valid request header.",
	},
	"OperationTimeout": {
		"Indicates that one of the internal operations necessary to complete the request timed out.  An example of this is when an internal service provider is unable to complete the request, such as in aggregation or RDE.",
		"A timeout internal to the service occurred as part of the request.  Partial results may have been returned.",
		warning,
		"Resubmit the request.  If the problem persists, consider resetting the service or provider.",
	},
	"OperationNotAllowed": {
		"Indicates that the HTTP method in the request is not allowed on this resource.",
		"The HTTP method is not allowed on this resource.",
		critical,
		"None.",
	},
	"PayloadTooLarge": {
		"Indicates that the supplied payload is too large to be accepted by the service.",
		"The supplied payload exceeds the maximum size supported by the service.",
		critical,
		"Check that the supplied payload is correct and supported by this service.",
	},
}

const registriesURI = root + "/Registries"

func getRegistries(_ *Service, r *Request) Answer {
	return done(collection(registriesURI, "MessageRegistryFileCollection", "Message Registries", "Base"))
}

// A registryFile says where a message registry is (MessageRegistryFile).
type registryFile struct {
	resource
	Languages []string
	Registry  string
	Location  []registryLocation
}

type registryLocation struct {
	Language       string
	URI            string `json:"Uri"`
	PublicationURI string `json:"PublicationUri"`
}

func getRegistryFile(*Service, *Request) Answer {
	return done(registryFile{
		resource:  newResource(registriesURI+"/Base", "MessageRegistryFile.v1_1_5", "Base", "Base Message Registry File"),
		Languages: []string{"en"},
		Registry:  registryPrefix,
		Location: []registryLocation{{
			Language: "en", URI: registryURI,
			PublicationURI: "https://redfish.dmtf.org/registries/Base." + registryVersion + ".json",
		}},
	})
}

// A registryBody is the registry itself (MessageRegistry).
type registryBody struct {
	Copyright       string `json:"@Redfish.Copyright"`
	License         string `json:"@Redfish.License"`
	Type            string `json:"@odata.type"`
	ID              string `json:"Id"`
	Name            string
	Language        string
	Description     string
	RegistryPrefix  string
	RegistryVersion string
	OwningEntity    string
	Messages        map[string]registryMessage
}

type registryMessage struct {
	Description     string
	Message         string
	Severity        string
	MessageSeverity string
	NumberOfArgs    int
	ParamTypes      []string `json:",omitempty"`
	Resolution      string
}

func getRegistry(*Service, *Request) Answer {
	messages := make(map[string]registryMessage, len(registry))
	for key, m := range registry {
		var types []string
		for range m.args() {
			types = append(types, "string")
		}
		messages[key] = registryMessage{
			m.Description, m.Message, m.Severity, m.Severity, len(types), types, m.Resolution,
		}
	}
	return Answer{Status: http.StatusOK, Body: registryBody{
		Copyright:       "Copyright 2014-2025 DMTF. All rights reserved.",
		License:         "BSD 3-Clause License",
		Type:            typeOf("MessageRegistry.v1_7_0"),
		ID:              "Base." + registryVersion,
		Name:            "Base Message Registry",
		Language:        "en",
		Description:     "The messages of the Base registry that this service sends.",
		RegistryPrefix:  "Base",
		RegistryVersion: registryVersion,
		OwningEntity:    "DMTF",
		Messages:        messages,
	}}
}

// Package check tries the scripts of a provider one by one, as the process of a BMC
// runs them, and says what came of each: what it printed, how it ended, and what a
// client would see. It knows neither whom the scripts run as nor who reads the
// results. Start reading at Check.Queries, then Check.Power.
package check

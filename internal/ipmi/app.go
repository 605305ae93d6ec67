package ipmi

const (
	deviceID         = 0x20
	deviceRevision   = 0x01
	ipmiVersion20    = 0x02 // low digit first
	deviceSupport    = 0x8F // chassis, FRU, SEL, SDR repository, sensors
	selfTestPassed   = 0x55
	minorFirmwareMax = 99
)

// getDeviceID leaves manufacturer and product unspecified: clients treat the BMCs of
// manufacturers that they know in special ways.
func getDeviceID(b *BMC, _ *Request) Answer {
	minor := min(b.Firmware[1], minorFirmwareMax)
	return done(deviceID, deviceRevision,
		b.Firmware[0]&0x7F, minor/10<<4|minor%10, // BCD
		ipmiVersion20, deviceSupport,
		0, 0, 0, // manufacturer
		0, 0) // product
}

// coldReset ends all sessions, as a restart of the BMC does. The managed system
// does not notice.
func coldReset(b *BMC, _ *Request) Answer {
	b.forget()
	b.resetSystem()
	var all []uint32
	for _, s := range b.Sessions.List() {
		all = append(all, s.ID)
	}
	return Answer{Ends: all}
}

// warmReset forgets what clients have begun but keeps the sessions.
func warmReset(b *BMC, _ *Request) Answer {
	b.forget()
	return done()
}

// forget ends what clients have begun: they must take new reservations.
func (b *BMC) forget() {
	b.setInProgress = 0
	b.Reservations.SEL.Good, b.Reservations.SDR.Good = false, false
	b.KeepReservations(b.Reservations)
}

func getSelfTestResults(*BMC, *Request) Answer { return done(selfTestPassed, 0) }

func getSystemGUID(b *BMC, _ *Request) Answer { return done(b.GUID[:]...) }

func getDeviceGUID(b *BMC, _ *Request) Answer { return done(b.DeviceGUID[:]...) }

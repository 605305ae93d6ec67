package ipmi

import (
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// The records of the sensors in [measuring], by table 43-1.
var fullRecords = []string{
	`09 00 51 01 2e
	 20 00 20 07 01         # owner, number, system board
	 01 47 01 01            # scanned; re-arms, thresholds can be read, no events; temperature, threshold
	 00 00 00 30 18 00      # compares with upper non-critical and critical, which can be read
	 00 01 00 00            # unsigned, degrees C, linear
	 32 01 00 00 00 e0      # 50 × raw × 10^-2, tolerance half a count
	 00 00 00 00 fe 00      # 127 and 0
	 00 b4 a0 00 00 00      # thresholds: 90 and 80
	 00 00 00 00 00
	 c3 63 70 75`, // "cpu"
	`0a 00 51 01 2f
	 20 00 21 1d 01 01 47 04 01 # fan
	 00 10 00 00 01 00          # lower non-critical
	 00 12 00 00                # RPM
	 30 01 00 00 00 00          # 48 × raw
	 00 00 00 00 fa 00          # 12000 and 0
	 00 00 00 00 00 0a          # 480 is the nearest to 500
	 00 00 00 00 00
	 c4 66 61 6e 31`, // "fan1"
	`0b 00 51 01 2f
	 20 00 22 13 01 01 43 0b 01 # power unit, a sensor that its unit describes, no thresholds
	 00 00 00 00 00 00
	 00 06 00 00                # watts
	 14 01 00 00 00 f0          # 20 × raw × 10^-1
	 00 00 00 00 fa 00
	 00 00 00 00 00 00
	 00 00 00 00 00
	 c4 64 72 61 77`, // "draw"
}

func TestFullRecords(t *testing.T) {
	r := newRig(t, statusOnly+measuring)
	require.Equal(t, "00 51 0b 00", r.ask("0a/20")[:11])
	for i, text := range fullRecords {
		want := stripped(text)
		require.Equal(t, want[12:14], hex.EncodeToString([]byte{byte(len(strings.Fields(want)) - 5)}), "length")
		require.Equal(t, want, r.ask("0a/23 00 00 " + want[:5] + " 00 ff")[9:], "record %d", i)
	}
	for i, text := range sdrRecords {
		want := stripped(text)
		require.Equal(t, want, r.ask("0a/23 00 00 " + want[:5] + " 00 ff")[9:], "record %d", i)
	}
	require.Empty(t, r.scripts(), "what the sensors are is not asked for")
}

func TestReadings(t *testing.T) {
	r := newRig(t, statusOnly+measuring)
	r.does[provider.Status] = machine.Reading{On: true}
	r.does[provider.SensorsGet] = machine.Reading{Values: map[string]float64{"cpu": 81.3, "fan1": 480, "draw": 120}}
	r.talk(
		step{"04/2d 20", "00 a3 40 c8"}, // 81.5, upper non-critical
		step{"04/2d 21", "00 0a 40 c1"}, // lower non-critical
		step{"04/2d 22", "00 3c 40 c0"},
		step{"04/2b 20", "00 40 00 00 00 00"},
		step{"04/29 20", "00 40 00 00 00 00"},
		step{"04/27 20", "00 18 00 00 00 a0 b4 00"},
		step{"04/27 21", "00 01 0a 00 00 00 00 00"},
		step{"04/27 22", "00 00 00 00 00 00 00 00"},
		step{"04/27 02", "cd"}, // it has no thresholds
	)
	require.Equal(t, []string{"power status", "sensors get"}, r.scripts(), "one run for all")
	for _, number := range []string{"00", "08", "1f", "23", "ff"} {
		for _, command := range []string{"04/27", "04/29", "04/2b", "04/2d"} {
			r.talk(step{command + " " + number, "cb"})
		}
	}

	r.now += 5 * time.Second
	r.does[provider.SensorsGet] = machine.Reading{Values: map[string]float64{"cpu": 95}, Err: errors.New(`"fan1=fast": not a number`)}
	r.talk(
		step{"04/2d 20", "00 be 40 d8"},                                                    // critical, too
		step{"04/2d 21", "00 00 60 c0"},                                                    // the script did not say it
		step{"2c/02 dc 01 00 00", "00 dc" + strings.Repeat(" 00", 17)},                     // and so is this
		step{"04/2b 21", "00 60 00 00 00 00"}, step{"04/27 21", "00 01 0a 00 00 00 00 00"}, // what it is stays
	)
	require.Equal(t, []string{"power status", "sensors get"}, r.scripts(), "an error is kept as long")
}

// A machine that is off, or whose power state is not known, has no readings, and the script does not run.
func TestReadingsOfAMachineThatIsOff(t *testing.T) {
	for _, status := range []machine.Reading{{}, {Err: errors.New("exit status 1")}} {
		r := newRig(t, statusOnly+measuring)
		r.does[provider.Status] = status
		r.does[provider.SensorsGet] = machine.Reading{Values: map[string]float64{"cpu": 20, "draw": 5}}
		r.talk(
			step{"04/2d 20", "00 00 60 c0"},
			step{"04/2d 22", "00 00 60 c0"},
			step{"2c/02 dc 01 00 00", "00 dc" + strings.Repeat(" 00", 17)},
		)
		require.Equal(t, []string{"power status"}, r.scripts())
	}
}

// After a power action, the readings of before are not shown.
func TestReadingsAfterAPowerAction(t *testing.T) {
	r := newRig(t, powerOnly+measuring)
	r.does[provider.Status] = machine.Reading{On: true}
	r.does[provider.SensorsGet] = machine.Reading{Values: map[string]float64{"draw": 120}}
	r.talk(step{"04/2d 22", "00 3c 40 c0"}, step{"00/02 00", "00"})
	r.does[provider.Status] = machine.Reading{}
	r.talk(step{"04/2d 22", "00 00 60 c0"})
}

func TestDCMIPower(t *testing.T) {
	r := newRig(t, statusOnly+measuring)
	r.does[provider.Status] = machine.Reading{On: true}
	r.does[provider.SensorsGet] = machine.Reading{Values: map[string]float64{"draw": 120.6}}
	r.talk(
		step{"2c/01 dc 01", "00 dc 01 00 01 06 01 08"}, // power management
		step{"2c/02 dc 01 00 00", "00 dc 79 00 79 00 79 00 79 00 40 d9 02 6b e8 03 00 00 40"},
		step{"2c/02 dc 02 00 00", "cc"},
	)
}

// Clients keep the records and read them again when the time has changed, and only then.
func TestRepositoryChanges(t *testing.T) {
	const more = "[SENSORS]\nair=humidity,%,0..100\nget=.\n"
	r := newRig(t, statusOnly)
	changed := func() string { return r.ask("0a/20")[18:29] }
	require.Equal(t, "40 d9 02 6b", changed())
	require.Empty(t, r.stored, "a BMC without sensors keeps nothing")

	reserved := r.ask("0a/22")[3:]
	r.provide(statusOnly + measuring)
	require.Equal(t, "41 d9 02 6b", changed(), "later, although the clock is not")
	require.Equal(t, "c5", r.ask("0a/23 "+reserved+" 01 00 05 01"))
	r.now += time.Minute
	require.Equal(t, "41 d9 02 6b", changed())
	r.restart()
	require.Equal(t, "41 d9 02 6b", changed(), "the next process")

	r.provide(statusOnly + more)
	require.Equal(t, "7c d9 02 6b", changed())
	r.now = boot - time.Hour // the clock is set back
	r.provide(statusOnly + measuring)
	require.Equal(t, "7d d9 02 6b", changed())
	r.provide(statusOnly)
	require.Equal(t, "7e d9 02 6b", changed(), "without sensors, too")
	require.Equal(t, "00 51 08 00", r.ask("0a/20")[:11])
	r.reboot()
	require.Equal(t, "7e d9 02 6b", changed())
}

// The records are those of before while the provider cannot be read.
func TestRecordsOfABrokenProvider(t *testing.T) {
	r := newRig(t, statusOnly+measuring)
	before := r.ask("0a/20")
	r.restart()
	r.broken = errors.New("x.conf:3: unknown key")
	r.talk(step{"0a/20", before}, step{"04/2d 20", "00 00 60 c0"}, step{"04/27 21", "00 01 0a 00 00 00 00 00"})
	require.Equal(t, stripped(fullRecords[0]), r.ask("0a/23 00 00 09 00 00 ff")[9:])
}

// When the state cannot be saved, the time of the records does not change with every request.
func TestRepositoryWithoutSpace(t *testing.T) {
	r := newRig(t, statusOnly+measuring)
	r.noSpace = true
	before := r.ask("0a/20")
	r.now += time.Minute
	require.Equal(t, before, r.ask("0a/20"))
}

// A BMC whose provider has no sensors answers as it always did.
func TestBMCWithoutSensors(t *testing.T) {
	r := newRig(t, statusOnly)
	r.talk(
		step{"04/27 20", "c1"}, step{"04/27 01", "c1"},
		step{"04/2d 20", "cb"}, step{"04/2b 20", "cb"}, step{"04/29 20", "cb"},
		step{"2c/01 dc 01", "00 dc 01 00 01 06 00 08"},
	)
	require.Empty(t, r.scripts())
	require.Empty(t, r.stored)
}

// Every reading of the range is within half a step of what a client makes of it.
func TestScale(t *testing.T) {
	for _, c := range []struct {
		least, greatest float64
		want            scale
	}{
		{0, 127, scale{m: 50, resultExp: -2}},
		{0, 500, scale{m: 20, resultExp: -1}},
		{0, 100, scale{m: 40, resultExp: -2}},
		{0, 255, scale{m: 10, resultExp: -1}},
		{-40, 125, scale{m: 65, b: -400, bExp: 1, resultExp: -2}},
		{0, 12000, scale{m: 48}},
		{45, 55, scale{m: 40, b: 450, bExp: 2, resultExp: -3}},
	} {
		got := scaleOf(c.least, c.greatest)
		require.InDelta(t, c.want.value(0), got.value(0), 1e-9, "%v..%v", c.least, c.greatest)
		require.InDelta(t, c.want.value(255), got.value(255), 1e-9, "%v..%v: %+v", c.least, c.greatest, got)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		unit := math.Pow10(random.IntN(13) - 3)
		least := math.Round((random.Float64()-0.5)*2000) / 1000 * unit
		checkScale(t, least, least+math.Round(1+random.Float64()*999)/1000*unit, random.Float64())
	}
}

func FuzzScale(f *testing.F) {
	f.Add(0.0, 127.0, 0.5)
	f.Add(-1e9, 1e9, 0.1)
	f.Add(999_999.0, 999_999.5, 0.9)
	f.Fuzz(func(t *testing.T, least, greatest, at float64) {
		const limit = 1e9 // of provider files
		if !(least >= -limit && greatest <= limit && least < greatest && at >= 0 && at <= 1) {
			t.Skip()
		}
		checkScale(t, least, greatest, at)
	})
}

// checkScale checks the scale of a range, and a reading at that part of it.
func checkScale(t *testing.T, least, greatest, at float64) {
	t.Helper()
	s := scaleOf(least, greatest)
	step := s.value(1) - s.value(0)
	slack := 1e-6 * max(step, math.Abs(least)*1e-6)
	require.True(t, s.m >= 1 && s.m <= 511 && s.b >= -512 && s.b <= 511, "%+v", s)
	require.True(t, s.bExp >= -8 && s.bExp <= 7 && s.resultExp >= -8 && s.resultExp <= 7, "%+v", s)
	require.LessOrEqual(t, s.value(0), least+slack, "%v..%v: %+v", least, greatest, s)
	require.GreaterOrEqual(t, s.value(255), greatest-slack, "%v..%v: %+v", least, greatest, s)
	for _, reading := range []float64{least, greatest, least + at*(greatest-least)} {
		require.InDelta(t, reading, s.value(s.raw(reading)), step/2+slack, "%v of %v..%v: %+v", reading, least, greatest, s)
	}
	raw := byte(at * 255)
	require.Equal(t, raw, s.raw(s.value(raw)), "%v..%v: %+v", least, greatest, s)
}

// Package inband is the serial protocol of QEMU's external BMC, the device ipmi-bmc-extern:
// bytes to structs and back. OpenIPMI, which defined it, calls it "VM". QEMU forwards the
// requests of a guest, which sees a BMC behind a KCS or BT interface (IPMI 2.0 §9, §11).
//
// Both sides send frames. A frame ends with one of two bytes, which tells what it is:
//
//	A0  a message of IPMI: a request of the guest, or the response to it
//	A1  a command of the protocol: one byte, and its argument if it has one
//	AA  comes before one of these three bytes within a frame, which then has bit 4 set
//
// One request is under way at a time. QEMU gives the guest an error after 4 s without a
// response.
//
// The package is pure. Start reading at [Cut].
package inband

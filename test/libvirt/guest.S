# guest is the operating system of the machines that are switched here: a boot sector, and as well a program that iPXE
# loads. It says on the serial line where it came from (FROM) and what happens to it, and obeys the power button. With
# RESTARTS it is an installer: when it has said where it came from, it resets the machine.

	.set PM1_STATUS, 0x600          # ACPI fixed hardware, where SeaBIOS puts it
	.set PM1_ENABLE, 0x602
	.set PM1_CONTROL, 0x604
	.set POWER_BUTTON, 1 << 8
	.set SOFT_OFF, 1 << 13          # SLP_EN, with the sleep type of S5 that QEMU has: 0

	.code16
	.global _start
_start:
	ljmp $0, $1f
1:	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	movw $nmi, 4 * 2                # the vector of NMIs
	movw %ax, 4 * 2 + 2
	mov $POWER_BUTTON, %ax
	mov $PM1_ENABLE, %dx
	out %ax, %dx
	mov $booted, %si
	call say

#ifdef RESTARTS
	mov $0xfe, %al                  # the command of the keyboard controller that pulses the reset line
	out %al, $0x64
#endif

wait:	sti
	hlt                             # until the next tick of the clock
	mov $PM1_STATUS, %dx
	in %dx, %ax
	test $POWER_BUTTON, %ax
	jz wait
	mov $button, %si
	call say
	mov $SOFT_OFF, %ax
	mov $PM1_CONTROL, %dx
	out %ax, %dx
	jmp wait

nmi:	pusha
	mov $interrupt, %si
	call say
	popa
	iret

say:	lodsb
	test %al, %al
	jz 1f
	mov $1, %ah                     # BIOS: send a character to the first serial line
	xor %dx, %dx
	int $0x14
	jmp say
1:	ret

booted:
	.asciz "booted from " FROM "\r\n"
button:
	.asciz "power button\r\n"
interrupt:
	.asciz "NMI\r\n"

	.org 510
	.word 0xaa55

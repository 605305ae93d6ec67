# iso is a CD-ROM that boots the file BOOT: El Torito, without emulation of a disk. The firmware needs the boot record and
# the boot catalog alone, so there is no file system.

	.set BLOCK, 2048
	.global _start
_start:

	.org 17 * BLOCK                 # boot record
	.byte 0
	.ascii "CD001\1EL TORITO SPECIFICATION"
	.org 17 * BLOCK + 0x47
	.long 18                        # block of the boot catalog

	.org 18 * BLOCK                 # boot catalog: the validation entry
	.byte 1, 0                      # for x86
	.org 18 * BLOCK + 28
	.word 0x55aa, 0xaa55            # the checksum, which makes the sum of all words 0, and the key
	.byte 0x88, 0                   # the default entry: bootable, no emulation
	.word 0, 0                      # loaded at the usual address, 0x7c00
	.word 4                         # sectors of 512 bytes
	.long 19                        # from this block on

	.org 19 * BLOCK
	.incbin BOOT
	.org 20 * BLOCK

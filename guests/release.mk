# SPDX-License-Identifier: MIT
#
# The Makefile of a release archive (scripts/mkrelease): `make` builds every guest, `make
# build/guests/NAME.elf` one. It needs gcc, binutils, make and NASM.
B        ?= build
CC       := gcc
NASM     := nasm
ASSEMBLE := $(NASM)
WARN     := -Wall -Wextra

.DELETE_ON_ERROR:
.PHONY: guests clean

include guests/guests.mk

clean:
	rm -rf $B

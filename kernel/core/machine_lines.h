/* SPDX-License-Identifier: MIT */
/*
 * machine_lines: what the boot log says of the machine, kept to be shown again and as a machine
 * file for plancheck. Written by the boot core before memory is sealed, then only read.
 */
#pragma once

#include "lib/log.h"

#define MACHINE_LINE_PCI "pci " /* what the lines about PCI functions begin with */

/* A log_sink: log_line(), and the line is kept. */
void machine_lines_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Gives the kept lines to `say`: those about PCI functions, or the others. */
void machine_lines_show(bool pci, log_sink say);

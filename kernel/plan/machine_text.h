/* SPDX-License-Identifier: MIT */
/*
 * machine_text: a machine, as far as a plan depends on it, as lines of the boot log; and back. So a
 * boot log is also a machine file, against which a configuration can be checked on the desk.
 * Pure.
 */
#pragma once

#include "kernel/plan/machine.h"
#include "lib/log.h"

/* Cores, memory for guests, NUMA nodes, the screen, and what the processor asks of a plan. */
void machine_text_print(const struct machine *machine, log_sink say);

/*
 * Reads such lines out of a text, with or without the console's prefix, and ignores all others; of
 * several machines, the last: one begins with the line about its processor. `text` is untrusted.
 * Returns NULL, or what is wrong with it, in words that go on after the file's name.
 */
const char *machine_text_read(struct machine *machine, const char *text, size_t size);

/* "P", "E" or nothing. */
const char *machine_text_kind(uint32_t kind);

/* SPDX-License-Identifier: MIT */
/*
 * machine_text_parts: what the readers of machine files share. No other file includes it.
 */
#pragma once

#include "kernel/config/text_span.h"
#include "kernel/plan/machine.h"

/* Take `word`, or a number, decimal or with "0x", off the front; false: something else is there. */
MUST_CHECK bool machine_text_skip(struct span *line, const char *word);
MUST_CHECK bool machine_text_number(struct span *line, uint64_t *value);

/* ---- machine_text_pci.c: NULL, or what is wrong with the line ---- */

/* What follows "pci": a function as pci_list_text() tells of it. */
const char *machine_text_read_pci(struct machine *m, struct span line);

/* "02:00.0, WHY" of a function that has been read. */
const char *machine_text_read_kept(struct machine *m, struct span line);

/* SPDX-License-Identifier: MIT */
/*
 * life: how a guest's lives begin and end, and what follows; and the lines about them
 * (life_report.c).
 */
#pragma once

#include "kernel/vm/vm.h"
#include "lib/types.h"

/* Begins a life of a stopped guest, or at once the one that is due after a pause; false when it is
 * neither stopped nor paused. Any core. */
bool life_start(struct vm *vm);

/* Of a life that has begun, on the lead's core: clears its memory, copies the image, resets the
 * devices. The other vCPUs call memory_scrub_share() meanwhile. */
void life_load(struct vm *vm);

/* Looks whether the guest has made a call that confirms a set of files (confirm = watchdog): they
 * are counted on the exit path anyway. Now and then, any core. */
void life_watch_confirm(const struct vm *vm);

/* Ends the present life; true for the one caller whose reason counts. Any core. */
bool life_end(struct vm *vm, struct vm_end end);

/* The operator's stop: also ends a guest that is just between two lives; false: it is stopped. */
bool life_stop(struct vm *vm);

/* The machine ends: all guests do. Returns when their cores are out of them, or after a tenth of a
 * second. Any core, its own guest's included; nothing but a power-off or a reset may follow. */
void life_end_all(void);

/* A vCPU has left the guest for good; true for the last one, which goes on with life_follow(). */
MUST_CHECK bool life_park(struct vm *vm);

/* When all is said of how it ended: reports, scrubs and applies the policy. `parked`: TSC when the
 * last of its cores was out of it. */
void life_follow(struct vm *vm, uint64_t parked);

/* On the parked lead's core: begins the next life when it is due. Until when to wait. */
uint64_t life_look(struct vm *vm, uint64_t now);

/* Guests that have not been stopped for good, and whoever else holds the machine on. Any core. */
extern _Atomic uint32_t life_count;

/* ------------------------------------------------------------------ life_report.c */

/* A line of the log about this guest; it comes behind what the guest has said before. Any core. */
void life_tell(struct vm *vm, enum note_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Lives that are not reported one by one are counted, and the count is said before the next one
 * that is. With the end of each life, once it is known what follows. */
void life_tell_untold(struct vm *vm);

/* What the guest's devices tried, as far as it is to be told and is not yet. Any core. */
void life_tell_faults(struct vm *vm);

/* The line about the end of a life, if it is worth one. `parked` as above. */
void life_report(struct vm *vm, uint64_t parked);

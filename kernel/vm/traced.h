/* SPDX-License-Identifier: MIT */
/*
 * traced: what is apart for a vCPU whose guest has `trace` in the file. It is late at each exit, as
 * v->look_at is 0, and so writes each one down; other vCPUs pay no instruction for that. A vCPU
 * that is only watched by core 0 (kernel/vm/watch.h) comes here as well: soft->is_apart is both. On
 * its own core.
 */
#pragma once

#include "kernel/virt.h"

/* The last exit of a traced vCPU, once it has been dealt with; again, without one, or while
 * somebody reads the trace, it does nothing. */
void traced_note(struct vcpu *v);

/* In the place of virt_set_deadline(): core 0 or the backend's timer. */
void traced_set_deadline(struct vcpu *v, uint64_t deadline);

/* The same at an exit that is late; where the deadline itself has passed it comes one look later,
 * before the next entry. */
void traced_look(struct vcpu *v, uint64_t deadline);

/* SPDX-License-Identifier: MIT */
/*
 * vapic: the filter between a guest and its own cores' x2APICs. Most registers are the hardware's
 * own and never come here (vdev/msr_intel.c); what can reach beyond the guest does: ICR, LVT, SVR.
 * Decides only; the caller carries the action out. Pure.
 * SDM "Extended XAPIC (x2APIC)", "Issuing Interprocessor Interrupts".
 */
#pragma once

#include "lib/types.h"

#define VAPIC_PEERS_MAX 64
#define VAPIC_SVR_RESET 0xffu
#define VAPIC_LVT_RESET 0x10000u /* masked */
/* Six LVT entries, so none for CMCI, and no suppression of EOI broadcasts: what the machine's own
 * says of those two, write_lvt() and write_svr() would not keep. SDM "Local APIC Version Register"
 */
#define VAPIC_VERSION 0x50014u

/* The cores of the sender's guest: bit i of a target set is vCPU i. */
struct vapic_peers {
    uint32_t count;
    uint32_t self; /* index of the sender */
    uint32_t apic_ids[VAPIC_PEERS_MAX];
};

enum vapic_lvt {
    VAPIC_LVT_CMCI,
    VAPIC_LVT_TIMER,
    VAPIC_LVT_THERMAL,
    VAPIC_LVT_PMI,
    VAPIC_LVT_LINT0,
    VAPIC_LVT_LINT1,
    VAPIC_LVT_ERROR,
    VAPIC_LVT_COUNT
};

/* What the guest believes it wrote, per vCPU. */
struct vapic {
    uint32_t apic_id; /* physical, as MSR 0x802 reads without an exit */
    uint32_t lvt[VAPIC_LVT_COUNT];
    uint32_t svr;
    uint64_t icr;
};

enum vapic_action_kind {
    VAPIC_NOTHING,
    VAPIC_WRITE, /* write `value` to hardware MSR `msr` of this core */
    VAPIC_SEND,  /* send `value` (fixed, edge, physical) once to each target's APIC id */
    VAPIC_NMI,   /* inject an NMI into each target */
    VAPIC_INIT,  /* INIT each target: back to waiting for SIPI */
    VAPIC_START, /* SIPI each target that waits, with `vector` */
};

struct vapic_action {
    enum vapic_action_kind kind;
    uint32_t msr;
    uint64_t value;   /* VAPIC_WRITE; for VAPIC_SEND the ICR without a destination */
    uint64_t targets; /* bit i = vCPU i of the same guest */
    uint8_t vector;   /* VAPIC_START */
};

/*
 * The state after power-up or INIT: software-disabled, every LVT entry masked. The caller brings
 * the hardware into the same state: SVR = VAPIC_SVR_RESET, all its LVT entries masked. Only the
 * timer's and the error entry ever change there through an action.
 */
void vapic_reset(struct vapic *a, uint32_t apic_id);

/*
 * Proved of vdev/vapic.c (docs/proofs.md): a set of targets names vCPUs of the sender's guest only
 * (as a number it is below 2^count), and of the hardware's registers only these three are written.
 */
/*@ predicate own(integer targets, integer count) =
  @   targets == 0 || count >= VAPIC_PEERS_MAX || 0 < targets < (1 << count);
  @ predicate may_write(integer msr) =
  @   msr == 0x80f || msr == 0x832 || msr == 0x837;
  @ predicate answers(integer msr) = msr == 0x80f || msr == 0x830 || 0x832 <= msr <= 0x837;
  @*/

/*@ requires \valid(action);
  @ assigns *action;
  @ ensures action->kind == VAPIC_NOTHING && action->targets == 0;
  @*/
static inline void vapic_no_action(struct vapic_action *action)
{
    action->kind = VAPIC_NOTHING;
    action->msr = 0;
    action->value = 0;
    action->targets = 0;
    action->vector = 0;
}

/* For the rows marked MSR_EMULATE in the x2APIC range; the interrupt command register
 * has its own. False: #GP(0). */
/*@ requires \valid_read(a) && \valid(value);
  @ assigns *value;
  @ ensures !\result ==> *value == \old(*value);
  @ ensures \result ==> answers(msr);
  @*/
MUST_CHECK bool vapic_read(const struct vapic *a, uint32_t msr, uint64_t *value);
/*@ requires \valid(a) && \valid(action) && \separated(a, action);
  @ assigns a->svr, a->lvt[0 .. VAPIC_LVT_COUNT - 1], *action;
  @ ensures action->targets == 0;
  @ ensures action->kind == VAPIC_NOTHING || action->kind == VAPIC_WRITE;
  @ ensures action->kind == VAPIC_WRITE ==> may_write(action->msr);
  @ ensures !\result ==> action->kind == VAPIC_NOTHING;
  @ ensures \result ==> answers(msr);
  @*/
MUST_CHECK bool vapic_write(struct vapic *a, uint32_t msr, uint64_t value,
                            struct vapic_action *action);

/*@ requires \valid(a) && \valid_read(peers) && \valid(action) && \separated(a, peers, action);
  @ assigns a->icr, *action;
  @ ensures own(action->targets, peers->count) && action->kind != VAPIC_WRITE;
  @ ensures action->kind == VAPIC_SEND ==> action->value == (0x4000 | (value & 0xff));
  @ ensures !\result ==> action->kind == VAPIC_NOTHING;
  @*/
MUST_CHECK bool vapic_write_icr(struct vapic *a, const struct vapic_peers *peers, uint64_t value,
                                struct vapic_action *action);

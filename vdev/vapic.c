/* SPDX-License-Identifier: MIT */
/*
 * vapic: decides what a guest's write to the x2APIC does. Three rules:
 *   - an IPI is expanded here to the sender's own peers, so a destination outside the guest does
 *     not exist: no mode, shorthand or broadcast can name one;
 *   - only fixed interrupts and only the timer's and the error entry's reach the hardware. What
 *     would be SMI, NMI, INIT or ExtINT there is emulated or dropped; the pins, the thermal sensor
 *     and the counters behind the other LVT entries are not the guest's;
 *   - a reserved bit is #GP, as in x2APIC mode: the caller's WRMSR of a `value` cannot fault.
 * SDM "Advanced Programmable Interrupt Controller (APIC)". Pure.
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md).
 */
#include "vdev/vapic.h"

#include "lib/bits.h"
#include "lib/x86/msr.h"

/* Interrupt command register in x2APIC mode. */
#define ICR_VECTOR    MASK64(7, 0)
#define ICR_LOGICAL   BIT64(11)
#define ICR_BUSY      BIT64(12) /* gone in x2APIC mode; processors take it and drop it */
#define ICR_ASSERT    BIT64(14)
#define ICR_LEVEL     BIT64(15)
#define ICR_SHORTHAND MASK64(19, 18)
#define ICR_RESERVED  (BIT64(13) | MASK64(17, 16) | MASK64(31, 20))
#define ICR_BROADCAST UINT32_MAX

enum icr_delivery {
    DELIVER_FIXED = 0,
    DELIVER_LOWEST = 1,
    DELIVER_SMI = 2,
    DELIVER_RESERVED = 3,
    DELIVER_NMI = 4,
    DELIVER_INIT = 5,
    DELIVER_START = 6,
    DELIVER_EXTINT = 7, /* of LVT entries; reserved in the ICR */
};

enum icr_shorthand { TO_DESTINATION = 0, TO_SELF = 1, TO_ALL = 2, TO_ALL_BUT_SELF = 3 };

/* LVT entries. Delivery status and remote IRR are read-only and read 0 here: nothing of ours is
 * ever seen halfway. */
#define LVT_VECTOR       MASK64(7, 0)
#define LVT_DELIVERY     MASK64(10, 8)
#define LVT_STATUS       BIT64(12)
#define LVT_POLARITY     BIT64(13)
#define LVT_REMOTE_IRR   BIT64(14)
#define LVT_LEVEL        BIT64(15)
#define LVT_MASKED       BIT64(16)
#define LVT_TIMER_MODE   MASK64(18, 17)
#define LVT_TIMER_NOMODE MASK64(18, 17) /* 3 is reserved */

#define SVR_ENABLED BIT64(8)
#define SVR_ALLOWED MASK64(8, 0)

/* By enum vapic_lvt: the bits that an entry has. CMCI has none, as no policy has a row for it. */
static const uint32_t lvt_bits[VAPIC_LVT_COUNT] = {
    [VAPIC_LVT_TIMER] = LVT_VECTOR | LVT_STATUS | LVT_MASKED | LVT_TIMER_MODE,
    [VAPIC_LVT_THERMAL] = LVT_VECTOR | LVT_DELIVERY | LVT_STATUS | LVT_MASKED,
    [VAPIC_LVT_PMI] = LVT_VECTOR | LVT_DELIVERY | LVT_STATUS | LVT_MASKED,
    [VAPIC_LVT_LINT0] = LVT_VECTOR | LVT_DELIVERY | LVT_STATUS | LVT_POLARITY | LVT_REMOTE_IRR |
                        LVT_LEVEL | LVT_MASKED,
    [VAPIC_LVT_LINT1] = LVT_VECTOR | LVT_DELIVERY | LVT_STATUS | LVT_POLARITY | LVT_REMOTE_IRR |
                        LVT_LEVEL | LVT_MASKED,
    [VAPIC_LVT_ERROR] = LVT_VECTOR | LVT_STATUS | LVT_MASKED,
};

/*@ requires \valid(a);
  @ assigns *a;
  @ ensures \forall integer i; 0 <= i < VAPIC_LVT_COUNT ==> a->lvt[i] == VAPIC_LVT_RESET;
  @*/
void vapic_reset(struct vapic *a, uint32_t apic_id)
{
    *a = (struct vapic){.apic_id = apic_id, .svr = VAPIC_SVR_RESET};
    /*@ loop invariant 0 <= i <= VAPIC_LVT_COUNT;
      @ loop invariant \forall integer k; 0 <= k < i ==> a->lvt[k] == VAPIC_LVT_RESET;
      @ loop assigns i, a->lvt[0 .. VAPIC_LVT_COUNT - 1];
      @ loop variant VAPIC_LVT_COUNT - i;
      @*/
    for (uint32_t i = 0; i < VAPIC_LVT_COUNT; i++)
        a->lvt[i] = VAPIC_LVT_RESET;
}

/* The entry that `msr` is, or VAPIC_LVT_COUNT. */
/*@ assigns \nothing;
  @ ensures MSR_X2APIC_LVT_TIMER <= msr <= MSR_X2APIC_LVT_ERROR ==>
  @   \result == VAPIC_LVT_TIMER + (msr - MSR_X2APIC_LVT_TIMER);
  @ ensures !(MSR_X2APIC_LVT_TIMER <= msr <= MSR_X2APIC_LVT_ERROR) ==> \result == VAPIC_LVT_COUNT;
  @*/
static enum vapic_lvt lvt_of(uint32_t msr)
{
    if (msr < MSR_X2APIC_LVT_TIMER || msr > MSR_X2APIC_LVT_ERROR)
        return VAPIC_LVT_COUNT;
    return (enum vapic_lvt)(VAPIC_LVT_TIMER + (msr - MSR_X2APIC_LVT_TIMER));
}
_Static_assert(VAPIC_LVT_ERROR - VAPIC_LVT_TIMER == MSR_X2APIC_LVT_ERROR - MSR_X2APIC_LVT_TIMER,
               "the entries are in the order of their MSRs");

bool vapic_read(const struct vapic *a, uint32_t msr, uint64_t *value)
{
    enum vapic_lvt entry = lvt_of(msr);
    if (entry != VAPIC_LVT_COUNT)
        *value = a->lvt[entry];
    else if (msr == MSR_X2APIC_SVR)
        *value = a->svr;
    else if (msr == MSR_X2APIC_ICR)
        *value = a->icr;
    else
        return false;
    return true;
}

/* ------------------------------------------------------------------ interrupt command */

/* What the guest means, as far as it could be own vCPUs: by a shorthand, ... */
/*@ requires \valid_read(peers);
  @ assigns \nothing;
  @*/
static uint64_t addressed_by_shorthand(const struct vapic_peers *peers, uint64_t icr)
{
    uint64_t self = BIT64(peers->self & (VAPIC_PEERS_MAX - 1));
    switch ((enum icr_shorthand)bits_get(icr, 19, 18)) {
    case TO_SELF:
        return self;
    case TO_ALL:
        return ~UINT64_C(0);
    case TO_ALL_BUT_SELF:
        return ~self;
    case TO_DESTINATION:
        break;
    }
    return 0;
}

/* ... by one APIC id or all, ... */
/*@ requires \valid_read(peers) && count <= VAPIC_PEERS_MAX;
  @ assigns \nothing;
  @*/
static uint64_t addressed_by_id(const struct vapic_peers *peers, uint32_t count, uint32_t id)
{
    /*@ loop invariant 0 <= i <= count;
      @ loop assigns i;
      @ loop variant count - i;
      @*/
    for (uint32_t i = 0; i < count; i++) {
        if (peers->apic_ids[i] == id)
            return BIT64(i);
    }
    return id == ICR_BROADCAST ? ~UINT64_C(0) : 0;
}

/* ... or by a cluster of 16 and bits in it. SDM "Logical Destination Mode in x2APIC Mode". */
/*@ requires \valid_read(peers) && count <= VAPIC_PEERS_MAX;
  @ assigns \nothing;
  @*/
static uint64_t addressed_by_logical_id(const struct vapic_peers *peers, uint32_t count,
                                        uint32_t destination)
{
    uint64_t targets = 0;
    if (destination == ICR_BROADCAST)
        return ~UINT64_C(0);
    /*@ loop invariant 0 <= i <= count;
      @ loop assigns i, targets;
      @ loop variant count - i;
      @*/
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t id = peers->apic_ids[i];
        if (id >> 4 == destination >> 16 && (destination >> (id & 15) & 1) != 0)
            targets |= BIT64(i);
    }
    return targets;
}

/* The one way to a target set: whatever was meant, only what is in the guest is left. */
/*@ requires \valid_read(peers);
  @ assigns \nothing;
  @ ensures own(\result, peers->count);
  @*/
static uint64_t targets_of(const struct vapic_peers *peers, uint64_t icr)
{
    uint32_t count = peers->count < VAPIC_PEERS_MAX ? peers->count : VAPIC_PEERS_MAX;
    if (count == 0)
        return 0;
    uint64_t all = ~UINT64_C(0) >> (VAPIC_PEERS_MAX - count);
    uint32_t destination = (uint32_t)(icr >> 32);
    if ((icr & ICR_SHORTHAND) != 0)
        return addressed_by_shorthand(peers, icr) & all;
    if ((icr & ICR_LOGICAL) != 0)
        return addressed_by_logical_id(peers, count, destination) & all;
    return addressed_by_id(peers, count, destination) & all;
}

bool vapic_write_icr(struct vapic *a, const struct vapic_peers *peers, uint64_t value,
                     struct vapic_action *action)
{
    vapic_no_action(action);
    if ((value & ICR_RESERVED) != 0)
        return false;
    a->icr = value & ~ICR_BUSY;

    uint64_t targets = targets_of(peers, value);
    if (targets == 0)
        return true;

    switch ((enum icr_delivery)bits_get(value, 10, 8)) {
    case DELIVER_LOWEST:
        /* Which of the addressed cores is the hardware's choice; ours is the first. */
        targets &= ~targets + 1;
        action->kind = VAPIC_SEND;
        break;
    case DELIVER_FIXED:
        action->kind = VAPIC_SEND;
        break;
    case DELIVER_NMI:
        action->kind = VAPIC_NMI;
        break;
    case DELIVER_INIT:
        /* Level-triggered without assert is "INIT level de-assert", which no x2APIC knows. */
        if ((value & (ICR_LEVEL | ICR_ASSERT)) != ICR_LEVEL)
            action->kind = VAPIC_INIT;
        break;
    case DELIVER_START:
        action->kind = VAPIC_START;
        break;
    case DELIVER_SMI: /* firmware's handler would run, with all rights: there is none for guests */
    case DELIVER_RESERVED:
    case DELIVER_EXTINT:
        break;
    }
    if (action->kind == VAPIC_NOTHING)
        return true;
    action->targets = targets;
    action->vector = (uint8_t)(value & ICR_VECTOR);
    /*
     * Edge, physical, asserted. A vector below 16 stays in: the sender's own APIC then sets "send
     * illegal vector" in its ESR, as it would without us (SDM "Error Handling"), and nobody but a
     * core of the same guest could receive it.
     */
    if (action->kind == VAPIC_SEND)
        action->value = ICR_ASSERT | (value & ICR_VECTOR);
    return true;
}

/* ------------------------------------------------------------------ LVT and SVR */

/*@ requires \valid(action);
  @ assigns action->kind, action->msr, action->value;
  @ ensures action->kind == VAPIC_WRITE && action->msr == msr && action->value == value;
  @*/
static void act_write(struct vapic_action *action, uint32_t msr, uint64_t value)
{
    action->kind = VAPIC_WRITE;
    action->msr = msr;
    action->value = value;
}

/*@ requires \valid(a) && \valid(action) && \separated(a, action);
  @ requires action->kind == VAPIC_NOTHING && action->targets == 0;
  @ requires VAPIC_LVT_TIMER <= entry < VAPIC_LVT_COUNT;
  @ requires msr == MSR_X2APIC_LVT_TIMER + (entry - VAPIC_LVT_TIMER);
  @ assigns a->lvt[entry], action->kind, action->msr, action->value;
  @ ensures action->targets == 0;
  @ ensures action->kind == VAPIC_NOTHING || action->kind == VAPIC_WRITE;
  @ ensures action->kind == VAPIC_WRITE ==> may_write(action->msr);
  @ ensures !\result ==> action->kind == VAPIC_NOTHING;
  @*/
static bool write_lvt(struct vapic *a, uint32_t msr, enum vapic_lvt entry, uint64_t value,
                      struct vapic_action *action)
{
    if ((value & ~(uint64_t)lvt_bits[entry]) != 0)
        return false;
    if (entry == VAPIC_LVT_TIMER && (value & LVT_TIMER_MODE) == LVT_TIMER_NOMODE)
        return false;
    value &= ~(LVT_STATUS | LVT_REMOTE_IRR);
    if ((a->svr & SVR_ENABLED) == 0)
        value |= LVT_MASKED; /* while software-disabled an entry cannot be unmasked */
    a->lvt[entry] = (uint32_t)value;

    /* Both have no delivery mode: always fixed. */
    if (entry == VAPIC_LVT_TIMER || entry == VAPIC_LVT_ERROR)
        act_write(action, msr, value);
    return true;
}

/*@ requires \valid(a) && \valid(action) && \separated(a, action);
  @ requires action->kind == VAPIC_NOTHING && action->targets == 0;
  @ assigns a->svr, a->lvt[0 .. VAPIC_LVT_COUNT - 1], action->kind, action->msr, action->value;
  @ ensures action->targets == 0;
  @ ensures !\result ==> action->kind == VAPIC_NOTHING;
  @ ensures \result ==> action->kind == VAPIC_WRITE && action->msr == MSR_X2APIC_SVR &&
  @   action->value == value && (value & ~0x1ff) == 0;
  @*/
static bool write_svr(struct vapic *a, uint64_t value, struct vapic_action *action)
{
    /* No focus check, and EOI-broadcast suppression has no I/O APIC to suppress anything for. */
    if ((value & ~SVR_ALLOWED) != 0)
        return false;
    a->svr = (uint32_t)value;
    if ((value & SVR_ENABLED) == 0) {
        /*@ loop invariant 0 <= i <= VAPIC_LVT_COUNT;
          @ loop assigns i, a->lvt[0 .. VAPIC_LVT_COUNT - 1];
          @ loop variant VAPIC_LVT_COUNT - i;
          @*/
        for (uint32_t i = 0; i < VAPIC_LVT_COUNT; i++)
            a->lvt[i] |= LVT_MASKED; /* as the hardware does with its own on this write */
    }
    act_write(action, MSR_X2APIC_SVR, value);
    return true;
}

bool vapic_write(struct vapic *a, uint32_t msr, uint64_t value, struct vapic_action *action)
{
    vapic_no_action(action);
    if (msr == MSR_X2APIC_SVR)
        return write_svr(a, value, action);
    enum vapic_lvt entry = lvt_of(msr);
    if (entry == VAPIC_LVT_COUNT)
        return false;
    return write_lvt(a, msr, entry, value, action);
}

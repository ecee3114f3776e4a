/* SPDX-License-Identifier: MIT */
/*
 * soak: one of four loads that never end, for scripts/soak, which stops and starts them for long.
 * Each says `begin` once in a life and then numbered beats that bear a sum of what was done; a beat
 * that comes late by more than LATE_NS says so, and anything wrong ends the guest with code 1.
 * Option: role=compute (hashes, spinning), write (numbered lines), tick (its APIC timer each
 * millisecond) or call (hypercalls and IPIs between two cores).
 */
#include <stdatomic.h>

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define VECTOR_BEAT 0x40
#define VECTOR_TICK 0x41
#define VECTOR_PING 0x42
#define BEAT_NS     (100 * NS_PER_MS)
#define TICK_NS     (1 * NS_PER_MS)
#define LINE_NS     (25 * NS_PER_MS)
#define PATIENCE_NS (2 * NS_PER_SECOND)
#define LATE_NS     (5 * NS_PER_MS) /* a pause that somebody may notice */
#define WORDS       4096

static uint64_t start;            /* of this load, in ns */
static volatile bool due;         /* the timer for the next beat has come */
static volatile uint64_t ticks;   /* taken */
static _Atomic uint64_t answered; /* IPIs taken by the other core */
static uint32_t other;            /* its APIC id */
static _Atomic bool present;

static void soak_say(uint64_t n, uint64_t due_at, uint64_t sum)
{
    const uint64_t late = time_ns() - due_at;

    if (late < LATE_NS)
        print("beat %lu sum %lu\n", n, sum);
    else
        print("beat %lu sum %lu LATE by %lu us\n", n, sum, late / NS_PER_US);
}

static void soak_due(struct trap_frame *frame)
{
    (void)frame; /* the PV timer: no EOI */
    due = true;
}

/* ------------------------------------------------------------------ compute */

/* FNV-1a over words, of which the first is the beat's number. */
static uint64_t soak_hash(const volatile uint64_t *words, uint64_t first)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ first;

    for (uint32_t i = 0; i < WORDS; i++)
        hash = (hash ^ words[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void soak_compute(void)
{
    static volatile uint64_t words[WORDS];
    uint64_t rounds = 0;

    for (uint32_t i = 0; i < WORDS; i++)
        words[i] = i * UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t n = 1;; n++) {
        const uint64_t due_at = start + n * BEAT_NS;
        const uint64_t expected = soak_hash(words, n);

        due = false;
        timer_set(due_at, VECTOR_BEAT);
        irq_enable();
        while (!due) {
            if (soak_hash(words, n) != expected)
                fatal(1, "the same sum came out differently");
            rounds++;
        }
        irq_disable();
        soak_say(n, due_at, rounds);
    }
}

/* ------------------------------------------------------------------ write */

static void soak_write(void)
{
    for (uint64_t n = 1;; n++) {
        const uint64_t due_at = start + n * LINE_NS;

        sleep_until(due_at);
        soak_say(n, due_at, n * n);
    }
}

/* ------------------------------------------------------------------ tick */

static void soak_tick(struct trap_frame *frame)
{
    (void)frame;
    ticks++;
    x2apic_eoi();
}

/* The hardware may not lose a tick, and neither may a stop and a start. */
static void soak_ticks(void)
{
    const uint64_t interval = ns_to_tsc(TICK_NS);
    const uint64_t per_beat = BEAT_NS / TICK_NS;

    irq_handle(VECTOR_TICK, soak_tick);
    x2apic_timer_deadline(VECTOR_TICK);
    uint64_t deadline = tsc_now();
    for (uint64_t n = 1;; n++) {
        for (uint64_t i = 0; i < per_beat; i++) {
            const uint64_t before = ticks;
            deadline += interval;
            x2apic_arm(deadline);
            while (ticks == before)
                irq_wait();
        }
        if (ticks != n * per_beat)
            fatal(1, "%lu ticks, not %lu", ticks, n * per_beat);
        soak_say(n, start + n * BEAT_NS, ticks);
    }
}

/* ------------------------------------------------------------------ call */

static void soak_ping(struct trap_frame *frame)
{
    (void)frame;
    atomic_fetch_add(&answered, 1);
    x2apic_eoi();
}

static void soak_other(uint32_t number)
{
    (void)number;
    other = x2apic_id();
    atomic_store(&present, true);
    for (;;)
        irq_wait();
}

/* One IPI to the other core, and its answer through memory. */
static void soak_call_other(uint64_t sent)
{
    const uint64_t since = tsc_now();

    x2apic_send(other, ICR_FIXED | VECTOR_PING);
    while (atomic_load(&answered) < sent) {
        if (tsc_to_ns(tsc_now() - since) > PATIENCE_NS)
            fatal(1, "IPI %lu was lost", sent);
        cpu_pause();
    }
    if (atomic_load(&answered) != sent)
        fatal(1, "%lu IPIs arrived of %lu", atomic_load(&answered), sent);
}

static void soak_calls(void)
{
    uint64_t sent = 0, last = 0;

    if (smp_expected() != 2)
        fatal(1, "role=call needs cores = 2");
    irq_handle(VECTOR_PING, soak_ping);
    smp_start(soak_other);
    if (smp_wait(PATIENCE_NS) != 2)
        fatal(1, "the second core did not come");
    while (!atomic_load(&present))
        cpu_pause();
    start = time_ns();
    for (uint64_t n = 1;; n++) {
        const uint64_t due_at = start + n * BEAT_NS;

        do {
            if (time_ns() < last)
                fatal(1, "time went back");
            last = time_ns();
            if (bulkhead_version() != BULKHEAD_ABI_VERSION)
                fatal(1, "another version than before");
            soak_call_other(++sent);
        } while (last < due_at);
        soak_say(n, due_at, sent);
    }
}

int main(void)
{
    irq_handle(VECTOR_BEAT, soak_due);
    x2apic_enable();
    print("begin\n");
    start = time_ns();
    if (option_is("role", "compute"))
        soak_compute();
    if (option_is("role", "write"))
        soak_write();
    if (option_is("role", "tick"))
        soak_ticks();
    if (option_is("role", "call"))
        soak_calls();
    print("which role? compute, write, tick or call\n");
    return 1;
}

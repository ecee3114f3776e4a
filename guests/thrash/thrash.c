/* SPDX-License-Identifier: MIT */
/*
 * thrash: a neighbour that takes all that cores have in common, on all of its cores: one mode for
 * each slot of kit/slots.h, beside guests/jitter.
 *   quiet    spins
 *   cache    changes 8 MiB, line after line in no order
 *   memory   writes all of its memory, line after line
 *   tlb      reads a word of each page, after INVLPG
 *   ipi      IPIs from its first core to another (or to itself), as fast as they are sent
 *   wbinvd   WBINVD, as fast as it goes
 *   flood    text, as fast as the console takes it
 *   restart  asks for a restart as soon as it runs
 * Options: slot=MS; mode=NAME: that one alone.
 */
#include <stdatomic.h>

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/slots.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define VECTOR_PING 0x42
#define LINE        64u
#define PAGE        4096u
#define CACHE_BYTES (UINT64_C(8) << 20)
#define MANY        1024 /* accesses between two looks at the clock */

extern const uint8_t kit_end[];

static uint64_t slot, base;        /* ns; TSC where the machine's time began */
static uint32_t only = SLOT_COUNT; /* this mode alone */
static _Atomic uint32_t receiver;  /* APIC id + 1 of the core that takes IPIs */
static _Atomic uint64_t pings;
static uint64_t position[SMP_CORES_MAX]; /* of each core in the memory */

static enum slot_mode thrash_mode(void)
{
    if (only < SLOT_COUNT)
        return (enum slot_mode)only;
    return (enum slot_mode)(tsc_to_ns(tsc_now() - base) / slot % SLOT_COUNT);
}

static volatile uint64_t *thrash_word(uint64_t offset, uint64_t limit)
{
    const uint64_t from = align_down((uint64_t)kit_end + PAGE, PAGE);
    const uint64_t size = min_u64(memory_top() - from, limit);

    return (volatile uint64_t *)(from + align_down(offset % size, LINE));
}

static void thrash_touch(enum slot_mode mode, uint64_t *at)
{
    for (uint32_t i = 0; i < MANY; i++) {
        if (mode == SLOT_cache) {
            *at = *at * UINT64_C(6364136223846793005) + 1442695040888963407;
            ++*thrash_word(*at >> 16, CACHE_BYTES);
        } else if (mode == SLOT_memory) {
            *at += LINE;
            *thrash_word(*at, UINT64_MAX) = *at;
        } else {
            *at += PAGE + LINE;
            volatile uint64_t *word = thrash_word(*at, UINT64_MAX);
            invlpg((uint64_t)word);
            (void)*word;
        }
    }
}

static void thrash_ping(struct trap_frame *frame)
{
    (void)frame;
    atomic_fetch_add(&pings, 1);
    x2apic_eoi();
}

static void thrash_pings(uint32_t number)
{
    if (number == 0) {
        const uint32_t to = atomic_load(&receiver);
        x2apic_send(to == 0 ? x2apic_id() : to - 1, ICR_FIXED | VECTOR_PING);
    }
    irq_enable();
    cpu_pause();
    irq_disable();
}

static void thrash_step(uint32_t number, enum slot_mode mode)
{
    static const char text[] = "flood\n";

    switch (mode) {
    case SLOT_cache:
    case SLOT_memory:
    case SLOT_tlb:
        thrash_touch(mode, &position[number]);
        break;
    case SLOT_ipi:
        thrash_pings(number);
        break;
    case SLOT_wbinvd:
        wbinvd();
        break;
    case SLOT_flood:
        (void)bulkhead_console_write(text, sizeof(text) - 1);
        break;
    case SLOT_restart:
        (void)bulkhead_restart();
        break;
    case SLOT_quiet:
    case SLOT_COUNT:
        cpu_pause();
        break;
    }
}

static void thrash_work(uint32_t number)
{
    if (number == 1)
        atomic_store(&receiver, x2apic_id() + 1);
    for (;;) {
        const enum slot_mode mode = thrash_mode();
        thrash_step(number, mode);
    }
}

int main(void)
{
    slot = slot_ns();
    base = tsc_now() - ns_to_tsc(time_ns());
    for (uint32_t mode = 0; mode < SLOT_COUNT; mode++) {
        if (option_is("mode", slot_names[mode]))
            only = mode;
    }
    irq_handle(VECTOR_PING, thrash_ping);
    x2apic_enable();
    if (smp_expected() > 1)
        smp_start(thrash_work);
    thrash_work(0);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * links: what a link with one other guest costs. Option link=send: does what the other side asks
 * for, and no more; link=take: asks, measures and prints. Both spin and never halt, and what they
 * say has the same length whatever it is, so that their exits are those of the doorbells.
 */
#include "guests/bench/bench.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/link.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"

#define LINK         0u
#define VECTOR_BELL  0x52
#define BLOCK        256u
#define STREAM_BYTES (256 * KIB)
#define STORM_TURNS  20000u

/* What the sender does. */
enum links_what { LINKS_NOTHING, LINKS_BELL, LINKS_STREAM, LINKS_STORM, LINKS_END };

/* In the window, before the ring. */
struct links_page {
    ALIGNED(64) _Atomic uint32_t what, asked; /* the taker's: bells asked for */
    ALIGNED(64) _Atomic uint32_t is_there;    /* the sender's */
    _Atomic uint64_t sent, rang;              /* TSC at the latest bell; bells in all */
};

static struct bulkhead_link end;
static struct links_page *page;
static struct link_ring ring;

static void links_open(void)
{
    if (!bulkhead_link_info(LINK, &end) || end.size < 2 * PAGE_SIZE || end.side_count != 2)
        fatal(1, "there is no link with a window of 8 KiB to one other guest");
    page = (struct links_page *)end.window;
    ring = link_ring(end.window + PAGE_SIZE, end.size - PAGE_SIZE);
}

static void links_bell(void)
{
    atomic_fetch_add(&page->rang, 1);
    atomic_store(&page->sent, tsc_now());
    (void)bulkhead_link_ring(LINK, 1 - end.side);
}

void links_send(void)
{
    static const uint8_t block[BLOCK];
    uint32_t asked = 0, what;
    bool may_sleep;

    links_open();
    atomic_store(&page->is_there, 1);
    while ((what = atomic_load(&page->what)) != LINKS_END) {
        if (what == LINKS_STREAM)
            (void)link_put(&ring, block, sizeof(block), &may_sleep);
        else if (what == LINKS_STORM)
            links_bell();
        else if (what == LINKS_BELL && atomic_load(&page->asked) != asked) {
            asked++;
            links_bell();
        }
    }
    print("bench %-16s %8lu\n", "bells", atomic_load(&page->rang));
}

/* From the sender's TSC before its ring to the handler's first instruction. */
static uint64_t links_latency(void)
{
    const uint64_t before = bench_isr_count;

    atomic_fetch_add(&page->asked, 1);
    while (bench_isr_count == before)
        ;
    return bench_isr_tsc - atomic_load(&page->sent);
}

/* Both copy byte by byte. */
static uint64_t links_stream(void)
{
    uint8_t block[BLOCK];

    atomic_store(&page->what, LINKS_STREAM);
    while (!link_get(&ring, block, sizeof(block)))
        ;
    const uint64_t start = tsc_now();
    for (uint32_t left = STREAM_BYTES; left > 0;)
        if (link_get(&ring, block, sizeof(block)))
            left -= BLOCK;
    const uint64_t ticks = tsc_now() - start;
    atomic_store(&page->what, LINKS_NOTHING);
    return ticks;
}

static uint64_t links_work(void)
{
    const uint64_t start = tsc_now();

    for (volatile uint32_t turn = 0; turn < STORM_TURNS; turn++)
        ;
    return tsc_now() - start;
}

static void links_row(const char *name, uint64_t value)
{
    print("bench %-16s %8lu\n", name, value);
}

/* What a doorbell costs who hears it, ten at a time: the same interrupt from this core itself. */
static uint64_t links_heard(void)
{
    const uint64_t start = tsc_now();

    BENCH_TEN(x2apic_send_self(VECTOR_BELL);)
    return tsc_now() - start;
}

/* How much of this core a sender takes that does nothing but ring: how many bells there are during
 * some work, and what they and the work cost otherwise. Not how long it takes with them: an
 * emulator's TSC runs at another rate when another core exits. */
static uint64_t links_storm(uint64_t heard)
{
    const uint64_t work = links_work();

    const uint64_t quiet = bench_isr_count;
    atomic_store(&page->what, LINKS_STORM);
    while (bench_isr_count == quiet)
        ;
    const uint64_t before = bench_isr_count;
    (void)links_work();
    const uint64_t lost = (bench_isr_count - before) * heard;
    atomic_store(&page->what, LINKS_NOTHING);
    return 100 * lost / (work + lost);
}

void links_take(uint32_t samples)
{
    links_open();
    bench_interrupts_begin();
    idt_set_gate(VECTOR_BELL, bench_isr, 0);
    (void)bulkhead_link_vector(LINK, VECTOR_BELL, 0);
    while (!atomic_load(&page->is_there))
        ;
    atomic_store(&page->what, LINKS_BELL);
    links_row("bell_latency", bench_median(links_latency, samples));
    const uint64_t heard = bench_median(links_heard, samples) / BENCH_REPEAT;
    links_row("bell_heard", heard);
    links_row("link_kib", links_stream() / (STREAM_BYTES / KIB));
    links_row("storm_share", links_storm(heard));
    atomic_store(&page->what, LINKS_END);
    bench_interrupts_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * fuzz, the program: which operations come how often, the loop of a core, what is reported, and
 * the options: seed=N (0) decides everything; with `vary` each life mixes it with the time and
 * prints the seed that it uses; from=N begins at program N; ops=N or ms=N end it; `wild` also does
 * what ends the guest. One or two cores.
 */
#include "guests/fuzz/fuzz.h"

#include <stdarg.h>

#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/paging.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define PROGRAM_MAX 8
#define REPORT_NS   (500 * NS_PER_MS)
#define WAKE_NS     (30 * NS_PER_MS) /* a core without progress for so long is started again */
#define CHECK_EVERY 8
#define SILENCE_NS  (200 * NS_PER_MS)
#define PROGRAM_NS  (5 * NS_PER_MS) /* more than one takes */
#define STACK_SIZE  16384
#define RETRY_NS    (200 * NS_PER_US)
#define DEFAULT_MS  1000

extern const uint8_t core_page[], core_page_end[];
extern uint32_t ap_lead_id;
extern uint64_t ap_stack_tops[CORES];

static const struct {
    void (*run)(struct core *c);
    const char *name;
    uint32_t weight;
} classes[CLASS_COUNT] = {
    [CLASS_PORT] = {op_port, "port", 10},   [CLASS_MSR] = {op_msr, "msr", 20},
    [CLASS_CALL] = {op_call, "call", 10},   [CLASS_CR] = {op_cr, "cr", 10},
    [CLASS_DR] = {op_dr, "dr", 5},          [CLASS_XCR] = {op_xcr, "xcr", 5},
    [CLASS_CPUID] = {op_cpuid, "cpuid", 5}, [CLASS_PAGING] = {op_paging, "paging", 8},
    [CLASS_APIC] = {op_apic, "apic", 15},   [CLASS_HALT] = {op_halt, "halt", 3},
    [CLASS_CODE] = {op_code, "code", 30},   [CLASS_MODE] = {op_mode, "mode", 4},
};

static ALIGNED(16) uint8_t stacks[CORES][STACK_SIZE];
static uint64_t seed, ops_wanted, end_ns;

static _Atomic bool speaking; /* the lead is, or wants to */
static _Atomic bool silent; /* the other core waits meanwhile, for its garbage would come between */

/* Not for ever: an INIT may have taken the lead away. */
static void be_silent(void)
{
    const uint64_t start = rdtsc();

    while (atomic_load(&speaking) && tsc_to_ns(rdtsc() - start) < SILENCE_NS) {
        atomic_store(&silent, true);
        cpu_pause();
    }
    atomic_store(&silent, false);
}

static void ask_silence(void)
{
    const uint64_t start = rdtsc();

    atomic_store(&speaking, true);
    while (core_count > 1 && !atomic_load(&silent) && tsc_to_ns(rdtsc() - start) < PROGRAM_NS)
        cpu_pause();
}

/* Only the lead speaks, so nobody needs a lock, which an INIT could leave taken. */
static void say(const char *fmt, ...)
{
    char text[PRINT_MAX];
    va_list args;

    va_start(args, fmt);
    size_t len = fmt_vprint(text, sizeof(text), fmt, args);
    va_end(args);
    for (size_t at = 0; at < len;) {
        const int64_t taken = bulkhead_console_write(text + at, len - at);
        if (taken <= 0)
            spin_for(RETRY_NS);
        else
            at += (size_t)taken;
    }
}

/* ---------------------------------------------------------------- reports */

static uint64_t ops_done(void)
{
    uint64_t sum = 0;

    for (uint32_t n = 0; n < CORES; n++) {
        for (uint32_t i = 0; i < CLASS_COUNT; i++)
            sum += cores[n].ops[i];
    }
    return sum;
}

/* The console may be in the middle of a line of garbage: hence the newline. */
static void report(const char *what)
{
    const struct core *a = &cores[0], *b = &cores[1];
    uint64_t faults = 0;

    for (uint32_t i = 0; i < 32; i++)
        faults += a->faults[i] + b->faults[i];
    say("\nfuzz: %s, %lu ops, %lu faults, %lu interrupts, %lu NMIs, %lu returns, programs %lu "
        "and %lu\n",
        what, ops_done(), faults, a->interrupts + b->interrupts, a->nmis + b->nmis,
        a->returns + b->returns, atomic_load(&a->program), atomic_load(&b->program));
}

NORETURN static void finish(void)
{
    ask_silence();
    for (uint32_t i = 0; i < CLASS_COUNT; i++)
        say("%s%s %lu", i == 0 ? "\nfuzz ops: " : ", ", classes[i].name,
            cores[0].ops[i] + cores[1].ops[i]);
    say("\nfuzz faults:");
    for (uint32_t i = 0; i < 32; i++) {
        const uint64_t count = cores[0].faults[i] + cores[1].faults[i];
        if (count != 0)
            say(" vector %u %lu", i, count);
    }
    report("done");
    power_off(0);
}

/* ---------------------------------------------------------------- the loop */

static enum op_class pick(struct stream *s)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < CLASS_COUNT; i++)
        sum += classes[i].weight;
    uint32_t at = stream_below(s, sum);
    for (uint32_t i = 0;; i++) {
        if (at < classes[i].weight)
            return (enum op_class)i;
        at -= classes[i].weight;
    }
}

static void program(struct core *c)
{
    c->stream = stream_open(seed, c->number, atomic_fetch_add(&c->program, 1));
    const uint32_t count = 1 + stream_below(&c->stream, PROGRAM_MAX);

    for (uint32_t i = 0; i < count; i++) {
        const enum op_class class = pick(&c->stream);
        c->ops[class]++;
        guard(c, classes[class].run);
    }
    world_restore(c);
}

static void start_core(struct core *c)
{
    const bool known = c->apic_id != UINT32_MAX;
    const uint32_t shorthand = known ? 0 : ICR_ALL_OTHERS;

    for (uint32_t i = 0; i < (uint32_t)(core_page_end - core_page); i++)
        ((volatile uint8_t *)(START_PAGE * PAGE_SIZE))[i] = core_page[i];
    c->away = true;
    x2apic_send(c->apic_id, shorthand | ICR_INIT | ICR_ASSERT);
    spin_for(100 * NS_PER_US);
    for (uint32_t i = 0; i < 2; i++) {
        x2apic_send(c->apic_id, shorthand | ICR_STARTUP | ICR_ASSERT | START_PAGE);
        spin_for(100 * NS_PER_US);
    }
}

/* Each core looks after the other: an INIT or a SIPI of its own may have put it to sleep. */
static void look_after(const struct core *c)
{
    static struct {
        uint64_t program, since;
    } seen[CORES];
    const uint32_t o = 1 - c->number;
    const uint64_t now = rdtsc(), at = atomic_load(&cores[o].program);

    if (seen[o].program != at || seen[o].since == 0) {
        seen[o].program = at;
        seen[o].since = now;
    } else if (tsc_to_ns(now - seen[o].since) > WAKE_NS) {
        seen[o].since = now;
        start_core(&cores[o]);
    }
}

NORETURN static void loop(struct core *c)
{
    uint64_t reported = bulkhead_time();

    world_enter(c);
    world_restore(c);
    if (c->number == 0)
        atomic_store(&speaking, false);
    for (uint32_t n = 1;; n++) {
        if (c->number != 0)
            be_silent();
        program(c);
        if (core_count > 1 && n % CHECK_EVERY == 0)
            look_after(c);
        if (c->number != 0 || n % CHECK_EVERY != 0)
            continue;
        bulkhead_watchdog();
        const uint64_t now = bulkhead_time();
        if (now >= end_ns || (ops_wanted != 0 && ops_done() >= ops_wanted))
            finish();
        if (now - reported >= REPORT_NS) {
            ask_silence();
            report("so far");
            atomic_store(&speaking, false);
            reported = now;
        }
    }
}

/* By modes.asm, on this core's own stack. */
void core_again(uint32_t number)
{
    struct core *c = &cores[number];

    c->apic_id = x2apic_id();
    c->returns++;
    loop(c);
}

int main(void)
{
    paging_open();
    seed = option_number("seed", 0);
    if (option_set("vary")) {
        struct stream mixed = {seed ^ bulkhead_time()};
        seed = stream_u64(&mixed) >> 1; /* as option_number() can read it */
    }
    wild = option_set("wild");
    core_count = smp_expected();
    ops_wanted = option_number("ops", 0);
    end_ns = ops_wanted != 0 && !option_set("ms")
                 ? UINT64_MAX
                 : bulkhead_time() + option_number("ms", DEFAULT_MS) * NS_PER_MS;
    say("fuzz: seed=%lu on %u cores%s\n", seed, core_count, wild ? ", wild" : "");
    if (core_count > CORES) {
        say("fuzz: one or two cores\n");
        return 1;
    }
    x2apic_enable();
    ap_lead_id = x2apic_id();
    for (uint32_t n = 0; n < CORES; n++) {
        cores[n].number = n;
        cores[n].apic_id = n == 0 ? ap_lead_id : UINT32_MAX;
        atomic_store(&cores[n].program, option_number("from", 0));
        ap_stack_tops[n] = (uint64_t)&stacks[n][STACK_SIZE];
    }
    world_init();
    if (core_count > 1)
        start_core(&cores[1]);
    loop(&cores[0]);
}

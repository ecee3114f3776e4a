/* SPDX-License-Identifier: MIT */
/*
 * ops_io: operations that the hypervisor answers by value: ports, MSRs, hypercalls, CPUID, XCR0,
 * the local APIC and sleep.
 */
#include "guests/fuzz/fuzz.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

/* ---------------------------------------------------------------- ports */

/* Writing there may end or restart the guest. */
static bool port_ends(uint32_t port, uint32_t size)
{
    static const uint16_t ends[] = {0x64, 0x92, 0x600, 0x602, 0xcf9};

    for (uint32_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (port <= ends[i] && ends[i] < port + size)
            return true;
    }
    return false;
}

static uint16_t pick_port(struct stream *s)
{
    static const uint16_t known[] = {0x20,  0x21,  0x40,  0x43,  0x60,  0x61,   0x64,   0x70,
                                     0x71,  0x80,  0x92,  0xa1,  0x2f8, 0x3d4,  0x402,  0x510,
                                     0x511, 0x514, 0x600, 0x601, 0x602, 0xb004, 0x8900, 0x8a00,
                                     0xcf8, 0xcf9, 0xcfc, 0xe9,  0xffff};

    switch (stream_below(s, 4)) {
    case 0:
        return (uint16_t)(0x3f8 + stream_below(s, 8));
    case 1:
        return known[stream_below(s, ARRAY_SIZE(known))];
    case 2:
        return (uint16_t)(known[stream_below(s, ARRAY_SIZE(known))] - 3 + stream_below(s, 7));
    default:
        return (uint16_t)stream_u64(s);
    }
}

void op_port(struct core *c)
{
    struct stream *s = &c->stream;
    const uint16_t port = pick_port(s);
    const uint32_t size = 1u << stream_below(s, 3);
    uint32_t value = (uint32_t)stream_number(s);

    if (!wild && port_ends(port, size))
        value = 0;
    const uint32_t way = stream_below(s, 8);
    void *data = (void *)(SCRATCH_ALIAS + DATA_OFFSET);
    uint64_t count = stream_below(s, 3);
    if (way == 0) {
        __asm__ volatile("rep insb" : "+D"(data), "+c"(count) : "d"(port) : "memory");
    } else if (way == 1) {
        __asm__ volatile("rep outsl" : "+S"(data), "+c"(count) : "d"(port) : "memory");
    } else if (way < 5) {
        (void)(size == 1 ? in8(port) : size == 2 ? in16(port) : in32(port));
    } else if (size == 1) {
        out8(port, (uint8_t)value);
    } else if (size == 2) {
        out16(port, (uint16_t)value);
    } else {
        out32(port, value);
    }
}

/* ---------------------------------------------------------------- MSRs */

uint32_t pick_msr(struct stream *s)
{
    static const struct {
        uint32_t first, count;
    } areas[] = {
        {0x0, 0x200},       {0x174, 3},         {0x1d9, 1},         {0x1a0, 1},
        {0x200, 0x20},      {0x250, 0x20},      {0x277, 1},         {0x2ff, 1},
        {0x300, 0x100},     {0x400, 0x80},      {0x480, 0x14},      {0x560, 0x30},
        {0x600, 0x100},     {0x6e0, 1},         {0x800, 0x100},     {0x80f, 1},
        {0x832, 6},         {0x900, 0x300},     {0xc80, 0x110},     {0xda0, 1},
        {0x1ff0, 0x20},     {0x40000000, 0x20}, {0x4b564d00, 8},    {0xbffffff0, 0x20},
        {0xc0000080, 5},    {0xc0000100, 4},    {0xc0001ff0, 0x20}, {0xc0010000, 0x120},
        {0xfffffff0, 0x10},
    };
    const uint32_t i = stream_below(s, ARRAY_SIZE(areas) + 1);

    if (i == ARRAY_SIZE(areas))
        return (uint32_t)stream_u64(s);
    const uint32_t index = areas[i].first + stream_below(s, areas[i].count);
    /* An INIT to itself would be the end of a core: op_apic() knows whom to send one. */
    return index == MSR_X2APIC_ICR && !wild ? MSR_X2APIC_ICR + 1 : index;
}

static void write_msr(struct stream *s, uint32_t index)
{
    uint64_t value = stream_number(s);

    if (stream_one_in(s, 3))
        value = rdmsr(index) ^ BIT64(stream_below(s, 64));
    else if (stream_one_in(s, 3))
        value = rdmsr(index);
    wrmsr(index, value);
}

void op_msr(struct core *c)
{
    const uint32_t index = pick_msr(&c->stream);

    if (stream_one_in(&c->stream, 2))
        (void)rdmsr(index);
    else
        write_msr(&c->stream, index);
}

/* ---------------------------------------------------------------- hypercalls */

void op_call(struct core *c)
{
    struct stream *s = &c->stream;
    uint64_t number = BULKHEAD_CALL_BASE + stream_below(s, BULKHEAD_CALL_COUNT + 2);
    uint64_t argument = stream_one_in(s, 2) ? stream_below(s, 50) : stream_number(s);
    struct bulkhead_data data;

    if (stream_one_in(s, 4))
        number = stream_number(s);
    const uint32_t low = (uint32_t)number;
    if (!wild && (low == BULKHEAD_CALL_POWER_OFF || low == BULKHEAD_CALL_RESTART)) {
        number = BULKHEAD_CALL_POWER_OFF;
        argument |= 0x100; /* a code that is refused */
    }
    if (!wild && low == BULKHEAD_CALL_CRASH)
        argument |= BULKHEAD_CRASH_LAST + 1; /* the same */
    for (uint32_t i = 0; i < ARRAY_SIZE(data.word); i++)
        data.word[i] = stream_number(s);
    if (stream_one_in(s, 2))
        data.word[0] = stream_below(s, 256); /* a vector */
    if (number == BULKHEAD_CALL_TIMER_SET && stream_one_in(s, 2))
        argument = bulkhead_time() + stream_below(s, 100000);
    bulkhead_call(number, argument, &data);
}

/* ---------------------------------------------------------------- CPUID, XCR0 */

void op_cpuid(struct core *c)
{
    static const uint32_t bases[] = {0, 0x40000000, 0x40000100, 0x80000000, 0xc0000000};
    struct stream *s = &c->stream;
    uint32_t leaf = (uint32_t)stream_number(s);

    if (!stream_one_in(s, 4))
        leaf = bases[stream_below(s, ARRAY_SIZE(bases))] + stream_below(s, 0x28);
    (void)cpuid(leaf, stream_one_in(s, 2) ? stream_below(s, 20) : (uint32_t)stream_number(s));
}

void op_xcr(struct core *c)
{
    struct stream *s = &c->stream;
    const uint32_t index = stream_one_in(s, 8) ? (uint32_t)stream_number(s) : 0;

    if (stream_one_in(s, 4))
        __asm__ volatile("xgetbv" : : "c"(index) : "rax", "rdx");
    else
        xsetbv(index, stream_one_in(s, 2) ? stream_below(s, 0x300) | 1 : stream_number(s));
}

/* ---------------------------------------------------------------- the local APIC */

/* Where an INIT or a SIPI may go, so that somebody is left to start the other again. */
static void send_start(struct core *c, uint32_t mode)
{
    struct stream *s = &c->stream;
    const uint32_t page = stream_one_in(s, 4) ? HALT_PAGE : START_PAGE;
    const uint64_t to = (uint64_t)cores[1 - c->number].apic_id << 32;

    if (core_count == 1 || !stream_one_in(s, 4))
        return;
    cores[1 - c->number].away = true; /* until it has its own tables again */
    const bool shorthand = to >> 32 == UINT32_MAX || stream_one_in(s, 2);
    wrmsr(MSR_X2APIC_ICR, (shorthand ? ICR_ALL_OTHERS : to) | ICR_ASSERT | mode << 8 |
                              (mode == 6 ? page : (uint32_t)(stream_u64(s) & 0xff)));
}

static void send_any(struct core *c)
{
    struct stream *s = &c->stream;
    const uint32_t mode = stream_below(s, 8);
    uint64_t icr = (stream_u64(s) & 0xc88ff) | mode << 8 | ICR_ASSERT;

    if (!wild && (mode == 5 || mode == 6)) {
        send_start(c, mode);
        return;
    }
    if (mode == 4 && (cores[0].away || cores[1].away))
        return;
    if (stream_one_in(s, 8))
        icr ^= BIT64(stream_below(s, 32));
    if (!wild && bits_get(icr, 10, 8) != mode)
        return;
    switch (stream_below(s, 5)) {
    case 0:
        icr |= (uint64_t)cores[stream_below(s, CORES)].apic_id << 32;
        break;
    case 1:
        icr |= MASK64(63, 32);
        break;
    case 2:
        icr |= (uint64_t)stream_below(s, 0x100) << 32;
        break;
    default:
        icr |= stream_number(s) << 32;
        break;
    }
    wrmsr(MSR_X2APIC_ICR, icr);
}

static void arm_timer(struct stream *s)
{
    const uint32_t lvt =
        stream_below(s, 256) | stream_below(s, 4) << 17 | (stream_one_in(s, 4) ? LVT_MASKED : 0);

    wrmsr(MSR_X2APIC_TIMER_DIV, stream_below(s, 16));
    wrmsr(MSR_X2APIC_LVT_TIMER, lvt);
    if (stream_one_in(s, 2) && x2apic_has_deadline())
        wrmsr(MSR_TSC_DEADLINE, rdtsc() + stream_below(s, 20000));
    else
        wrmsr(MSR_X2APIC_TIMER_INIT, 1000 + stream_below(s, 20000));
    irq_enable();
    for (uint32_t n = stream_below(s, 200); n > 0; n--)
        cpu_pause();
}

void op_apic(struct core *c)
{
    struct stream *s = &c->stream;
    const uint32_t reg = stream_below(s, 0x100);

    switch (stream_below(s, 6)) {
    case 0:
    case 1:
        send_any(c);
        break;
    case 2:
        arm_timer(s);
        break;
    case 3:
        wrmsr(MSR_X2APIC_SELF_IPI, stream_one_in(s, 8) ? stream_number(s) : stream_below(s, 256));
        break;
    case 4:
        if (reg != MSR_X2APIC_ICR - MSR_X2APIC_FIRST || wild)
            wrmsr(MSR_X2APIC_FIRST + reg, stream_one_in(s, 2) ? 0 : stream_number(s));
        break;
    default:
        (void)rdmsr(MSR_X2APIC_FIRST + reg);
        break;
    }
    if (stream_one_in(s, 2))
        irq_enable(); /* what was sent comes now */
}

/* ---------------------------------------------------------------- sleep */

void op_halt(struct core *c)
{
    struct stream *s = &c->stream;

    if (stream_one_in(s, 3))
        wrmsr(MSR_X2APIC_TPR, stream_below(s, 256));
    if (stream_one_in(s, 3))
        wrmsr(MSR_X2APIC_SELF_IPI, 32 + stream_below(s, 224));
    world_alarm(stream_below(s, 50000));
    if (wild && stream_one_in(s, 64))
        cpu_halt(); /* with interrupts off: who has set a watchdog is helped */
    else
        irq_wait();
}

/* SPDX-License-Identifier: MIT */
/*
 * ops_cpu: control and debug registers, and page tables made at random.
 */
#include "guests/fuzz/fuzz.h"
#include "guests/kit/kit.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define CR0_SANE UINT64_C(0x80010033)

/* ---------------------------------------------------------------- control registers */

static uint64_t flip(struct stream *s, uint64_t value, uint32_t bits)
{
    for (uint32_t n = 1 + stream_below(s, 3); n > 0; n--)
        value ^= BIT64(stream_below(s, bits));
    return value;
}

static uint32_t physical_bits(void)
{
    return cpuid(0x80000008, 0).eax & 0xff;
}

/* Beyond the tables' address only what does not name other memory, unless that is wanted. */
static uint64_t make_cr3(struct stream *s)
{
    uint64_t value = world_cr3() | (stream_u64(s) & 0xfff);

    if (stream_one_in(s, 4))
        value |= BIT64(63);
    if (stream_one_in(s, 4))
        value |= BIT64(physical_bits() + stream_below(s, 63 - physical_bits()));
    if (wild && stream_one_in(s, 16))
        value = stream_number(s);
    return value;
}

void op_cr(struct core *c)
{
    struct stream *s = &c->stream;
    const bool any = stream_one_in(s, 4);

    switch (stream_below(s, 6)) {
    case 0:
    case 1:
        write_cr0(any ? stream_number(s) : flip(s, CR0_SANE, 32));
        break;
    case 2:
    case 3:
        write_cr4(any ? stream_number(s) : flip(s, read_cr4(), 32));
        break;
    case 4:
        write_cr3(make_cr3(s));
        break;
    default:
        write_cr2(stream_number(s));
        __asm__ volatile("mov %0, %%cr8" : : "r"((uint64_t)stream_below(s, 20)));
        break;
    }
    *(volatile uint64_t *)(SCRATCH + DATA_OFFSET) = read_cr0() ^ read_cr4();
    (void)cpuid(1, 0);
}

/* ---------------------------------------------------------------- debug registers */

/* Not the stacks and tables that an exception itself touches: that would go round for ever. */
static uint64_t watched(const struct core *c, struct stream *s)
{
    switch (stream_below(s, 4)) {
    case 0:
        return SCRATCH + CODE_PAGE(c) + stream_below(s, CODE_BYTES);
    case 1:
        return SCRATCH_ALIAS + CODE_PAGE(c) + stream_below(s, CODE_BYTES);
    case 2:
        return SCRATCH + DATA_OFFSET + stream_below(s, 64);
    default:
        return stream_u64(s) | BIT64(40);
    }
}

void op_dr(struct core *c)
{
    struct stream *s = &c->stream;

    write_dr0(watched(c, s));
    write_dr1(watched(c, s));
    write_dr2(watched(c, s));
    write_dr3(watched(c, s));
    if (stream_one_in(s, 2))
        write_dr6(stream_one_in(s, 2) ? stream_number(s) : (uint32_t)stream_u64(s));
    write_dr7(stream_one_in(s, 4) ? stream_number(s) : (uint32_t)stream_u64(s));
    for (uint32_t i = 0; i < 4; i++)
        ((volatile uint64_t *)(SCRATCH + DATA_OFFSET))[i] += i;
    (void)read_dr6();
    (void)read_dr7();
}

/* ---------------------------------------------------------------- page tables */

/* `level` 3 names play_pd, 2 play_pt, 1 pages; or a large page. Memory that is not there is named
 * only when `wild`: walking to it ends the guest. */
static uint64_t make_entry(struct stream *s, uint32_t level)
{
    const bool leaf = level == 1 || stream_one_in(s, 3);
    uint64_t entry = (stream_u64(s) & 0xf7e) | (stream_one_in(s, 8) ? 0 : 1);

    if (leaf && level != 1)
        entry |= 0x80;
    if (stream_one_in(s, 8))
        entry |= BIT64(63);
    if (stream_one_in(s, 16))
        entry |= BIT64(physical_bits() + stream_below(s, 63 - physical_bits()));
    if (wild && stream_one_in(s, 256))
        return entry | (stream_u64(s) & MASK64(physical_bits() - 1, 12));
    if (!leaf)
        return entry | (level == 3 ? (uint64_t)&play_pd : (uint64_t)&play_pt);
    const uint64_t page = SCRATCH + stream_below(s, SCRATCH_SIZE / PAGE_SIZE) * PAGE_SIZE;
    /* Bits in the low part of a large page's address are reserved: sometimes. A page of 1 GiB
     * always has some here, since SCRATCH is not a multiple of that. */
    return entry | (level == 1 || stream_one_in(s, 4) ? page : align_down(page, PAGE_SIZE_2M));
}

static void touch(struct core *c, uint64_t at)
{
    struct stream *s = &c->stream;
    struct snippet run = {.rip = at, .cs = SEL_CODE64U | 3, .ss = SEL_DATA3 | 3, .rflags = 0x202};

    switch (stream_below(s, 4)) {
    case 0:
        (void)*(volatile uint64_t *)at;
        break;
    case 1:
        *(volatile uint32_t *)at = 0xcccccccc;
        break;
    case 2:
        __asm__ volatile("lock addq $1, (%0)" : : "r"(at) : "memory", "cc");
        break;
    default:
        world_alarm(20000);
        c->timed = true;
        run.rsp = at;
        snippet_run(&run);
    }
}

void op_paging(struct core *c)
{
    struct stream *s = &c->stream;
    /* Few indices, so that what is touched often has been made. */
    const uint64_t index[3] = {stream_below(s, 4), stream_below(s, 4), stream_below(s, 4)};

    play_pdpt.entry[index[0]] = make_entry(s, 3);
    play_pd.entry[index[1]] = make_entry(s, 2);
    play_pt.entry[index[2]] = make_entry(s, 1);
    const uint64_t at =
        PLAY_LINEAR | index[0] << 30 | index[1] << 21 | index[2] << 12 | stream_below(s, 0x1000);
    if (stream_one_in(s, 2))
        invlpg(at);
    else
        write_cr3(world_cr3());
    for (uint32_t n = 1 + stream_below(s, 3); n > 0; n--)
        touch(c, at);
}

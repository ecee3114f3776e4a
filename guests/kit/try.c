/* SPDX-License-Identifier: MIT */
/*
 * try: instructions that may fault. The linker collects the pairs (instruction, where to go on) in
 * a table; an exception whose RIP is in it is recorded instead of being fatal.
 */
#include "guests/kit/try.h"

struct fixup {
    uint64_t insn;
    uint64_t resume;
};

extern const struct fixup kit_fixups[], kit_fixups_end[];

static struct fault last;

void try_begin(void)
{
    last = (struct fault){.taken = false};
}

struct fault try_end(void)
{
    return last;
}

bool try_recover(struct trap_frame *frame)
{
    for (const struct fixup *f = kit_fixups; f < kit_fixups_end; f++) {
        if (f->insn != frame->rip)
            continue;
        last = (struct fault){
            .taken = true,
            .vector = (uint8_t)frame->vector,
            .error_code = (uint32_t)frame->error_code,
            .rip = frame->rip,
        };
        frame->rip = f->resume;
        return true;
    }
    return false;
}

struct fault try_rdmsr(uint32_t index, uint64_t *value)
{
    uint32_t lo = 0, hi = 0;

    try_begin();
    __asm__ volatile(TRY_INSN("rdmsr") : "+a"(lo), "+d"(hi) : "c"(index) : "memory");
    *value = (uint64_t)hi << 32 | lo;
    return try_end();
}

struct fault try_wrmsr(uint32_t index, uint64_t value)
{
    try_begin();
    __asm__ volatile(TRY_INSN("wrmsr")
                     :
                     : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    return try_end();
}

struct fault try_xsetbv(uint32_t index, uint64_t value)
{
    try_begin();
    __asm__ volatile(TRY_INSN("xsetbv")
                     :
                     : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    return try_end();
}

struct fault try_write_cr0(uint64_t value)
{
    try_begin();
    __asm__ volatile(TRY_INSN("mov %0, %%cr0") : : "r"(value) : "memory");
    return try_end();
}

struct fault try_write_cr4(uint64_t value)
{
    try_begin();
    __asm__ volatile(TRY_INSN("mov %0, %%cr4") : : "r"(value) : "memory");
    return try_end();
}

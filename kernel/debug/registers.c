/* SPDX-License-Identifier: MIT */
#include "kernel/debug/registers.h"

#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"

#define FLAGS_ARITHMETIC UINT64_C(0x8d5) /* CF, PF, AF, ZF, SF, OF */
#define FLAGS_DF         UINT64_C(0x400)

#define LINEAR_BITS 48

/* In the order of their numbers: those that gdb knows by name, then ours. */
enum registers_kind {
    KIND_GPR,
    KIND_RIP,
    KIND_FLAGS,
    KIND_SELECTOR,
    KIND_BASE,
    KIND_SYSTEM,
    KIND_FPU
};

struct registers_row {
    enum registers_kind kind;
    uint8_t size;  /* bytes */
    uint8_t which; /* of the kind */
};

enum { SYSTEM_CR0, SYSTEM_CR2, SYSTEM_CR3, SYSTEM_CR4, SYSTEM_EFER };

#define GPR(n)               \
    {                        \
        KIND_GPR, 8, REG_##n \
    }
#define SELECTOR(n)               \
    {                             \
        KIND_SELECTOR, 4, SEG_##n \
    }
#define FPU_REGISTER    \
    {                   \
        KIND_FPU, 10, 0 \
    }
#define FPU_CONTROL    \
    {                  \
        KIND_FPU, 4, 0 \
    }

static const struct registers_row registers_rows[] = {
    GPR(RAX),
    GPR(RBX),
    GPR(RCX),
    GPR(RDX),
    GPR(RSI),
    GPR(RDI),
    GPR(RBP),
    GPR(RSP),
    GPR(R8),
    GPR(R9),
    GPR(R10),
    GPR(R11),
    GPR(R12),
    GPR(R13),
    GPR(R14),
    GPR(R15),
    {KIND_RIP, 8, 0},
    {KIND_FLAGS, 4, 0},
    SELECTOR(CS),
    SELECTOR(SS),
    SELECTOR(DS),
    SELECTOR(ES),
    SELECTOR(FS),
    SELECTOR(GS),
    FPU_REGISTER,
    FPU_REGISTER,
    FPU_REGISTER,
    FPU_REGISTER,
    FPU_REGISTER,
    FPU_REGISTER,
    FPU_REGISTER,
    FPU_REGISTER,
    FPU_CONTROL,
    FPU_CONTROL,
    FPU_CONTROL,
    FPU_CONTROL,
    FPU_CONTROL,
    FPU_CONTROL,
    FPU_CONTROL,
    FPU_CONTROL,
    {KIND_BASE, 8, SEG_FS},
    {KIND_BASE, 8, SEG_GS},
    {KIND_SYSTEM, 8, SYSTEM_CR0},
    {KIND_SYSTEM, 8, SYSTEM_CR2},
    {KIND_SYSTEM, 8, SYSTEM_CR3},
    {KIND_SYSTEM, 8, SYSTEM_CR4},
    {KIND_SYSTEM, 8, SYSTEM_EFER},
};

#define REG(name, bits, type) "<reg name=\"" name "\" bitsize=\"" bits "\" type=\"" type "\"/>"
#define REG64(name)           REG(name, "64", "int64")
#define REG32(name)           REG(name, "32", "int32")
#define REG_X87(name)         REG(name, "80", "i387_ext")

const char registers_xml[] =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
    "<architecture>i386:x86-64</architecture><feature name=\"org.gnu.gdb.i386.core\">" REG64(
        "rax") REG64("rbx") REG64("rcx") REG64("rdx") REG64("rsi") REG64("rdi")
        REG("rbp", "64", "data_ptr") REG("rsp", "64", "data_ptr") REG64("r8") REG64("r9") REG64(
            "r10") REG64("r11") REG64("r12") REG64("r13") REG64("r14") REG64("r15") REG("rip", "64",
                                                                                        "code_ptr")
            REG32("eflags") REG32("cs") REG32("ss") REG32("ds") REG32("es") REG32("fs") REG32(
                "gs") REG_X87("st0") REG_X87("st1") REG_X87("st2") REG_X87("st3") REG_X87("st4")
                REG_X87("st5") REG_X87("st6") REG_X87("st7") REG32("fctrl") REG32("fstat") REG32(
                    "ftag") REG32("fiseg") REG32("fioff") REG32("foseg") REG32("fooff")
                    REG32("fop") "</feature><feature name=\"org.gnu.gdb.i386.segments\">" REG64(
                        "fs_base")
                        REG64("gs_base") "</feature><feature name=\"org.bulkhead.system\">" REG64(
                            "cr0") REG64("cr2") REG64("cr3") REG64("cr4")
                            REG64("efer") "</feature></target>";

uint32_t registers_count(void)
{
    return ARRAY_SIZE(registers_rows);
}

uint32_t registers_size(uint32_t number)
{
    return number < ARRAY_SIZE(registers_rows) ? registers_rows[number].size : 0;
}

static uint64_t registers_system(const struct vcpu_state *state, uint8_t which)
{
    const uint64_t values[] = {
        [SYSTEM_CR0] = state->cr0, [SYSTEM_CR2] = state->cr2,   [SYSTEM_CR3] = state->cr3,
        [SYSTEM_CR4] = state->cr4, [SYSTEM_EFER] = state->efer,
    };

    return values[which];
}

bool registers_get(const struct vcpu_state *state, uint32_t number, uint64_t *value)
{
    if (number >= ARRAY_SIZE(registers_rows))
        return false;
    const struct registers_row *row = &registers_rows[number];

    switch (row->kind) {
    case KIND_GPR:
        *value = state->gpr[row->which];
        return true;
    case KIND_RIP:
        *value = state->rip;
        return true;
    case KIND_FLAGS:
        *value = state->rflags;
        return true;
    case KIND_SELECTOR:
        *value = state->segments[row->which].selector;
        return true;
    case KIND_BASE:
        *value = state->segments[row->which].base;
        return true;
    case KIND_SYSTEM:
        *value = registers_system(state, row->which);
        return true;
    case KIND_FPU:
        break;
    }
    return false;
}

/* Where the processor would not enter with another RIP. SDM "Checks on Guest RIP, RFLAGS, and SSP"
 */
static bool registers_rip_ok(const struct vcpu_state *state, uint64_t rip)
{
    const bool is_64bit =
        (state->efer & EFER_LMA) && (state->segments[SEG_CS].attributes & SEGMENT_LONG);
    const uint64_t high = rip >> (LINEAR_BITS - 1);

    return is_64bit ? high == 0 || high == UINT64_MAX >> (LINEAR_BITS - 1) : rip <= UINT32_MAX;
}

bool registers_set(struct vcpu_state *state, uint32_t number, uint64_t value)
{
    const uint64_t flags = FLAGS_ARITHMETIC | FLAGS_DF;
    uint64_t now;

    if (number >= ARRAY_SIZE(registers_rows))
        return false;
    const struct registers_row *row = &registers_rows[number];

    if (row->kind == KIND_GPR) {
        state->gpr[row->which] = value;
        return true;
    }
    if (row->kind == KIND_RIP && registers_rip_ok(state, value)) {
        state->rip = value;
        return true;
    }
    if (row->kind == KIND_FLAGS && ((state->rflags ^ value) & UINT32_MAX & ~flags) == 0) {
        state->rflags = (state->rflags & ~flags) | (value & flags);
        return true;
    }
    return registers_get(state, number, &now) && now == value;
}

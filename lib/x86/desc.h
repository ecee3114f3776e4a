/* SPDX-License-Identifier: MIT */
/*
 * desc: descriptor tables in long mode: GDT, IDT, TSS, and the instructions about them.
 * SDM "Protected-Mode Memory Management", "Interrupt and Exception Handling", "Task Management".
 */
#pragma once

#include "lib/types.h"

struct PACKED table_register {
    uint16_t limit; /* bytes - 1 */
    uint64_t base;
};
_Static_assert(sizeof(struct table_register) == 10, "operand of LGDT and LIDT");

/* "64-Bit TSS Format" */
struct PACKED tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* IST1 is ist[0] */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
};
_Static_assert(sizeof(struct tss) == 104, "SDM, '64-Bit TSS Format'");

/* "64-Bit IDT Gate Descriptors" */
struct idt_gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist; /* 0: the present stack */
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "SDM, '64-Bit IDT Gate Descriptors'");

#define IDT_INTERRUPT_GATE 0x8e /* present, DPL 0, interrupts off */

/* Code and data descriptors of a flat 64-bit kernel. "Segment Descriptors" */
#define GDT_CODE64 UINT64_C(0x00af9b000000ffff)
#define GDT_DATA   UINT64_C(0x00cf93000000ffff)

/* The two halves of an available 64-bit TSS descriptor. "TSS Descriptor in 64-bit Mode" */
static inline uint64_t gdt_tss_low(uint64_t base, uint32_t limit)
{
    return (limit & 0xffff) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
           (uint64_t)(limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
}

static inline uint64_t gdt_tss_high(uint64_t base)
{
    return base >> 32;
}

static inline void load_gdtr(const struct table_register *r)
{
    __asm__ volatile("lgdt %0" : : "m"(*r) : "memory");
}

static inline void load_idtr(const struct table_register *r)
{
    __asm__ volatile("lidt %0" : : "m"(*r) : "memory");
}

static inline void load_tr(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}

static inline struct table_register read_gdtr(void)
{
    struct table_register r;
    __asm__ volatile("sgdt %0" : "=m"(r));
    return r;
}

static inline struct table_register read_idtr(void)
{
    struct table_register r;
    __asm__ volatile("sidt %0" : "=m"(r));
    return r;
}

static inline uint16_t read_tr(void)
{
    uint16_t v;
    __asm__ volatile("str %0" : "=r"(v));
    return v;
}

static inline uint16_t read_cs(void)
{
    uint16_t v;
    __asm__ volatile("mov %%cs, %0" : "=r"(v));
    return v;
}

/* Base of a 16-byte system descriptor. */
static inline uint64_t descriptor_base(const struct table_register *gdtr, uint16_t selector)
{
    const uint64_t *d = (const uint64_t *)(uintptr_t)(gdtr->base + (selector & ~7u));
    return (d[0] >> 16 & 0xffffff) | (d[0] >> 56 & 0xff) << 24 | (d[1] & 0xffffffff) << 32;
}

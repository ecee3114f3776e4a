/* SPDX-License-Identifier: MIT */
/*
 * end_memory: touches memory that is not the guest's: by every kind of access, by its page tables,
 * and at addresses where a PC has devices.
 */
#include "guests/hostile/endings.h"
#include "guests/kit/kit.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define PAGE_TABLE UINT64_C(0x07) /* present, writable, user */
#define PAGE_LARGE UINT64_C(0x87)
#define FAR        (512 * GIB) /* linear: the second slot of the top-level table */

extern volatile uint64_t kit_pml4[512], kit_pdpt[512];

static ALIGNED(4096) volatile uint64_t pdpt[512], pd[512], pt[512];

/* Linear FAR is `physical`'s page. */
static volatile uint8_t *memory_map_far(uint64_t physical)
{
    kit_pml4[1] = (uint64_t)pdpt | PAGE_TABLE;
    pdpt[0] = (uint64_t)pd | PAGE_TABLE;
    pd[0] = (uint64_t)pt | PAGE_TABLE;
    pt[0] = (physical & ~UINT64_C(0xfff)) | PAGE_TABLE;
    write_cr3(read_cr3());
    return (volatile uint8_t *)(FAR + physical % PAGE_SIZE);
}

#define READ(name, type)                        \
    static void name(void)                      \
    {                                           \
        (void)*(volatile type *)(memory_top()); \
    }
#define WRITE(name, type)                     \
    static void name(void)                    \
    {                                         \
        *(volatile type *)(memory_top()) = 1; \
    }
READ(read_1, uint8_t)
READ(read_2, uint16_t)
READ(read_4, uint32_t)
READ(read_8, uint64_t)
WRITE(write_1, uint8_t)
WRITE(write_2, uint16_t)
WRITE(write_4, uint32_t)
WRITE(write_8, uint64_t)

static void read_across(void)
{
    (void)*(volatile uint64_t *)(memory_top() - 1);
}

static void write_across(void)
{
    *(volatile uint64_t *)(memory_top() - 7) = 1;
}

static void locked(void)
{
    __asm__ volatile("lock; incq (%0)" : : "r"(memory_top()) : "memory");
}

static void exec(void)
{
    __asm__ volatile("call *%0" : : "r"(memory_top()) : "memory");
}

/* The last byte is the first of an instruction of five. */
static void exec_across(void)
{
    volatile uint8_t *last = (volatile uint8_t *)(memory_top() - 1);

    *last = 0xb8; /* MOV EAX, imm32 */
    __asm__ volatile("call *%0" : : "r"(last) : "memory");
}

static void movs_across(void)
{
    uint64_t to = memory_top() - 16, from = 0x1000, count = 64;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void movs_from_outside(void)
{
    uint64_t to = 0x1000, from = memory_top() - 16, count = 64;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void fxsave_across(void)
{
    write_cr4(read_cr4() | CR4_OSFXSR); /* with the XMM registers */
    __asm__ volatile("fxsave (%0)" : : "r"(memory_top() - 256) : "memory");
}

static void xsave_across(void)
{
    write_cr4(read_cr4() | CR4_OSXSAVE);
    __asm__ volatile("xsave (%0)" : : "r"(memory_top() - 512), "a"(3), "d"(0) : "memory");
}

static void enter_across(void)
{
    __asm__ volatile("mov %0, %%rsp; mov %%rsp, %%rbp; enter $0x100, $31"
                     :
                     : "r"(memory_top() + 64)
                     : "memory");
}

static void stack_outside(void)
{
    __asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(memory_top() + 64) : "memory");
}

/* ---------------------------------------------------------------- by its page tables */

static void leaf_outside(void)
{
    (void)*memory_map_far(1 * GIB);
}

static void leaf_large(void)
{
    memory_map_far(0);
    pd[0] = 2 * GIB | PAGE_LARGE;
    write_cr3(read_cr3());
    *(volatile uint64_t *)FAR = 1;
}

static void leaf_exec(void)
{
    __asm__ volatile("call *%0" : : "r"(memory_map_far(3 * GIB)) : "memory");
}

static void pml4e_outside(void)
{
    kit_pml4[1] = memory_top() | PAGE_TABLE;
    write_cr3(read_cr3());
    (void)*(volatile uint64_t *)FAR;
}

static void pdpte_outside(void)
{
    memory_map_far(0);
    pdpt[0] = memory_top() | PAGE_TABLE;
    write_cr3(read_cr3());
    (void)*(volatile uint64_t *)FAR;
}

static void pde_outside(void)
{
    memory_map_far(0);
    pd[0] = memory_top() | PAGE_TABLE;
    write_cr3(read_cr3());
    *(volatile uint64_t *)FAR = 1;
}

static void cr3_outside(void)
{
    write_cr3(memory_top());
}

/* ---------------------------------------------------------------- other addresses */

#define TOUCH(name, physical)            \
    static void name(void)               \
    {                                    \
        (void)*memory_map_far(physical); \
    }
TOUCH(lapic, 0xfee00020)
TOUCH(ioapic, 0xfec00000)
TOUCH(hpet, 0xfed000f0)
TOUCH(tpm, 0xfed40000)
TOUCH(ecam, 0xe0000000)
TOUCH(vtd, 0xfed90000)
TOUCH(flash, 0xfffffff0)
TOUCH(scan_32m, 32 * UINT64_C(0x100000))
TOUCH(scan_3g, 3 * GIB)
TOUCH(scan_4g, 4 * GIB)
TOUCH(scan_64g, 64 * GIB)
TOUCH(scan_256g, 256 * GIB)
TOUCH(scan_last, (UINT64_C(1) << (cpuid(0x80000008, 0).eax & 0xff)) - 8)

const struct ending endings_memory[] = {
    {"EP-01", "read-1", read_1},
    {"EP-01", "read-2", read_2},
    {"EP-01", "read-4", read_4},
    {"EP-01", "read-8", read_8},
    {"EP-01", "read-across", read_across},
    {"EP-02", "write-1", write_1},
    {"EP-02", "write-2", write_2},
    {"EP-02", "write-4", write_4},
    {"EP-02", "write-8", write_8},
    {"EP-02", "write-across", write_across},
    {"EP-02", "locked", locked},
    {"EP-03", "exec", exec},
    {"EP-06", "exec-across", exec_across},
    {"EP-07", "movs-across", movs_across},
    {"EP-07", "movs-from-outside", movs_from_outside},
    {"EP-07", "fxsave-across", fxsave_across},
    {"EP-07", "xsave-across", xsave_across},
    {"EP-07", "enter-across", enter_across},
    {"EP-07", "stack-outside", stack_outside},
    {"EP-08", "leaf", leaf_outside},
    {"EP-08", "leaf-large", leaf_large},
    {"EP-08", "leaf-exec", leaf_exec},
    {"EP-09", "pml4e", pml4e_outside},
    {"EP-09", "pdpte", pdpte_outside},
    {"EP-09", "pde", pde_outside},
    {"EP-09", "cr3", cr3_outside},
    {"EP-16", "scan-32m", scan_32m},
    {"EP-16", "scan-3g", scan_3g},
    {"EP-16", "scan-4g", scan_4g},
    {"EP-16", "scan-64g", scan_64g},
    {"EP-16", "scan-256g", scan_256g},
    {"EP-16", "scan-last", scan_last},
    {"EP-18", "lapic", lapic},
    {"EP-18", "ioapic", ioapic},
    {"EP-18", "hpet", hpet},
    {"EP-18", "tpm", tpm},
    {"EP-18", "ecam", ecam},
    {"EP-18", "vtd", vtd},
    {"EP-18", "flash", flash},
    {NULL, NULL, NULL},
};

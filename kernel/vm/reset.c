/* SPDX-License-Identifier: MIT */
#include "kernel/vm/reset.h"

#include "lib/x86/cr.h"
#include "lib/x86/msr.h"

#define LIMIT_4G  0xffffffffu
#define LIMIT_64K 0xffffu

#define FLAT_CODE32 \
    (SEGMENT_CODE_RX_A | SEGMENT_CODE_DATA | SEGMENT_PRESENT | SEGMENT_BIG | SEGMENT_GRANULAR)
#define FLAT_DATA32 \
    (SEGMENT_DATA_RW_A | SEGMENT_CODE_DATA | SEGMENT_PRESENT | SEGMENT_BIG | SEGMENT_GRANULAR)
#define FLAT_CODE64 \
    (SEGMENT_CODE_RX_A | SEGMENT_CODE_DATA | SEGMENT_PRESENT | SEGMENT_LONG | SEGMENT_GRANULAR)
#define REAL_CODE (SEGMENT_CODE_RX_A | SEGMENT_CODE_DATA | SEGMENT_PRESENT)
#define REAL_DATA (SEGMENT_DATA_RW_A | SEGMENT_CODE_DATA | SEGMENT_PRESENT)
#define BUSY_TSS  (SEGMENT_CODE_RX_A | SEGMENT_PRESENT) /* system type 11 */
#define LDT       (SEGMENT_LDT | SEGMENT_PRESENT)

#define TSS_LIMIT 0x67u

static void reset_data_segments(struct vcpu_state *s, uint32_t limit, uint16_t attributes)
{
    static const enum segment data[] = {SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS};

    for (size_t i = 0; i < ARRAY_SIZE(data); i++)
        s->segments[data[i]] = (struct segment_state){.limit = limit, .attributes = attributes};
}

/* "x86/HVM direct boot ABI": CR0.PE and flat segments; all other registers are free. Multiboot's
 * "I386 machine state" differs in EAX only. */
static void reset_pvh32(struct vcpu_state *s, const struct image *image)
{
    s->cr0 = CR0_PE | CR0_ET;
    s->rip = image->entry.v;
    s->gpr[REG_RAX] = image->magic;
    s->gpr[REG_RBX] = image->start_info.v;
    s->segments[SEG_CS] = (struct segment_state){.limit = LIMIT_4G, .attributes = FLAT_CODE32};
    reset_data_segments(s, LIMIT_4G, FLAT_DATA32);
    s->segments[SEG_TR] = (struct segment_state){.limit = TSS_LIMIT, .attributes = BUSY_TSS};
}

/* "The Linux/x86 Boot Protocol", 64-bit boot protocol: long mode on identity-mapped pages, flat
 * segments from a GDT, interrupts off, RSI = boot_params. */
static void reset_linux64(struct vcpu_state *s, const struct image *image)
{
    static const enum segment data[] = {SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS};

    s->cr0 = CR0_PG | CR0_NE | CR0_ET | CR0_PE;
    s->cr3 = image->tables.v;
    s->cr4 = CR4_PAE;
    s->efer = EFER_LME | EFER_LMA;
    s->rip = image->entry.v;
    s->gpr[REG_RSI] = image->start_info.v;
    s->segments[SEG_CS] = (struct segment_state){
        .limit = LIMIT_4G, .attributes = FLAT_CODE64, .selector = LINUX_GDT_CODE * 8};
    reset_data_segments(s, LIMIT_4G, FLAT_DATA32);
    for (size_t i = 0; i < ARRAY_SIZE(data); i++)
        s->segments[data[i]].selector = LINUX_GDT_DATA * 8;
    s->segments[SEG_TR] = (struct segment_state){.limit = TSS_LIMIT, .attributes = BUSY_TSS};
    s->gdtr_base = image->gdt.v;
    s->gdtr_limit = LINUX_GDT_COUNT * 8 - 1;
}

static void reset_real(struct vcpu_state *state, uint64_t base, uint16_t selector)
{
    *state = (struct vcpu_state){
        .rflags = RFLAGS_FIXED,
        .cr0 = CR0_ET,
        .gdtr_limit = LIMIT_64K,
        .idtr_limit = LIMIT_64K,
    };
    state->segments[SEG_CS] = (struct segment_state){
        .base = base, .limit = LIMIT_64K, .selector = selector, .attributes = REAL_CODE};
    reset_data_segments(state, LIMIT_64K, REAL_DATA);
    state->segments[SEG_TR] = (struct segment_state){.limit = LIMIT_64K, .attributes = BUSY_TSS};
    state->segments[SEG_LDTR] = (struct segment_state){.limit = LIMIT_64K, .attributes = LDT};
}

/* As a BIOS leaves the processor for a boot sector, caches on, with the stack below the program. */
static void reset_real16(struct vcpu_state *s, const struct image *image)
{
    reset_real(s, 0, 0);
    s->idtr_limit = FLAT_VECTORS * sizeof(struct flat_vector) - 1;
    s->rip = image->entry.v;
    s->gpr[REG_RSP] = image->entry.v;
}

void reset_for_image(struct vcpu_state *state, const struct image *image)
{
    *state = (struct vcpu_state){.rflags = RFLAGS_FIXED};
    switch (image->mode) {
    case IMAGE_ENTER_PVH32:
    case IMAGE_ENTER_MULTIBOOT32:
        reset_pvh32(state, image);
        break;
    case IMAGE_ENTER_LINUX64:
        reset_linux64(state, image);
        break;
    case IMAGE_ENTER_REAL16:
        reset_real16(state, image);
        break;
    }
}

void reset_for_sipi(struct vcpu_state *state, uint8_t vector)
{
    reset_real(state, (uint64_t)vector << 12, (uint16_t)(vector << 8));
    state->cr0 |= CR0_CD | CR0_NW;
}

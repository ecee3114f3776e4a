/* SPDX-License-Identifier: MIT */
/*
 * efi_paging: the firmware of efi_machine.h with memory protection, and with 5-level paging.
 */
#pragma once

#include "efi_machine.h"
#include "lib/x86/cr.h"

/* ---------------------------------------------------------------------- page permissions */

static inline uint64_t *efi_attributes(uint64_t base, uint64_t size)
{
    assert_true(base >= ARENA_BASE && is_aligned(base | size, PAGE_SIZE) && size > 0);
    assert_true(size <= ARENA_PAGES * PAGE_SIZE - (base - ARENA_BASE));
    return &efi.attributes[(base - ARENA_BASE) / PAGE_SIZE];
}

static inline EFI_STATUS EFIAPI efi_attributes_get(struct attributes_protocol *p,
                                                   EFI_PHYSICAL_ADDRESS base, UINT64 size,
                                                   UINT64 *attributes)
{
    const uint64_t *at = efi_attributes(base, size);

    (void)p;
    if (efi_fails(CALL_ATTRIBUTES_GET))
        return efi.fault;
    for (uint64_t i = 1; i < size / PAGE_SIZE; i++)
        if (at[i] != at[0])
            return EFI_NO_MAPPING;
    *attributes = at[0];
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_attributes_set(struct attributes_protocol *p,
                                                   EFI_PHYSICAL_ADDRESS base, UINT64 size,
                                                   UINT64 attributes)
{
    uint64_t *at = efi_attributes(base, size);

    (void)p;
    if (efi_fails(CALL_ATTRIBUTES_SET))
        return efi.fault;
    for (uint64_t i = 0; i < size / PAGE_SIZE; i++)
        at[i] |= attributes;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_attributes_clear(struct attributes_protocol *p,
                                                     EFI_PHYSICAL_ADDRESS base, UINT64 size,
                                                     UINT64 attributes)
{
    uint64_t *at = efi_attributes(base, size);

    (void)p;
    if (efi_fails(CALL_ATTRIBUTES_CLEAR))
        return efi.fault;
    for (uint64_t i = 0; i < size / PAGE_SIZE; i++) {
        at[i] &= ~attributes;
        if (!efi.injected) /* never both */
            assert_true((at[i] & (EFI_MEMORY_XP | ATTRIBUTES_RO)) != 0);
    }
    return EFI_SUCCESS;
}

static struct attributes_protocol efi_attributes_protocol = {
    .get = efi_attributes_get, .set = efi_attributes_set, .clear = efi_attributes_clear};

/* ---------------------------------------------------------------------- five levels */

/* levels.asm's copy is looked at, not run. */
const uint8_t levels_code[] = {0xfa, 0xfc, 1, 2, 3, 4, 5, 6};
const uint32_t levels_size = sizeof(levels_code);

static uint64_t efi_pml4[512] ALIGNED(PAGE_SIZE);
static uint64_t efi_pml5[512] ALIGNED(PAGE_SIZE);

uint64_t read_cr3(void)
{
    efi_pml4[0] = 0x1234023;
    efi_pml4[511] = 0x5678023;
    efi_pml5[0] = (uint64_t)efi_pml4 | 0x23;
    return (uint64_t)efi_pml5 | 0x18;
}

uint64_t read_cr4(void)
{
    return CR4_PAE | (efi.levels ? CR4_LA57 : 0);
}

void handoff_levels(uint64_t entry, const struct boot_info *info, uint64_t root, uint64_t stack,
                    uint64_t code)
{
    assert_true(efi.levels);
    assert_true(root < 4 * GIB && code < 4 * GIB && stack <= 4 * GIB);
    assert_true(is_aligned(root | code, PAGE_SIZE) && stack >= root + 2 * PAGE_SIZE);
    assert_memory_equal((void *)root, efi_pml4, PAGE_SIZE);
    memset((void *)(root + PAGE_SIZE), 0, stack - root - PAGE_SIZE); /* its own */
    assert_memory_equal((void *)code, levels_code, sizeof(levels_code));
    efi.code = code;
    efi.entry = entry;
    efi.info = info;
    longjmp(efi.end, END_JUMP);
}

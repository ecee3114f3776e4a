/* SPDX-License-Identifier: MIT */
/*
 * host: the registers of paging and the window. What the tables contain is mm/hostmap.c's.
 */
#include "mm/host.h"

#include <stdatomic.h>

#include "lib/bits.h"
#include "lib/log.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

/* SDM "CPUID—CPU Identification". */
#define CPUID_FEATURES         1
#define CPUID_FEATURES_EDX_MCE BIT32(7)
#define CPUID_FEATURES_EDX_PAT BIT32(16)
#define CPUID_STRUCTURED       7
#define CPUID_7_EBX_SMEP       BIT32(7)
#define CPUID_7_EBX_SMAP       BIT32(20)
#define CPUID_7_ECX_UMIP       BIT32(2)
#define CPUID_EXTENDED         0x80000001
#define CPUID_EXTENDED_EDX_NX  BIT32(20)

/* Caches on, the FPU neither emulated nor trapped, read-only pages read-only for us too. */
#define HOST_CR0 (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG)

static bool host_has_xd(void)
{
    return (cpuid_leaf(CPUID_EXTENDED, 0).edx & CPUID_EXTENDED_EDX_NX) != 0;
}

/* Firmware may have hidden execute-disable. The other cores: trampoline.asm. */
static void host_allow_xd(void)
{
    if (!host_has_xd() && cpuid_is_intel())
        wrmsr(MSR_MISC_ENABLE, rdmsr(MSR_MISC_ENABLE) & ~MISC_ENABLE_XD_DISABLE);
}

bool host_paging_ok(void)
{
    bool ok = true;

    host_allow_xd();
    if ((read_cr4() & CR4_LA57) != 0) {
        log_line("entered with 5-level paging, which the loader turns off: bulkhead.elf and "
                 "BOOTX64.EFI are of different builds");
        ok = false;
    }
    if ((cpuid(CPUID_FEATURES, 0).edx & CPUID_FEATURES_EDX_PAT) == 0) {
        log_line("this CPU has no page attribute table (PAT)");
        ok = false;
    }
    if (!host_has_xd()) {
        log_line("this CPU has no execute-disable (XD, NX)");
        ok = false;
    }
    return ok;
}

void host_flush_tlb(void)
{
    write_cr3(read_cr3());
}

enum status host_make_constant(struct host_map *map, const struct range *what, uint32_t count)
{
    enum status s = OK;

    write_cr0(read_cr0() & ~CR0_WP);
    for (uint32_t i = 0; i < count && s == OK; i++)
        s = host_map_make_constant(map, what[i]);
    write_cr0(read_cr0() | CR0_WP);
    host_flush_tlb();
    return s;
}

enum status host_core_create(struct host_core *core, struct host_map *map, struct pages *pages)
{
    enum status s = host_core_build(core, map, pages);

    host_flush_tlb();
    return s;
}

/* What the CPU has to keep supervisor code from being led to user pages, of which we have none. */
static uint64_t host_cr4_guards(void)
{
    const struct cpuid_regs r = cpuid_leaf(CPUID_STRUCTURED, 0);

    return ((r.ebx & CPUID_7_EBX_SMEP) != 0 ? CR4_SMEP : 0) |
           ((r.ebx & CPUID_7_EBX_SMAP) != 0 ? CR4_SMAP : 0) |
           ((r.ecx & CPUID_7_ECX_UMIP) != 0 ? CR4_UMIP : 0);
}

/*
 * Only what is named is on, whatever the firmware used: our tables have no global pages, no
 * protection keys and one address space per core, and are in the lower half, which LASS would
 * forbid. With PGE off, a CR3 load flushes everything. A machine check with MCE clear would reset
 * the machine without a word.
 */
static uint64_t host_cr4(void)
{
    return CR4_PAE | ((cpuid(CPUID_FEATURES, 0).edx & CPUID_FEATURES_EDX_MCE) != 0 ? CR4_MCE : 0);
}

/*
 * The order counts. CET goes off first, since it forbids nothing then; PGE with it, which also
 * drops the firmware's global entries. NXE comes before the tables, in which XD would otherwise be
 * a reserved bit. PAT comes before them too: none of the firmware's mappings may live on under its
 * new entry 1, and the CR3 load that follows ends them; the WBINVD writes back what they cached
 * (SDM "Programming the PAT"). SMEP and SMAP come after the tables, because the firmware may have
 * us on user pages. WP comes last, likewise.
 */
void host_core_enter(const struct host_core *core)
{
    const uint64_t cr4 = host_cr4();

    write_cr4(cr4);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    wrmsr(MSR_PAT, HOST_PAT);
    wbinvd();
    write_cr3(core->root.v);
    write_cr4(cr4 | host_cr4_guards());
    write_cr0(HOST_CR0);
}

/*
 * Accesses through the old entry must be over before it changes; the CPU keeps that order by
 * itself, the compiler only when told. INVLPG orders those that follow.
 */
static void host_window_set(const struct host_core *core, uint64_t entry)
{
    atomic_signal_fence(memory_order_seq_cst);
    *core->window_entry = entry;
    invlpg(HOST_WINDOW);
}

/*
 * The entry is compared as a whole: it was written with accessed and dirty set, so the CPU does not
 * change it. An entry that stays as it is has no stale translation.
 */
void *host_window(const struct host_core *core, hpa_t address)
{
    hpa_t base = hpa(align_down(address.v, HOST_WINDOW_SIZE));
    uint64_t entry = host_leaf(base, 2, PT_R | PT_W, PT_WRITE_BACK);

    if (*core->window_entry != entry)
        host_window_set(core, entry);
    return (void *)(uintptr_t)(HOST_WINDOW + (address.v - base.v));
}

void host_window_close(const struct host_core *core)
{
    host_window_set(core, 0);
}

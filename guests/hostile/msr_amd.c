/* SPDX-License-Identifier: MIT */
/*
 * msr_amd: the MSRs that only an AMD processor has, and EFER, where a guest must neither see nor
 * touch SVM.
 */
#include "guests/hostile/hostile.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

/* What an OS reads on every AMD processor: a value that is always the same, and writes that change
 * nothing, or #GP. */
static const struct {
    const char *id;
    uint32_t index;
    bool takes_writes;
    uint64_t value;
} kept[] = {
    {"amd-patch-level", MSR_UCODE_REV, true, 1},
    {"amd-syscfg", MSR_SYSCFG, true, 0},
    {"amd-hwcr", MSR_HWCR, true, BIT64(24)}, /* TscFreqSel */
    {"amd-top-of-memory", MSR_TOP_MEM, false, 0},
    {"amd-top-of-memory-2", MSR_TOP_MEM2, false, 0},
    {"amd-north-bridge", MSR_NB_CFG, true, BIT64(46)},
    {"amd-lfence", MSR_DE_CFG, true, BIT64(1)},
};

static void msr_amd_kept(void)
{
    static const uint64_t values[] = {0, 1, ~UINT64_C(0), BIT64(63), 0x5555555555555555};

    row("X-01");
    for (uint32_t i = 0; i < ARRAY_SIZE(kept); i++) {
        uint64_t value = 0;
        bool ok = !try_rdmsr(kept[i].index, &value).taken && value == kept[i].value;
        for (uint32_t v = 0; v < ARRAY_SIZE(values) && ok; v++) {
            const struct fault f = try_wrmsr(kept[i].index, values[v]);
            ok = (kept[i].takes_writes ? !f.taken : fault_is(f, VECTOR_GP)) &&
                 rdmsr(kept[i].index) == kept[i].value;
        }
        check(kept[i].id, ok, "MSR 0x%x reads 0x%lx", kept[i].index, rdmsr(kept[i].index));
    }
}

/* EFER: SVME is not there, alone or with bits that are; what follows still has SVM on. */
static void msr_amd_efer(void)
{
    const uint64_t efer = rdmsr(MSR_EFER);

    row("X-02");
    check_equal("amd-efer-svme-unseen", efer & EFER_SVME, 0);
    check_fault("amd-efer-svme", try_wrmsr(MSR_EFER, efer | EFER_SVME), VECTOR_GP);
    check_fault("amd-efer-svme-with-sce", try_wrmsr(MSR_EFER, (efer ^ EFER_SCE) | EFER_SVME),
                VECTOR_GP);
    check_equal("amd-efer-kept", rdmsr(MSR_EFER), efer);
    check_no_fault("amd-efer-sce", try_wrmsr(MSR_EFER, efer ^ EFER_SCE));
    check_equal("amd-efer-sce-done", rdmsr(MSR_EFER), efer ^ EFER_SCE);
    cpuid(0, 0);
    check_no_fault("amd-efer-back", try_wrmsr(MSR_EFER, efer));
    check_equal("amd-efer-as-before", rdmsr(MSR_EFER), efer);
}

void hostile_msr_amd(void)
{
    msr_amd_kept();
    msr_amd_efer();
}

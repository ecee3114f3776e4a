/* SPDX-License-Identifier: MIT */
#include "vmx/spec.h"

#include "lib/bits.h"
#include "lib/fmt.h"

/* struct spec_cpu.features */
#define FEATURE_MD_CLEAR  BIT32(10)
#define FEATURE_IBRS_IBPB BIT32(26)
#define FEATURE_L1D_FLUSH BIT32(28)
#define FEATURE_ARCH_CAPS BIT32(29)

/* struct spec_cpu.controls */
#define CONTROL_RRSBA BIT32(2)
#define CONTROL_BHI   BIT32(4)

/* struct spec_cpu.arch_caps */
#define CAP_RDCL_NO      BIT64(0)
#define CAP_IBRS_ALL     BIT64(1)
#define CAP_SKIP_L1DFL   BIT64(3)
#define CAP_MDS_NO       BIT64(5)
#define CAP_PSCHANGE_NO  BIT64(6) /* PSCHANGE_MC_NO */
#define CAP_TSX_CTRL     BIT64(7)
#define CAP_TAA_NO       BIT64(8)
#define CAP_SBDR_SSDP_NO BIT64(13)
#define CAP_FBSDP_NO     BIT64(14)
#define CAP_PSDP_NO      BIT64(15)
#define CAP_FB_CLEAR     BIT64(17)
#define CAP_RRSBA        BIT64(19)
#define CAP_PBRSB_NO     BIT64(24)
#define CAP_RFDS_CLEAR   BIT64(28)

/* IA32_SPEC_CTRL */
#define SPEC_CTRL_IBRS      BIT64(0)
#define SPEC_CTRL_RRSBA_DIS BIT64(6)
#define SPEC_CTRL_BHI_DIS   BIT64(10)

/* A processor from before these bits, or with microcode from before them. */
static bool spec_says_nothing(const struct spec_cpu *cpu)
{
    return !(cpu->features & (FEATURE_IBRS_IBPB | FEATURE_ARCH_CAPS));
}

static bool spec_needs_verw(const struct spec_cpu *cpu)
{
    const uint64_t mmio_no = CAP_SBDR_SSDP_NO | CAP_FBSDP_NO | CAP_PSDP_NO;
    const uint64_t caps = cpu->arch_caps;
    const bool clears = (cpu->features & FEATURE_MD_CLEAR) || (caps & CAP_FB_CLEAR);

    if (caps & CAP_RFDS_CLEAR)
        return true;
    return clears && (!(caps & CAP_MDS_NO) || (cpu->has_tsx && !(caps & CAP_TAA_NO)) ||
                      ((caps & CAP_FB_CLEAR) && (caps & mmio_no) != mmio_no));
}

/* What stays on for good costs nothing at an exit: all there is of it. */
static uint64_t spec_ctrl_value(const struct spec_cpu *cpu)
{
    uint64_t value = 0;

    if (cpu->arch_caps & CAP_IBRS_ALL)
        value |= SPEC_CTRL_IBRS;
    if ((cpu->arch_caps & CAP_RRSBA) && (cpu->controls & CONTROL_RRSBA))
        value |= SPEC_CTRL_RRSBA_DIS;
    if (cpu->controls & CONTROL_BHI)
        value |= SPEC_CTRL_BHI_DIS;
    return value;
}

struct spec_plan spec_choose(const struct spec_cpu *cpu)
{
    const uint64_t caps = cpu->arch_caps;
    struct spec_plan plan = {.small_leaves = !(caps & CAP_PSCHANGE_NO),
                             .stops_tsx = caps & CAP_TSX_CTRL};

    if (spec_says_nothing(cpu))
        return plan;
    plan.barrier = plan.has_spec_ctrl = cpu->features & FEATURE_IBRS_IBPB;
    if (plan.has_spec_ctrl)
        plan.spec_ctrl = spec_ctrl_value(cpu);
    if (!(caps & CAP_IBRS_ALL))
        plan.at_exit = SPEC_EXIT_FILL;
    else if (!(caps & CAP_PBRSB_NO))
        plan.at_exit = SPEC_EXIT_ONE;
    if (spec_needs_verw(cpu))
        plan.at_entry |= SPEC_ENTRY_VERW;
    if ((cpu->features & FEATURE_L1D_FLUSH) && !(caps & (CAP_RDCL_NO | CAP_SKIP_L1DFL)))
        plan.at_entry |= SPEC_ENTRY_L1D;
    return plan;
}

bool spec_same(const struct spec_plan *a, const struct spec_plan *b)
{
    return a->spec_ctrl == b->spec_ctrl && a->has_spec_ctrl == b->has_spec_ctrl &&
           a->barrier == b->barrier && a->at_exit == b->at_exit && a->at_entry == b->at_entry &&
           a->small_leaves == b->small_leaves && a->stops_tsx == b->stops_tsx;
}

void spec_print(const struct spec_cpu *cpu, const struct spec_plan *plan, char *buf, size_t size)
{
    static const char *const exits[] = {"nothing", "one call", "the return stack filled"};

    if (spec_says_nothing(cpu)) {
        fmt_print(buf, size, "speculation: CPU reports no mitigation controls; none applied");
        return;
    }
    fmt_print(
        buf, size, "speculation: always%s%s%s%s; at exits %s; at entries%s%s%s",
        plan->spec_ctrl & SPEC_CTRL_IBRS ? " IBRS" : "",
        plan->spec_ctrl & SPEC_CTRL_RRSBA_DIS ? " RRSBA_DIS_S" : "",
        plan->spec_ctrl & SPEC_CTRL_BHI_DIS ? " BHI_DIS_S" : "", plan->spec_ctrl ? "" : " nothing",
        exits[plan->at_exit], plan->at_entry & SPEC_ENTRY_VERW ? " VERW" : "",
        plan->at_entry & SPEC_ENTRY_L1D ? " L1D flush" : "", plan->at_entry ? "" : " nothing");
}

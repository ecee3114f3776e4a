/* SPDX-License-Identifier: MIT */
#include "svm/spec.h"

#include "lib/bits.h"
#include "lib/fmt.h"

/* struct svm_spec_cpu.features */
#define FEATURE_IBPB        BIT32(12)
#define FEATURE_IBRS        BIT32(14)
#define FEATURE_STIBP       BIT32(15)
#define FEATURE_IBRS_ALWAYS BIT32(16)
#define FEATURE_BTC_NO      BIT32(29)

/* struct svm_spec_cpu.features_2 */
#define FEATURE_2_VERW_CLEAR     BIT32(5)
#define FEATURE_2_AUTOMATIC_IBRS BIT32(8)
#define FEATURE_2_SRSO_NO        BIT32(29)

/* struct svm_spec_cpu.features_2c */
#define FEATURE_2C_TSA_SQ_NO BIT32(1)
#define FEATURE_2C_TSA_L1_NO BIT32(2)

#define SPEC_CTRL_STIBP BIT64(1)

#define FAMILY_ZEN12  0x17 /* with Hygon's 0x18 */
#define FAMILY_ZEN34  0x19
#define FAMILY_BEFORE 0x16

/* Branch type confusion (Zen 1 and 2) and return stack overflow (Zen 1 to 4). A processor that says
 * it has neither is believed. */
static bool svm_forgets_at_exit(const struct svm_spec_cpu *cpu)
{
    if (cpu->family <= FAMILY_BEFORE || cpu->family > FAMILY_ZEN34)
        return false;
    if (cpu->family < FAMILY_ZEN34 && !(cpu->features & FEATURE_BTC_NO))
        return true;
    return !(cpu->features_2 & FEATURE_2_SRSO_NO);
}

struct svm_spec_plan svm_spec_choose(const struct svm_spec_cpu *cpu)
{
    const uint32_t tsa_no = FEATURE_2C_TSA_SQ_NO | FEATURE_2C_TSA_L1_NO;
    struct svm_spec_plan plan = {0};

    if (!(cpu->features & (FEATURE_IBPB | FEATURE_IBRS | FEATURE_STIBP)))
        return plan; /* from before these bits, or with microcode from before them */
    plan.barrier = cpu->features & FEATURE_IBPB;
    plan.has_spec_ctrl = cpu->features & (FEATURE_IBRS | FEATURE_STIBP);
    if (cpu->features & FEATURE_STIBP) /* a sibling thread may be another guest's */
        plan.spec_ctrl |= SPEC_CTRL_STIBP;
    plan.automatic_ibrs = cpu->features_2 & FEATURE_2_AUTOMATIC_IBRS;
    plan.clears_buffers =
        (cpu->features_2 & FEATURE_2_VERW_CLEAR) && (cpu->features_2c & tsa_no) != tsa_no;
    if (plan.barrier && svm_forgets_at_exit(cpu))
        plan.at_exit = AT_EXIT_BARRIER;
    else if (!plan.automatic_ibrs)
        plan.at_exit = AT_EXIT_FILL;
    return plan;
}

bool svm_spec_same(const struct svm_spec_plan *a, const struct svm_spec_plan *b)
{
    return a->spec_ctrl == b->spec_ctrl && a->has_spec_ctrl == b->has_spec_ctrl &&
           a->barrier == b->barrier && a->automatic_ibrs == b->automatic_ibrs &&
           a->clears_buffers == b->clears_buffers && a->at_exit == b->at_exit;
}

void svm_spec_print(const struct svm_spec_plan *plan, char *buf, size_t size)
{
    static const char *const exits[] = {"nothing", "the return stack filled",
                                        "a branch-prediction barrier"};

    if (!plan->barrier && !plan->has_spec_ctrl) {
        fmt_print(buf, size, "speculation: CPU reports no mitigation controls; none applied");
        return;
    }
    fmt_print(buf, size, "speculation: always%s%s%s; at exits %s; at entries%s",
              plan->spec_ctrl & SPEC_CTRL_STIBP ? " STIBP" : "",
              plan->automatic_ibrs ? " automatic IBRS" : "",
              plan->spec_ctrl || plan->automatic_ibrs ? "" : " nothing", exits[plan->at_exit],
              plan->clears_buffers ? " VERW" : " nothing");
}

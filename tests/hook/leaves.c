/* SPDX-License-Identifier: MIT */
/*
 * leaves: a test build's hook (make HOOK=leaves). A processor whose guests may change the size of a
 * page of code under themselves, which no model of Bochs says of itself: EPT has large leaves.
 */
#include "vmx/spec.h"

struct spec_plan __real_spec_choose(const struct spec_cpu *cpu);
struct spec_plan __wrap_spec_choose(const struct spec_cpu *cpu);

struct spec_plan __wrap_spec_choose(const struct spec_cpu *cpu)
{
    struct spec_plan plan = __real_spec_choose(cpu);

    plan.small_leaves = false;
    return plan;
}

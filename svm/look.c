/* SPDX-License-Identifier: MIT */
/*
 * look: copies a VMCB on its core, and shows elsewhere what was copied: the monitor's `vmcb`.
 */
#include "svm/look_fields.h"

#include "lib/string.h"
#include "svm/audit.h"
#include "svm/svm.h"

void svm_look(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;

    hw->look.vmcb = hw->vmcb;
    hw->look.is_lost = hw->is_lost;
}

const char *svm_look_name(void)
{
    return "vmcb";
}

bool svm_look_show(struct vcpu *v, const char *part, log_sink sink)
{
    static const bool is_absent[SVM_LOOK_FIELDS]; /* every VMCB has all */
    struct svm_look_values *values = &((struct svm_vcpu *)v->hw)->look;
    uint64_t now[SVM_LOOK_FIELDS];
    const struct look look = {.fields = svm_look_fields,
                              .count = SVM_LOOK_FIELDS,
                              .parts = svm_look_parts,
                              .titles = svm_look_titles,
                              .part_count = LOOK_PARTS,
                              .now = now,
                              .shown = values->shown,
                              .is_absent = is_absent,
                              .context = &values->vmcb};
    uint32_t which;

    for (uint32_t i = 0; i < SVM_LOOK_FIELDS; i++)
        now[i] = svm_look_value(&values->vmcb, &svm_look_fields[i]);
    if (!values->was_shown) /* nothing has changed since */
        memcpy(values->shown, now, sizeof(now));
    values->was_shown = true;
    if (values->is_lost)
        sink("an emulator that refused the entry wrote the hypervisor's state over the guest's:");
    if (!part[0])
        look_show_changes(&look, sink);
    else if (text_equal(part, "audit"))
        svm_explain_audit(&values->vmcb, sink);
    else if (look_part(&look, part, &which))
        look_show(&look, which, sink);
    else
        return false;
    return true;
}

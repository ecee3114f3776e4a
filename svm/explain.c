/* SPDX-License-Identifier: MIT */
/*
 * explain: words for what the hardware refused; audit.c knows the rules. APM "VMRUN Instruction",
 * "Canonicalization and Consistency Checks".
 */
#include "lib/fmt.h"
#include "svm/svm.h"

void svm_explain(struct vcpu *v, const struct vcpu_exit *x, char *buf, size_t size)
{
    (void)v;
    (void)x;
    fmt_print(buf, size, "the guest's state breaks a rule");
}

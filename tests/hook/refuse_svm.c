/* SPDX-License-Identifier: MIT */
/*
 * refuse_svm: the same on an AMD processor. An emulator keeps of a VMCB that it refuses the control
 * area only.
 */
#include "lib/bits.h"
#include "svm/svm.h"

void svm_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;
    static uint32_t lives;

    (void)state;
    switch (lives++) {
    case 0:
        vmcb->asid = 0;
        break;
    case 1:
        vmcb->intercept_2 &= ~INTERCEPT2_VMRUN;
        break;
    case 2:
        vmcb->cr4 |= BIT64(40);
        break;
    default:
        break;
    }
}

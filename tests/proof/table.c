/* SPDX-License-Identifier: MIT */
/*
 * table: what the proof of vdev/vmsr.c requires of a policy, shown for vdev/msr_intel.c and
 * msr_amd.c: Eva runs this whole and has to find every assertion true and no alarm.
 */
#include "vdev/vmsr.h"

#include "lib/x86/msr.h"
#include "vdev/vendor.h"
#include "vmx/bits.h"

static void table_check(const struct msr_policy *policy)
{
    uint32_t apics = 0;

    //@ loop unroll 128;
    for (uint32_t i = 0; i < policy->count; i++) {
        const struct msr_row *row = &policy->rows[i];
        const bool x2apic = row->last >= MSR_X2APIC_FIRST && row->first <= MSR_X2APIC_LAST;

        //@ assert row->first <= row->last;
        //@ assert i == 0 || policy->rows[i - 1].last < row->first;
        /* What vmsr.c answers without a look at the rows is emulated: apic_opens. */
        if (row->read == MSR_EMULATE && row->write == MSR_EMULATE) {
            apics |= row->first == MSR_APIC_BASE && row->last == MSR_APIC_BASE ? 1 : 0;
            apics |= row->first == MSR_X2APIC_SVR && row->last == MSR_X2APIC_SVR ? 2 : 0;
            apics |= row->first == MSR_X2APIC_ICR && row->last == MSR_X2APIC_ICR ? 4 : 0;
            apics |=
                row->first == MSR_X2APIC_LVT_TIMER && row->last == MSR_X2APIC_LVT_ERROR ? 8 : 0;
        }
        /* What reaches beyond the core is never written directly. */
        if (x2apic && row->write == MSR_DIRECT) {
            //@ assert row->last < MSR_X2APIC_SVR || row->first > MSR_X2APIC_SVR;
            //@ assert row->last < MSR_X2APIC_ICR || row->first > MSR_X2APIC_ICR;
            //@ assert row->last < MSR_X2APIC_LVT_CMCI || row->first > MSR_X2APIC_LVT_CMCI;
            //@ assert row->last < MSR_X2APIC_LVT_TIMER || row->first > MSR_X2APIC_LVT_ERROR;
        }
        /* No write of the clock, of VMX, of microcode or of what powers the core. */
        if (row->write == MSR_DIRECT) {
            //@ assert row->last < MSR_TSC || row->first > MSR_TSC;
            //@ assert row->last < MSR_APIC_BASE || row->first > MSR_TSC_ADJUST;
            //@ assert row->last < MSR_MISC_ENABLE || row->first > MSR_DEBUGCTL;
            //@ assert row->last < MSR_VMX_BASIC || row->first > MSR_VMX_TRUE_ENTRY_CTLS;
            //@ assert row->last < MSR_XSS || row->first > MSR_XSS;
            //@ assert row->last < MSR_SYSCFG;
        }
    }
    //@ assert apics == 15;
}

int main(void)
{
    table_check(&msr_intel);
    table_check(&msr_amd);
    return 0;
}

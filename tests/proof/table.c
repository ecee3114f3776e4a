/* SPDX-License-Identifier: MIT */
/*
 * table: what the proof of vdev/vmsr.c requires of its table, shown for the table as it is: Eva
 * runs this whole and has to find every assertion true and no alarm.
 */
#include "vdev/vmsr.h"

#include "lib/x86/msr.h"
#include "vmx/bits.h"

int main(void)
{
    bool icr_opens = false;

    //@ loop unroll 128;
    for (uint32_t i = 0; i < vmsr_row_count; i++) {
        const struct msr_row *row = &vmsr_rows[i];
        const bool x2apic = row->last >= MSR_X2APIC_FIRST && row->first <= MSR_X2APIC_LAST;

        //@ assert row->first <= row->last;
        //@ assert i == 0 || vmsr_rows[i - 1].last < row->first;
        if (row->first <= MSR_X2APIC_ICR && MSR_X2APIC_ICR <= row->last)
            icr_opens = row->write == MSR_EMULATE;
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
        }
    }
    //@ assert icr_opens == 1;
    return 0;
}

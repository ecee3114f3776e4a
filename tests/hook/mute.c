/* SPDX-License-Identifier: MIT */
/*
 * mute: a test build's hook (make HOOK=mute). From the first reset of a vCPU on the console goes
 * nowhere, as on a machine without a serial port and a screen; from the third on it goes to the
 * serial port again, for a guest to tell what it has measured.
 */
#include <stdatomic.h>

#include "kernel/console/console.h"
#include "lib/log.h"
#include "vmx/vmx.h"

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    static _Atomic uint32_t resets;
    const uint32_t count = atomic_fetch_add(&resets, 1) + 1;

    (void)v;
    (void)state;
    if (count == 1) {
        log_line("the console is off");
        console_select(false, false);
    }
    if (count == 3) {
        console_select(true, false);
        log_line("the console is on again");
    }
}

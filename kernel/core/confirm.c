/* SPDX-License-Identifier: MIT */
#include "kernel/core/confirm.h"

#include <stdatomic.h>

#include "kernel/config/next.h"
#include "kernel/core/cores.h"
#include "kernel/core/runtime.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

#define WAIT_TICKS \
    BIT64(34) /* some seconds: the firmware may be erasing a block of its flash memory */

enum confirm_state {
    CONFIRM_NOT_ASKED,
    CONFIRM_ASKED,
    CONFIRM_ENDING, /* and the machine waits for it */
    CONFIRM_STORED,
};

static SEALED bool confirm_tried;
static SEALED const char *confirm_cannot;
static SEALED struct next_record confirm_record;
static _Atomic uint32_t confirm_state; /* enum confirm_state */

void confirm_init(uint64_t id, const char *cannot)
{
    confirm_tried = true;
    confirm_cannot = cannot;
    confirm_record = next_record_of(id);
}

bool confirm_is_tried(const char **cannot)
{
    *cannot = confirm_cannot;
    return confirm_tried;
}

bool confirm_is_stored(void)
{
    return atomic_load(&confirm_state) == CONFIRM_STORED;
}

bool confirm_is_wanted(void)
{
    return confirm_tried && confirm_cannot == NULL &&
           atomic_load(&confirm_state) == CONFIRM_NOT_ASKED;
}

void confirm_ask(const char *by)
{
    uint32_t not_asked = CONFIRM_NOT_ASKED;

    if (!confirm_is_wanted() ||
        !atomic_compare_exchange_strong(&confirm_state, &not_asked, CONFIRM_ASKED))
        return;
    log_line(
        NEXT_FOLDER " is confirmed by %s%s", by,
        cpus[0]->vcpu == NULL
            ? ""
            : "; no core is kept for the monitor, so this is stored when all guests have ended");
}

/* After a failure it can be asked for again. */
static void confirm_store(void)
{
    const uint64_t status = runtime_set_variable(next_confirmed_name, next_guid, NEXT_ATTRIBUTES,
                                                 sizeof(confirm_record), &confirm_record);
    const char *words = runtime_words(status);

    atomic_store(&confirm_state, status == 0 ? CONFIRM_STORED : CONFIRM_NOT_ASKED);
    if (status == 0)
        log_line(NEXT_FOLDER " is taken from now on: the firmware has stored the confirmation");
    else if (words != NULL)
        log_line(NEXT_FOLDER " stays unconfirmed: SetVariable failed: %s", words);
    else
        log_line(NEXT_FOLDER " stays unconfirmed: SetVariable failed: EFI error 0x%llx",
                 (unsigned long long)status);
}

void confirm_look(bool is_free)
{
    const uint32_t state = atomic_load(&confirm_state);

    if (state == CONFIRM_ENDING || (state == CONFIRM_ASKED && is_free))
        confirm_store();
}

void confirm_before_end(void)
{
    const uint64_t begin = rdtsc();
    uint32_t asked = CONFIRM_ASKED;

    if (!atomic_compare_exchange_strong(&confirm_state, &asked, CONFIRM_ENDING))
        return;
    if (this_cpu() == cpus[0]) {
        confirm_look(true);
        return;
    }
    cores_kick(cpus[0]);
    while (atomic_load(&confirm_state) == CONFIRM_ENDING &&
           ticks_since(rdtsc(), begin) < WAIT_TICKS)
        cpu_pause();
}

/* SPDX-License-Identifier: MIT */
#include "kernel/plan/takers.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define UNNAMED_ROOM 20 /* for ", more for N others" */

void takers_add(struct takers *takers, const char *amount, const char *name)
{
    char entry[64];
    size_t len = fmt_print(entry, sizeof(entry), ", %s for '%s'", amount, name);

    if (takers->len + len + UNNAMED_ROOM >= sizeof(takers->text)) {
        takers->unnamed++;
        return;
    }
    memcpy(takers->text + takers->len, entry, len + 1);
    takers->len += len;
}

const char *takers_text(struct takers *takers)
{
    if (takers->unnamed > 0)
        fmt_print(takers->text + takers->len, sizeof(takers->text) - takers->len,
                  ", more for %u other%s", takers->unnamed, takers->unnamed == 1 ? "" : "s");
    return takers->text;
}

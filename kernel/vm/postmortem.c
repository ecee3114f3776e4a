/* SPDX-License-Identifier: MIT */
#include "kernel/vm/postmortem.h"

#include "lib/string.h"

void postmortem_begin(struct postmortem *p, uint32_t life, uint64_t now)
{
    lock_take(&p->lock);
    p->crashes++;
    p->life = life;
    p->when = now;
    p->len = 0;
    p->full = false;
    lock_release(&p->lock);
}

void postmortem_put(struct postmortem *p, const char *line, size_t len)
{
    lock_take(&p->lock);
    p->full = p->full || len + 1 > POSTMORTEM_BYTES - p->len;
    if (!p->full) {
        memcpy(p->text + p->len, line, len);
        p->len += (uint32_t)len;
        p->text[p->len++] = '\n';
    }
    lock_release(&p->lock);
}

bool postmortem_next(struct postmortem *p, struct postmortem_reader *r, char *line, size_t size)
{
    size_t len = 0;

    lock_take(&p->lock);
    if (r->at == 0)
        r->crash = p->crashes;
    const bool any = r->crash == p->crashes && r->at < p->len;
    while (any && p->text[r->at] != '\n') {
        if (len + 1 < size)
            line[len++] = p->text[r->at];
        r->at++;
    }
    r->at += any;
    lock_release(&p->lock);
    line[len] = '\0';
    return any;
}

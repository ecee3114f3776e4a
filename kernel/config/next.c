/* SPDX-License-Identifier: MIT */
#include "kernel/config/next.h"

#include "lib/string.h"

#define NEXT_PRIME UINT64_C(0x100000001b3) /* of the 64-bit FNV hash */

const uint16_t next_tried_name[] = u"BulkheadTried";
const uint16_t next_confirmed_name[] = u"BulkheadConfirmed";

/* 0b5f6c52-8e1d-4f0e-9d2b-7b1f3c5a9e44, in memory as EFI_GUID */
const uint8_t next_guid[16] ALIGNED(8) = {0x52, 0x6c, 0x5f, 0x0b, 0x1d, 0x8e, 0x0e, 0x4f,
                                          0x9d, 0x2b, 0x7b, 0x1f, 0x3c, 0x5a, 0x9e, 0x44};

const char *next_flaw(const struct next_variable *v, uint64_t *id)
{
    *id = 0;
    if (!v->found)
        return NULL;
    if (v->size != sizeof(v->record))
        return "has a wrong size";
    if (v->attributes != NEXT_ATTRIBUTES)
        return "has wrong attributes";
    if (v->record.magic != NEXT_MAGIC || v->record.version != NEXT_VERSION || v->record.id == 0)
        return "holds something else";
    *id = v->record.id;
    return NULL;
}

struct next_record next_record_of(uint64_t id)
{
    return (struct next_record){.magic = NEXT_MAGIC, .version = NEXT_VERSION, .id = id};
}

/* Eight bytes at a time: files may be gigabytes. The shift brings high bits to where they count. */
static uint64_t next_id_word(uint64_t id, uint64_t word)
{
    id = (id ^ word) * NEXT_PRIME;
    return id ^ id >> 32;
}

static uint64_t next_id_bytes(uint64_t id, const uint8_t *at, uint64_t size)
{
    uint64_t word;

    for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
        __builtin_memcpy(&word, at, sizeof(word));
        id = next_id_word(id, word);
    }
    for (; size > 0; size--)
        id = next_id_word(id, *at++);
    return id;
}

uint64_t next_id_add(uint64_t id, const char *name, const void *bytes, uint64_t size)
{
    const size_t len = strlen(name);

    id = next_id_word(id, len);
    id = next_id_bytes(id, (const uint8_t *)name, len);
    id = next_id_word(id, size);
    return next_id_bytes(id, bytes, size);
}

uint64_t next_id_end(uint64_t id)
{
    return id != 0 ? id : 1;
}

enum next_verdict next_decide(uint64_t tried, uint64_t confirmed, uint64_t id)
{
    if (confirmed == id)
        return NEXT_IS_CONFIRMED;
    return tried == id ? NEXT_IS_UNCONFIRMED : NEXT_IS_NEW;
}

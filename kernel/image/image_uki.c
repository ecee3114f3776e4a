/* SPDX-License-Identifier: MIT */
/*
 * image_uki: a unified kernel image: an EFI program (PE) that carries a Linux, its initrd and its
 * command line as sections (UAPI Group Specifications, "Unified Kernel Image"). The program itself
 * never runs: its parts are started as if they had come as files. Nothing in the file is trusted.
 * Pure.
 */
#include "kernel/config/text_span.h"
#include "kernel/image/image_parts.h"
#include "lib/bits.h"
#include "lib/string.h"

/* Microsoft "PE Format": "MS-DOS Stub", "COFF File Header", "Section Table". */
#define PE_OFFSET_AT  0x3c
#define PE_SIGNATURE  "PE\0"
#define PE_X86_64     0x8664
#define PE_NAME_BYTES 8

struct pe_header {
    uint8_t signature[4];
    uint16_t machine;
    uint16_t section_count;
    uint32_t unused[3];
    uint16_t optional_size; /* bytes of a header that follows, before the sections */
    uint16_t flags;
};
_Static_assert(sizeof(struct pe_header) == 24, "COFF File Header");

struct pe_section {
    char name[PE_NAME_BYTES]; /* padded with NULs */
    uint32_t size;            /* in memory */
    uint32_t address;
    uint32_t file_size; /* rounded up, or less: the rest is zero */
    uint32_t offset;
    uint32_t unused[4];
};
_Static_assert(sizeof(struct pe_section) == 40, "Section Table");

struct uki_part {
    const uint8_t *bytes; /* NULL: not there */
    uint64_t size;
};

static bool uki_read_header(const struct image_request *rq, struct pe_header *h, uint64_t *sections)
{
    uint32_t at;

    if (!image_starts_with(rq, 0, "MZ", 2) || rq->size < PE_OFFSET_AT + sizeof(at))
        return false;
    memcpy(&at, rq->bytes + PE_OFFSET_AT, sizeof(at));
    if (rq->size < sizeof(*h) || at > rq->size - sizeof(*h))
        return false;
    memcpy(h, rq->bytes + at, sizeof(*h));
    *sections = (uint64_t)at + sizeof(*h) + h->optional_size;
    return memcmp(h->signature, PE_SIGNATURE, sizeof(h->signature)) == 0;
}

/* The first section of that name; false: there is none. */
static bool uki_find(const struct image_request *rq, const char name[PE_NAME_BYTES],
                     struct pe_section *section)
{
    struct pe_header h;
    uint64_t at;

    if (!uki_read_header(rq, &h, &at))
        return false;
    for (uint32_t i = 0; i < h.section_count; i++, at += sizeof(*section)) {
        if (at > rq->size || rq->size - at < sizeof(*section))
            return false;
        memcpy(section, rq->bytes + at, sizeof(*section));
        if (memcmp(section->name, name, PE_NAME_BYTES) == 0)
            return true;
    }
    return false;
}

bool image_is_uki(const struct image_request *rq)
{
    struct pe_section section;

    return uki_find(rq, ".linux\0", &section);
}

/* What is not there is empty, and what is there lies in the file. */
static bool uki_read(struct image *image, const struct image_request *rq,
                     const char name[PE_NAME_BYTES], struct uki_part *part)
{
    struct pe_section s;

    *part = (struct uki_part){0};
    if (!uki_find(rq, name, &s))
        return true;
    const uint32_t size = s.size == 0 || s.size > s.file_size ? s.file_size : s.size;
    if (s.offset > rq->size || size > rq->size - s.offset)
        return image_refuse(image, "is cut off: its section %s lies beyond the end of the file",
                            name);
    if (size != 0)
        *part = (struct uki_part){.bytes = rq->bytes + s.offset, .size = size};
    return true;
}

/* Without the ends of lines and files that tools leave behind it. */
static bool uki_copy_cmdline(struct image *image, const struct uki_part *part,
                             char cmdline[CMDLINE_MAX])
{
    uint64_t size = part->size;

    while (size > 0 && part->bytes[size - 1] <= ' ')
        size--;
    if (size >= CMDLINE_MAX)
        return image_refuse(image, "has a command line of %lu characters; at most %u are possible",
                            size, CMDLINE_MAX - 1);
    if (size > 0)
        memcpy(cmdline, part->bytes, size);
    cmdline[size] = '\0';
    return true;
}

bool image_prepare_uki(struct image *image, const struct image_request *rq)
{
    struct uki_part linux_part, initrd, cmdline;
    struct pe_header header = {0};
    uint64_t sections;
    struct image_request inner = *rq;
    char own_cmdline[CMDLINE_MAX];

    if (!uki_read_header(rq, &header, &sections) || header.machine != PE_X86_64)
        return image_refuse(image,
                            "is a unified kernel image for another processor (PE machine "
                            "0x%x)",
                            header.machine);
    if (!uki_read(image, rq, ".linux\0", &linux_part) || !uki_read(image, rq, ".initrd", &initrd) ||
        !uki_read(image, rq, ".cmdline", &cmdline))
        return false;
    inner.bytes = linux_part.bytes;
    inner.size = linux_part.size;
    if (!image_is_linux(&inner))
        return image_refuse(image, "is a unified kernel image whose .linux is not a Linux bzImage");
    if (rq->initrd == NULL && initrd.size != 0) {
        inner.initrd = initrd.bytes;
        inner.initrd_size = initrd.size;
    }
    if (rq->cmdline[0] == '\0') {
        if (!uki_copy_cmdline(image, &cmdline, own_cmdline))
            return false;
        inner.cmdline = own_cmdline;
        image->has_console = span_has_word(own_cmdline, "console=ttyS0");
    }
    return image_prepare_linux(image, &inner);
}

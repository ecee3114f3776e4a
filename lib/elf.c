/* SPDX-License-Identifier: MIT */
/*
 * elf: checks an untrusted ELF64 file and finds its notes. Headers are copied out by value, since
 * nothing in a file is aligned. Pure; it never writes to the file and loads nothing.
 */
#include "lib/elf.h"

#include "lib/bits.h"
#include "lib/string.h"

/* gABI "ELF Identification" and "ELF Header". */
enum { EI_CLASS = 4, EI_DATA = 5, EI_VERSION = 6 };
enum { ELFCLASS64 = 2, ELFDATA2LSB = 1, EV_CURRENT = 1, EM_X86_64 = 62 };

struct elf64_nhdr {
    uint32_t namesz; /* bytes, with the name's NUL */
    uint32_t descsz; /* bytes */
    uint32_t type;
};
_Static_assert(sizeof(struct elf64_nhdr) == 12, "gABI: note header");

static bool elf_refuse(struct elf *e, const char *why)
{
    e->why = why;
    return false;
}

/* True when `len` bytes at `offset` lie in a file of `size` bytes. */
static bool elf_inside(uint64_t offset, uint64_t len, uint64_t size)
{
    return offset <= size && len <= size - offset;
}

static bool elf_check_header(struct elf *e, enum elf_type type)
{
    const struct elf64_ehdr *h = &e->header;

    if (e->size < 4 || e->bytes[0] != 0x7f || e->bytes[1] != 'E' || e->bytes[2] != 'L' ||
        e->bytes[3] != 'F')
        return elf_refuse(e, "is not an ELF file");
    if (e->size < sizeof(*h))
        return elf_refuse(e, "is cut off inside its ELF header");
    memcpy(&e->header, e->bytes, sizeof(*h));
    if (h->ident[EI_CLASS] != ELFCLASS64)
        return elf_refuse(e, "is not a 64-bit ELF file");
    if (h->ident[EI_DATA] != ELFDATA2LSB || h->machine != EM_X86_64)
        return elf_refuse(e, "is an ELF file for another processor than x86-64");
    if (h->ident[EI_VERSION] != EV_CURRENT || h->version != EV_CURRENT)
        return elf_refuse(e, "has an unknown ELF version");
    if (h->type != (uint16_t)type)
        return elf_refuse(e, type == ET_DYN ? "is not a position-independent ELF executable"
                                            : "is not an ELF executable with fixed addresses");
    return true;
}

/* One segment by itself: file part in the file, memory part not shorter and not wrapping. */
static bool elf_check_segment(struct elf *e, const struct elf64_phdr *p, bool by_paddr)
{
    if (p->type == PT_NULL)
        return true; /* gABI: its other members are undefined */
    if (!elf_inside(p->offset, p->filesz, e->size))
        return elf_refuse(e, "is cut off: a segment lies beyond the end of the file");
    if (p->type != PT_LOAD)
        return true;
    if (p->filesz > p->memsz)
        return elf_refuse(e, "has a segment that is larger in the file than in memory");
    if (!range_ok(by_paddr ? p->paddr : p->vaddr, p->memsz))
        return elf_refuse(e, "has a segment that wraps around the address space");
    return true;
}

static bool elf_segments_overlap(const struct elf64_phdr *a, const struct elf64_phdr *b,
                                 bool by_paddr)
{
    uint64_t a_base = by_paddr ? a->paddr : a->vaddr;
    uint64_t b_base = by_paddr ? b->paddr : b->vaddr;

    if (a->memsz == 0 || b->memsz == 0)
        return false;
    return a_base <= b_base ? b_base - a_base < a->memsz : a_base - b_base < b->memsz;
}

/* The PT_LOADs among each other; at least one must have bytes to load. */
static bool elf_check_loads(struct elf *e, bool by_paddr)
{
    bool any = false;

    for (uint32_t i = 0; i < e->segment_count; i++) {
        if (e->segments[i].type != PT_LOAD)
            continue;
        any = any || e->segments[i].memsz != 0;
        for (uint32_t k = 0; k < i; k++)
            if (e->segments[k].type == PT_LOAD &&
                elf_segments_overlap(&e->segments[i], &e->segments[k], by_paddr))
                return elf_refuse(e, "has segments that overlap in memory");
    }
    return any || elf_refuse(e, "has nothing to load");
}

bool elf_check(struct elf *e, const void *bytes, uint64_t size, enum elf_type type, bool by_paddr)
{
    uint64_t table;

    *e = (struct elf){.bytes = bytes, .size = size};
    if (!elf_check_header(e, type))
        return false;
    if (e->header.phnum == 0)
        return elf_refuse(e, "has no program headers");
    if (e->header.phnum > ELF_SEGMENTS_MAX)
        return elf_refuse(e, "has more than 16 program headers");
    if (e->header.phentsize != sizeof(struct elf64_phdr))
        return elf_refuse(e, "has program headers of a wrong size");
    table = (uint64_t)e->header.phnum * sizeof(struct elf64_phdr); /* at most 16 * 56 */
    if (!elf_inside(e->header.phoff, table, size))
        return elf_refuse(e, "is cut off: its program headers lie beyond the end of the file");
    memcpy(e->segments, e->bytes + e->header.phoff, table);
    e->segment_count = e->header.phnum;
    for (uint32_t i = 0; i < e->segment_count; i++)
        if (!elf_check_segment(e, &e->segments[i], by_paddr))
            return false;
    return elf_check_loads(e, by_paddr);
}
_Static_assert(ELF_SEGMENTS_MAX == 16, "the refusal above names the limit");

/* True when `namesz` bytes at `at` are exactly `name` with its NUL. */
static bool elf_name_is(const uint8_t *at, uint32_t namesz, const char *name)
{
    for (uint32_t i = 0; i < namesz; i++) {
        if (at[i] != (uint8_t)name[i])
            return false;
        if (name[i] == '\0')
            return i + 1 == namesz;
    }
    return false;
}

/*
 * gABI "Note Section": name and descriptor are padded to the segment's alignment. 4 is what
 * everybody uses; 8 occurs for x86 property notes and is then declared in p_align.
 */
static const void *elf_note_in(const uint8_t *at, uint64_t left, uint64_t align, const char *name,
                               uint32_t type, uint32_t *len)
{
    struct elf64_nhdr n;

    while (left >= sizeof(n)) {
        uint64_t desc, next; /* offsets; the sizes are 32-bit, so no sum here can overflow */

        memcpy(&n, at, sizeof(n));
        desc = align_down(sizeof(n) + (uint64_t)n.namesz + align - 1, align);
        if (!elf_inside(desc, n.descsz, left))
            return NULL;
        if (n.type == type && elf_name_is(at + sizeof(n), n.namesz, name)) {
            *len = n.descsz;
            return at + desc;
        }
        next = align_down(desc + n.descsz + align - 1, align);
        if (next >= left)
            return NULL;
        at += next;
        left -= next;
    }
    return NULL;
}

const void *elf_note(const struct elf *e, const char *name, uint32_t type, uint32_t *len)
{
    for (uint32_t i = 0; i < e->segment_count; i++) {
        const struct elf64_phdr *p = &e->segments[i];
        const void *found;

        if (p->type != PT_NOTE)
            continue;
        found =
            elf_note_in(e->bytes + p->offset, p->filesz, p->align == 8 ? 8 : 4, name, type, len);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * elf: checks an untrusted ELF file and finds its notes. Headers are copied out by value, since
 * nothing in a file is aligned. Pure; it never writes to the file and loads nothing.
 */
#include "lib/elf.h"

#include "lib/bits.h"
#include "lib/string.h"

/* gABI "ELF Identification" and "ELF Header". */
enum { EI_CLASS = 4, EI_DATA = 5, EI_VERSION = 6 };
enum { ELFCLASS32 = 1, ELFCLASS64 = 2, ELFDATA2LSB = 1, EV_CURRENT = 1 };
enum { EM_386 = 3, EM_X86_64 = 62 };

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

bool elf_is(const void *bytes, uint64_t size)
{
    return size >= 4 && memcmp(bytes,
                               "\x7f"
                               "ELF",
                               4) == 0;
}

static void elf_widen_header(struct elf64_ehdr *to, const uint8_t *bytes)
{
    struct elf32_ehdr from;

    memcpy(&from, bytes, sizeof(from));
    *to = (struct elf64_ehdr){.type = from.type,
                              .machine = from.machine,
                              .version = from.version,
                              .entry = from.entry,
                              .phoff = from.phoff,
                              .shoff = from.shoff,
                              .flags = from.flags,
                              .ehsize = from.ehsize,
                              .phentsize = from.phentsize,
                              .phnum = from.phnum,
                              .shentsize = from.shentsize,
                              .shnum = from.shnum,
                              .shstrndx = from.shstrndx};
    memcpy(to->ident, from.ident, sizeof(to->ident));
}

static void elf_widen_segment(struct elf64_phdr *to, const uint8_t *bytes)
{
    struct elf32_phdr from;

    memcpy(&from, bytes, sizeof(from));
    *to = (struct elf64_phdr){.type = from.type,
                              .flags = from.flags,
                              .offset = from.offset,
                              .vaddr = from.vaddr,
                              .paddr = from.paddr,
                              .filesz = from.filesz,
                              .memsz = from.memsz,
                              .align = from.align};
}

static bool elf_read_header(struct elf *e)
{
    if (!elf_is(e->bytes, e->size))
        return elf_refuse(e, "is not an ELF file");
    if (e->size < sizeof(e->header.ident))
        return elf_refuse(e, "is cut off inside its ELF header");
    e->is_32 = e->bytes[EI_CLASS] == ELFCLASS32;
    if (e->is_32 ? e->use == ELF_FOR_LOADER : e->bytes[EI_CLASS] != ELFCLASS64)
        return elf_refuse(e, "is not a 64-bit ELF file");
    if (e->size < (e->is_32 ? sizeof(struct elf32_ehdr) : sizeof(struct elf64_ehdr)))
        return elf_refuse(e, "is cut off inside its ELF header");
    if (e->is_32)
        elf_widen_header(&e->header, e->bytes);
    else
        memcpy(&e->header, e->bytes, sizeof(e->header));
    return true;
}

static bool elf_check_header(struct elf *e)
{
    const struct elf64_ehdr *h = &e->header;
    const bool own = e->use == ELF_FOR_LOADER;

    if (h->ident[EI_DATA] != ELFDATA2LSB ||
        (h->machine != EM_X86_64 && !(e->is_32 && h->machine == EM_386)))
        return elf_refuse(e, "is an ELF file for another processor than x86-64");
    if (h->ident[EI_VERSION] != EV_CURRENT || h->version != EV_CURRENT)
        return elf_refuse(e, "has an unknown ELF version");
    if (h->type == ET_REL)
        return elf_refuse(e, "is an ELF object file, which must be linked first");
    if (own && h->type != ET_DYN)
        return elf_refuse(e, "is not a position-independent ELF executable");
    if (!own && h->type == ET_DYN)
        return elf_refuse(e, "is a position-independent executable (ET_DYN); a kernel linked at "
                             "fixed addresses (ET_EXEC) is needed");
    if (!own && h->type != ET_EXEC)
        return elf_refuse(e, "is neither an ELF executable (ET_EXEC) nor an object file");
    return true;
}

static bool elf_read_segments(struct elf *e)
{
    const uint64_t entry = e->is_32 ? sizeof(struct elf32_phdr) : sizeof(struct elf64_phdr);
    const uint64_t at = e->header.phoff;

    if (e->header.phnum == 0)
        return elf_refuse(e, "has no program headers");
    if (e->header.phnum > ELF_SEGMENTS_MAX)
        return elf_refuse(e, "has more than 16 program headers");
    if (e->header.phentsize != entry)
        return elf_refuse(e, "has program headers of a wrong size");
    if (!elf_inside(at, e->header.phnum * entry, e->size))
        return elf_refuse(e, "is cut off: its program headers lie beyond the end of the file");
    e->segment_count = e->header.phnum;
    for (uint32_t i = 0; i < e->segment_count; i++) {
        if (e->is_32)
            elf_widen_segment(&e->segments[i], e->bytes + at + i * entry);
        else
            memcpy(&e->segments[i], e->bytes + at + i * entry, entry);
    }
    return true;
}
_Static_assert(ELF_SEGMENTS_MAX == 16, "the refusal above names the limit");

/* Where a PT_LOAD begins in memory. */
static uint64_t elf_base(const struct elf *e, const struct elf64_phdr *p)
{
    return e->use == ELF_FOR_GUEST ? p->paddr : p->vaddr;
}

/* One segment by itself: file part in the file, memory part not shorter and not wrapping. */
static bool elf_check_segment(struct elf *e, const struct elf64_phdr *p)
{
    const uint64_t base = elf_base(e, p);

    if (p->type == PT_NULL)
        return true; /* gABI: its other members are undefined */
    if (!elf_inside(p->offset, p->filesz, e->size))
        return elf_refuse(e, "is cut off: a segment lies beyond the end of the file");
    if (p->type != PT_LOAD)
        return true;
    if (p->filesz > p->memsz)
        return elf_refuse(e, "has a segment that is larger in the file than in memory");
    if (!range_ok(base, p->memsz) || (e->is_32 && base + p->memsz > 4 * GIB))
        return elf_refuse(e, "has a segment that wraps around the address space");
    return true;
}

static bool elf_segments_overlap(const struct elf *e, const struct elf64_phdr *a,
                                 const struct elf64_phdr *b)
{
    const uint64_t a_base = elf_base(e, a);
    const uint64_t b_base = elf_base(e, b);

    if (a->memsz == 0 || b->memsz == 0)
        return false;
    return a_base <= b_base ? b_base - a_base < a->memsz : a_base - b_base < b->memsz;
}

/* The PT_LOADs among each other; at least one must have bytes to load. */
static bool elf_check_loads(struct elf *e)
{
    bool any = false;

    for (uint32_t i = 0; i < e->segment_count; i++) {
        if (e->segments[i].type != PT_LOAD)
            continue;
        any = any || e->segments[i].memsz != 0;
        for (uint32_t k = 0; k < i; k++)
            if (e->segments[k].type == PT_LOAD &&
                elf_segments_overlap(e, &e->segments[i], &e->segments[k]))
                return elf_refuse(e, "has segments that overlap in memory");
    }
    return any || elf_refuse(e, "has nothing to load");
}

bool elf_check(struct elf *e, const void *bytes, uint64_t size, enum elf_use use)
{
    *e = (struct elf){.bytes = bytes, .size = size, .use = use};
    if (!elf_read_header(e) || !elf_check_header(e) || !elf_read_segments(e))
        return false;
    for (uint32_t i = 0; i < e->segment_count; i++)
        if (!elf_check_segment(e, &e->segments[i]))
            return false;
    return elf_check_loads(e);
}

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

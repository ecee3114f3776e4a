/* SPDX-License-Identifier: MIT */
/*
 * place: lays out a static-PIE. The file is checked like any other input, although it is our own: a
 * USB stick pulled out too early must lead to an error message, not a crash. Pure.
 */
#include "boot/place.h"

#include "lib/bits.h"
#include "lib/string.h"

/* gABI "Dynamic Section". */
enum {
    DT_NULL = 0,
    DT_RELA = 7,
    DT_RELASZ = 8,
    DT_RELAENT = 9,
    DT_RELSZ = 18,
    DT_PLTRELSZ = 2,
    DT_RELRSZ = 35,
};

struct elf64_dyn {
    uint64_t tag;
    uint64_t value;
};
_Static_assert(sizeof(struct elf64_dyn) == 16, "ELF-64: dynamic table entry");

struct elf64_rela {
    uint64_t offset;
    uint64_t info; /* type in 31:0, symbol in 63:32 */
    uint64_t addend;
};
_Static_assert(sizeof(struct elf64_rela) == 24, "ELF-64: relocation with addend");

/* AMD64 psABI "Relocation Types". */
enum { R_X86_64_NONE = 0, R_X86_64_RELATIVE = 8 };

#define PLACE_REFUSES(type) "has a relocation of type " #type ", which the loader does not support"

static const char *const place_reloc_refusals[] = {
    [1] = PLACE_REFUSES(R_X86_64_64),         [2] = PLACE_REFUSES(R_X86_64_PC32),
    [3] = PLACE_REFUSES(R_X86_64_GOT32),      [4] = PLACE_REFUSES(R_X86_64_PLT32),
    [5] = PLACE_REFUSES(R_X86_64_COPY),       [6] = PLACE_REFUSES(R_X86_64_GLOB_DAT),
    [7] = PLACE_REFUSES(R_X86_64_JUMP_SLOT),  [9] = PLACE_REFUSES(R_X86_64_GOTPCREL),
    [10] = PLACE_REFUSES(R_X86_64_32),        [11] = PLACE_REFUSES(R_X86_64_32S),
    [16] = PLACE_REFUSES(R_X86_64_DTPMOD64),  [17] = PLACE_REFUSES(R_X86_64_DTPOFF64),
    [18] = PLACE_REFUSES(R_X86_64_TPOFF64),   [24] = PLACE_REFUSES(R_X86_64_PC64),
    [36] = PLACE_REFUSES(R_X86_64_TLSDESC),   [37] = PLACE_REFUSES(R_X86_64_IRELATIVE),
    [38] = PLACE_REFUSES(R_X86_64_RELATIVE64)};

/* What PT_DYNAMIC says about relocations. */
struct place_table {
    uint64_t rela;  /* offset of the table from the base */
    uint64_t size;  /* bytes */
    uint64_t entry; /* bytes of one entry, 0 when not said */
};

static bool place_refuse(struct place *p, const char *why)
{
    p->why = why;
    return false;
}

static bool place_inside(const struct place *p, uint64_t offset, uint64_t len)
{
    return offset <= p->size && len <= p->size - offset;
}

/* The entry point must be in a segment that may be executed. */
static bool place_entry_ok(const struct elf *e)
{
    for (uint32_t i = 0; i < e->segment_count; i++) {
        const struct elf64_phdr *s = &e->segments[i];

        if (s->type == PT_LOAD && (s->flags & PF_X) != 0 && e->header.entry >= s->vaddr &&
            e->header.entry - s->vaddr < s->memsz)
            return true;
    }
    return false;
}

bool place_check(struct place *p, const void *file, uint64_t size)
{
    uint64_t end = 0;

    *p = (struct place){0};
    if (!elf_check(&p->elf, file, size, ELF_FOR_LOADER))
        return place_refuse(p, p->elf.why);
    for (uint32_t i = 0; i < p->elf.segment_count; i++) {
        const struct elf64_phdr *s = &p->elf.segments[i];

        if (s->type == PT_INTERP)
            return place_refuse(p, "needs a dynamic linker; it must be linked as a static-PIE");
        if (s->type != PT_LOAD || s->memsz == 0)
            continue;
        if (s->align > PLACE_ALIGN)
            return place_refuse(p, "needs an alignment of more than 2 MiB");
        if (s->vaddr > PLACE_SIZE_MAX || s->memsz > PLACE_SIZE_MAX - s->vaddr)
            return place_refuse(p, "needs more than 256 MiB of memory");
        end = max_u64(end, s->vaddr + s->memsz);
    }
    if (!place_entry_ok(&p->elf))
        return place_refuse(p, "has its entry point outside its code");
    p->entry = p->elf.header.entry;
    if (!align_up(end, PAGE_SIZE, &p->size))
        return place_refuse(p, "needs more than 256 MiB of memory");
    return true;
}
_Static_assert(PLACE_SIZE_MAX == 256 * MIB, "the refusals above name the limit");

/* Reads one PT_DYNAMIC from the file; elf_check() has seen that its bytes are there. */
static bool place_read_dynamic(struct place *p, const struct elf64_phdr *s, struct place_table *t)
{
    const uint8_t *at = p->elf.bytes + s->offset;
    struct elf64_dyn d;

    for (uint64_t left = s->filesz; left >= sizeof(d); left -= sizeof(d), at += sizeof(d)) {
        memcpy(&d, at, sizeof(d));
        if (d.tag == DT_NULL)
            return true;
        if (d.tag == DT_RELA)
            t->rela = d.value;
        else if (d.tag == DT_RELASZ)
            t->size = d.value;
        else if (d.tag == DT_RELAENT)
            t->entry = d.value;
        else if (d.tag == DT_PLTRELSZ && d.value != 0)
            return place_refuse(p, "has PLT relocations, which the loader does not support");
        else if (d.tag == DT_RELSZ && d.value != 0)
            return place_refuse(p, "has relocations without addends (DT_REL)");
        else if (d.tag == DT_RELRSZ && d.value != 0)
            return place_refuse(p, "has packed relocations (DT_RELR)");
    }
    return true;
}

static bool place_refuse_reloc(struct place *p, uint32_t type)
{
    if (type < ARRAY_SIZE(place_reloc_refusals) && place_reloc_refusals[type] != NULL)
        return place_refuse(p, place_reloc_refusals[type]);
    return place_refuse(p, "has a relocation of an unknown type");
}

/* Applies the table where it now lies, in the placed image. */
static bool place_relocate(struct place *p, uint8_t *memory, uint64_t base,
                           const struct place_table *t)
{
    struct elf64_rela r;

    if (t->size == 0)
        return true;
    if (t->entry != sizeof(r) || t->size % sizeof(r) != 0)
        return place_refuse(p, "has a relocation table with the wrong entry size");
    if (!place_inside(p, t->rela, t->size))
        return place_refuse(p, "has its relocation table outside the image");
    for (uint64_t at = t->rela; at < t->rela + t->size; at += sizeof(r)) {
        uint32_t type;
        uint64_t value;

        memcpy(&r, memory + at, sizeof(r));
        type = (uint32_t)r.info;
        if (type == R_X86_64_NONE)
            continue;
        if (type != R_X86_64_RELATIVE)
            return place_refuse_reloc(p, type);
        if (!place_inside(p, r.offset, sizeof(value)))
            return place_refuse(p, "has a relocation outside the image");
        value = base + r.addend; /* modulo 2^64, as the psABI defines it */
        memcpy(memory + r.offset, &value, sizeof(value));
    }
    return true;
}

bool place_image(struct place *p, void *memory, uint64_t base)
{
    struct place_table table = {0};
    uint8_t *image = memory;

    memset(image, 0, p->size);
    for (uint32_t i = 0; i < p->elf.segment_count; i++) {
        const struct elf64_phdr *s = &p->elf.segments[i];

        if (s->type == PT_LOAD && s->filesz != 0)
            memcpy(image + s->vaddr, p->elf.bytes + s->offset, s->filesz);
        if (s->type == PT_DYNAMIC && !place_read_dynamic(p, s, &table))
            return false;
    }
    return place_relocate(p, image, base, &table);
}

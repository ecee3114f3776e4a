/* SPDX-License-Identifier: MIT */
/*
 * pvh_file: makes PVH ELF files in memory for tests: one that is right, which a test then spoils.
 * Include after support.h.
 */
#pragma once

#include "lib/elf.h"

#define PVH_FILE_SIZE 0x4000
#define PVH_FILE_NOTE 0x800  /* offset of the note; the program headers are before it */
#define PVH_FILE_DATA 0x1000 /* offset of every segment's bytes; they share them */

struct pvh_note {
    uint32_t namesz, descsz, type;
    char name[4];
    uint8_t desc[8];
};

/* The header and program headers may be changed at will before pvh_file_bytes(). */
struct pvh_file {
    struct elf64_ehdr header;
    struct elf64_phdr segments[ELF_SEGMENTS_MAX + 1];
    struct pvh_note note;
    uint8_t bytes[PVH_FILE_SIZE];
};

static inline void pvh_file_entry(struct pvh_file *f, uint64_t entry)
{
    memcpy(f->note.desc, &entry, sizeof(entry));
}

static inline struct elf64_phdr *pvh_file_add(struct pvh_file *f, uint64_t paddr, uint64_t filesz,
                                              uint64_t memsz)
{
    struct elf64_phdr *s = &f->segments[f->header.phnum++];
    *s = (struct elf64_phdr){.type = PT_LOAD,
                             .flags = PF_R | PF_X,
                             .offset = PVH_FILE_DATA,
                             .vaddr = paddr,
                             .paddr = paddr,
                             .filesz = filesz,
                             .memsz = memsz,
                             .align = PAGE_SIZE};
    return s;
}

/* A file with its note and no segment to load yet. */
static inline void pvh_file_start(struct pvh_file *f, uint64_t entry)
{
    *f = (struct pvh_file){
        .header = {.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                   .type = ET_EXEC,
                   .machine = 62,
                   .version = 1,
                   .phoff = sizeof(struct elf64_ehdr),
                   .ehsize = sizeof(struct elf64_ehdr),
                   .phentsize = sizeof(struct elf64_phdr),
                   .phnum = 1},
        .note = {.namesz = 4, .descsz = 4, .type = 18, .name = "Xen"},
    };
    f->segments[0] = (struct elf64_phdr){.type = PT_NOTE,
                                         .offset = PVH_FILE_NOTE,
                                         .filesz = sizeof(f->note),
                                         .memsz = sizeof(f->note),
                                         .align = 4};
    pvh_file_entry(f, entry);
    for (size_t i = PVH_FILE_DATA; i < PVH_FILE_SIZE; i++)
        f->bytes[i] = (uint8_t)(i * 7);
}

/* One segment at 1 MiB, entered at its start. */
static inline void pvh_file_simple(struct pvh_file *f)
{
    pvh_file_start(f, MIB);
    pvh_file_add(f, MIB, 0x2000, 0x5000);
}

/* Puts the file together. */
static inline const uint8_t *pvh_file_bytes(struct pvh_file *f)
{
    memcpy(f->bytes, &f->header, sizeof(f->header));
    memcpy(f->bytes + sizeof(f->header), f->segments, sizeof(f->segments));
    memcpy(f->bytes + PVH_FILE_NOTE, &f->note, sizeof(f->note));
    return f->bytes;
}

/* The same file as a 32-bit linker would write it; what does not fit 32 bits is cut. */
static inline void pvh_file_narrow(struct pvh_file *f, uint8_t bytes[PVH_FILE_SIZE])
{
    struct elf32_ehdr h = {.ident = {0x7f, 'E', 'L', 'F', 1, 1, 1},
                           .type = f->header.type,
                           .machine = 3,
                           .version = 1,
                           .phoff = sizeof(h),
                           .ehsize = sizeof(h),
                           .phentsize = sizeof(struct elf32_phdr),
                           .phnum = f->header.phnum};

    memcpy(bytes, pvh_file_bytes(f), PVH_FILE_SIZE);
    memset(bytes, 0, PVH_FILE_NOTE);
    memcpy(bytes, &h, sizeof(h));
    for (uint32_t i = 0; i < f->header.phnum; i++) {
        const struct elf64_phdr *s = &f->segments[i];
        const struct elf32_phdr p = {.type = s->type,
                                     .offset = (uint32_t)s->offset,
                                     .vaddr = (uint32_t)s->vaddr,
                                     .paddr = (uint32_t)s->paddr,
                                     .filesz = (uint32_t)s->filesz,
                                     .memsz = (uint32_t)s->memsz,
                                     .flags = s->flags,
                                     .align = (uint32_t)s->align};
        memcpy(bytes + sizeof(h) + i * sizeof(p), &p, sizeof(p));
    }
}

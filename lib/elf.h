/* SPDX-License-Identifier: MIT */
/*
 * elf: reads an untrusted ELF file that lies whole in memory. A 32-bit one is widened as it is
 * read, so that both classes meet the same checks. Every offset, count and length is
 * checked against the file's size before use; nothing is trusted because a header says so. Pure.
 *
 * Used twice: by the loader for bulkhead.elf and by the hypervisor for PVH guests.
 * Field names follow the System V gABI.
 */
#pragma once

#include "lib/types.h"

enum elf_type { ET_REL = 1, ET_EXEC = 2, ET_DYN = 3 };
enum elf_segment_type { PT_NULL = 0, PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_NOTE = 4 };
enum elf_segment_flags { PF_X = 1, PF_W = 2, PF_R = 4 };

struct elf64_ehdr {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t phoff;
    uint64_t shoff;
    uint32_t flags;
    uint16_t ehsize;
    uint16_t phentsize;
    uint16_t phnum;
    uint16_t shentsize;
    uint16_t shnum;
    uint16_t shstrndx;
};
_Static_assert(sizeof(struct elf64_ehdr) == 64, "ELF-64: file header");

struct elf64_phdr {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t filesz;
    uint64_t memsz;
    uint64_t align;
};
_Static_assert(sizeof(struct elf64_phdr) == 56, "ELF-64: program header");

struct elf32_ehdr {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint32_t entry;
    uint32_t phoff;
    uint32_t shoff;
    uint32_t flags;
    uint16_t ehsize;
    uint16_t phentsize;
    uint16_t phnum;
    uint16_t shentsize;
    uint16_t shnum;
    uint16_t shstrndx;
};
_Static_assert(sizeof(struct elf32_ehdr) == 52, "gABI: ELF32 file header");

struct elf32_phdr {
    uint32_t type;
    uint32_t offset;
    uint32_t vaddr;
    uint32_t paddr;
    uint32_t filesz;
    uint32_t memsz;
    uint32_t flags;
    uint32_t align;
};
_Static_assert(sizeof(struct elf32_phdr) == 32, "gABI: ELF32 program header");

#define ELF_SEGMENTS_MAX 16

/* What a file is for: what is accepted, and by which addresses it is loaded. */
enum elf_use {
    ELF_FOR_LOADER, /* bulkhead.elf: ELF64, ET_DYN, by vaddr */
    ELF_FOR_GUEST,  /* a kernel: ELF64 or ELF32, ET_EXEC, by paddr */
};

/* What elf_check() found; `why` is a sentence part such as "is not an ELF file" when it failed. */
struct elf {
    const uint8_t *bytes; /* borrowed: the file must outlive this */
    uint64_t size;        /* bytes */
    enum elf_use use;
    bool is_32;               /* header and segments are widened */
    struct elf64_ehdr header; /* ehsize, phentsize and such as in the file */
    uint32_t segment_count;
    struct elf64_phdr segments[ELF_SEGMENTS_MAX]; /* all types, in file order */
    const char *why;                              /* NULL after success */
};

bool elf_is(const void *bytes, uint64_t size);

/*
 * Accepts little-endian x86 files with 1..ELF_SEGMENTS_MAX program headers and something to load.
 * Checks that every segment's file part lies in the file, and for the PT_LOADs that filesz <=
 * memsz, that their memory does not wrap, and that no two overlap there. Where memory ends and
 * whether the entry point lies in a segment is the caller's business. Returns false and sets
 * e->why otherwise. `bytes` needs no alignment.
 */
MUST_CHECK bool elf_check(struct elf *e, const void *bytes, uint64_t size, enum elf_use use);

/*
 * Finds the note `name`/`type` in any PT_NOTE of a file that elf_check() accepted; its
 * descriptor's bytes (no alignment promised) and length, or NULL. A damaged note ends the search
 * in its segment.
 */
const void *elf_note(const struct elf *e, const char *name, uint32_t type, uint32_t *len);

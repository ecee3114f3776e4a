/* SPDX-License-Identifier: MIT */
/*
 * place: checks bulkhead.elf, a static-PIE, and lays it out in memory. Pure: the caller finds the
 * memory. Setting page permissions is the hypervisor's own business, once it runs.
 */
#pragma once

#include "lib/elf.h"
#include "lib/types.h"

/* The image must lie on this boundary. */
#define PLACE_ALIGN PAGE_SIZE_2M

/* Larger images are refused: it is a damaged header, not a hypervisor. */
#define PLACE_SIZE_MAX (256 * MIB)

struct place {
    struct elf elf;
    uint64_t size;   /* bytes of memory, whole pages; the image's address 0 comes to the base */
    uint64_t entry;  /* offset of the entry point from the base */
    const char *why; /* after a refusal: a sentence part such as "is not an ELF file" */
};

/*
 * Checks the headers of the `size` bytes at `file`, which must stay there until place_image().
 * Returns false and sets p->why otherwise.
 */
MUST_CHECK bool place_check(struct place *p, const void *file, uint64_t size);

/*
 * Fills the p->size bytes at `memory` with the image as it has to look at physical address `base`
 * (PLACE_ALIGN-aligned): segments copied, the rest zero, relocations applied. In the loader both
 * are the same place. Returns false and sets p->why when the relocation table is bad; `memory` is
 * then worthless.
 */
MUST_CHECK bool place_image(struct place *p, void *memory, uint64_t base);

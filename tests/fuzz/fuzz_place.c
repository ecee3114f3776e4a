/* SPDX-License-Identifier: MIT */
/*
 * fuzz_place: any bytes as bulkhead.elf for the loader. Where place_check() accepts them,
 * place_image() stays in the memory it asked for.
 */
#include "boot/place.h"

#include "support.h"

#define BASE       (16 * MIB)
#define MEMORY_MAX (4 * MIB) /* larger images are only checked: zeroing them would take all day */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct place p;
    uint8_t *file = malloc(size);

    DEMAND(file != NULL || size == 0);
    if (size > 0)
        memcpy(file, data, size);
    if (place_check(&p, file, size)) {
        DEMAND(p.size > 0 && p.size <= PLACE_SIZE_MAX && p.size % PAGE_SIZE == 0);
        DEMAND(p.entry < p.size);
        if (p.size <= MEMORY_MAX) {
            uint8_t *memory = malloc(p.size);
            DEMAND(memory != NULL);
            if (!place_image(&p, memory, BASE))
                DEMAND(p.why != NULL);
            free(memory);
        }
    } else {
        DEMAND(p.why != NULL);
    }
    free(file);
    return 0;
}

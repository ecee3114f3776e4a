/* SPDX-License-Identifier: MIT */
/*
 * leaf: every kind of leaf that svm/npt.c makes, bit by bit. APM "Long-Mode Page Translation",
 * "Nested Paging"; the expected bits are written out here and not taken from the code that is
 * looked at.
 */
#include "svm/npt.h"

#include "probe.h"

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { PRESENT, USER, WRITE, NO_EXECUTE, LARGE, TYPE, ADDRESS, USED, REST, READ_BACK, CHECKS };

static struct probe_check checks[CHECKS] = {
    [PRESENT] = {.what = "bit 0, P, is set in each leaf"},
    [USER] = {.what = "bit 2, U/S, is set in each leaf"},
    [WRITE] = {.what = "bit 1, R/W, is set in leaves with PT_W and in no others"},
    [NO_EXECUTE] = {.what = "bit 63, NX, is set in leaves without PT_X and in no others"},
    [LARGE] = {.what = "bit 7, PS, is set in leaves of levels 2 and 3 and not of level 1"},
    [TYPE] = {.what = "bits 4 and 3, PCD and PWT, name the memory type"},
    [ADDRESS] = {.what = "bits 51:12 are the address"},
    [USED] = {.what = "bit 5, A, is set, and bit 6, D, in leaves with PT_W"},
    [REST] = {.what = "all other bits are 0"},
    [READ_BACK] = {.what = "npt_rights() reads the rights that were asked for"},
};

static const char *rights_text(uint32_t rights)
{
    static const char *const texts[8] = {
        [PT_R] = "R",
        [PT_R | PT_W] = "R and W",
        [PT_R | PT_X] = "R and X",
        [PT_R | PT_W | PT_X] = "R, W and X",
    };

    return rights < 8 && texts[rights] ? texts[rights] : "none or unknown";
}

static const char *type_text(enum pt_memory type)
{
    return type == PT_WRITE_BACK ? "write-back"
           : type == PT_UNCACHED ? "uncached"
                                 : "write-combining";
}

static void look_bit(enum pt_memory type, uint32_t level, uint32_t rights, uint64_t entry,
                     unsigned check, unsigned bit, bool want)
{
    const bool is = (entry >> bit & 1) != 0;

    probe_case(&checks[check], is == want,
               TEXT("bit %u is %d in 0x%016llx, a leaf of level %u with rights %s, %s", bit, is,
                    (unsigned long long)entry, level, rights_text(rights), type_text(type)),
               TEXT("%d", want));
}

static void look(uint32_t level, uint32_t rights, enum pt_memory type)
{
    const hpa_t address = hpa(level == 3   ? UINT64_C(0x7c0000000)
                              : level == 2 ? 0x12400000
                                           : 0x345000);
    const uint64_t entry = npt_format.make_leaf(address, level, rights, type);

    look_bit(type, level, rights, entry, PRESENT, 0, true);
    look_bit(type, level, rights, entry, USER, 2, true);
    look_bit(type, level, rights, entry, WRITE, 1, (rights & PT_W) != 0);
    look_bit(type, level, rights, entry, NO_EXECUTE, 63, (rights & PT_X) == 0);
    look_bit(type, level, rights, entry, LARGE, 7, level > 1);
    look_bit(type, level, rights, entry, TYPE, 4, type == PT_UNCACHED);
    look_bit(type, level, rights, entry, TYPE, 3, type != PT_WRITE_BACK);
    look_bit(type, level, rights, entry, USED, 5, true);
    look_bit(type, level, rights, entry, USED, 6, (rights & PT_W) != 0);
    probe_case(&checks[ADDRESS], (entry & UINT64_C(0xffffffffff000)) == address.v,
               TEXT("0x%llx", (unsigned long long)(entry & UINT64_C(0xffffffffff000))),
               TEXT("0x%llx", (unsigned long long)address.v));
    probe_case(&checks[REST], (entry & UINT64_C(0x7ff0000000000f00)) == 0,
               TEXT("0x%016llx", (unsigned long long)entry), "bits 62:52 and 11:8 are 0");
    probe_case(
        &checks[READ_BACK], npt_format.rights(entry) == rights,
        TEXT("%s, of 0x%016llx", rights_text(npt_format.rights(entry)), (unsigned long long)entry),
        rights_text(rights));
}

int main(void)
{
    static const uint32_t rights[] = {PT_R, PT_R | PT_W, PT_R | PT_X, PT_R | PT_W | PT_X};

    for (uint32_t level = 1; level <= 3; level++)
        for (unsigned r = 0; r < ARRAY_COUNT(rights); r++)
            for (int type = PT_WRITE_BACK; type <= PT_WRITE_COMBINING; type++)
                look(level, rights[r], (enum pt_memory)type);
    probe_end(checks, CHECKS);
    return 0;
}

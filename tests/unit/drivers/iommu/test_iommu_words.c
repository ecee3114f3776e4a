/* SPDX-License-Identifier: MIT */
/*
 * test_iommu_words: faults as sentences.
 */
#include "drivers/iommu/iommu_words.h"

#include "support.h"

static void sentences(void **state)
{
    static const struct {
        struct iommu_fault fault;
        const char *guest;
        bool amd;
        const char *want;
    } cases[] = {
        {{IOMMU_FAULT_WRITE, 0x0200, 0, 0x3f000000, 5},
         "linux",
         false,
         "guest 'linux': its device 02:00.0 tried to write to guest-physical 0x3f000000, outside "
         "of "
         "its memory (VT-d reason 0x5)"},
        {{IOMMU_FAULT_READ, 0x00fa, 0, 0x1000, 6},
         NULL,
         false,
         "device 00:1f.2, which nobody has, tried to read 0x1000 (VT-d reason 0x6)"},
        {{IOMMU_FAULT_INTERRUPT, 0xfff9, 3, 0, 2},
         NULL,
         true,
         "device ff:1f.1 of PCI segment 3, which nobody has, sent an interrupt that it has no "
         "right "
         "to (AMD-Vi event 0x2)"},
        {{IOMMU_FAULT_UNIT, 0, 0, 0, 0x10},
         NULL,
         false,
         "an IOMMU cannot carry out what it was told (VT-d reason 0x10)"},
    };
    char text[IOMMU_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        iommu_fault_text(&cases[i].fault, cases[i].guest, cases[i].amd, text, sizeof(text));
        assert_string_equal(text, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_svm_fit: what an AMD processor must be able to do, taken away piece by piece: each lack is
 * named.
 */
#include "svm/fit.h"

#include "support.h"

#include "svm/bits.h"

/* QEMU's EPYC-Rome: the least that guests run on. */
static struct svm_caps able(void)
{
    return (struct svm_caps){
        .has_svm = true,
        .has_pages_1g = true,
        .asids = 16,
        .features = SVM_FEATURE_NP,
        .is_guest = true,
        .physical_bits = 40,
    };
}

static uint32_t lacks(const struct svm_caps *caps, const char *what)
{
    struct virt_report report = {0};
    bool named = what == NULL;

    svm_fit(caps, &report);
    assert_int_equal(report.vendor, POLICY_AMD);
    assert_false(report.guest_timer);
    for (uint32_t i = 0; i < report.missing_count; i++)
        named = named || strstr(report.missing[i], what) != NULL;
    assert_true(named);
    return report.missing_count;
}

static void test_able(void **state)
{
    const struct svm_caps caps = able();

    (void)state;
    assert_int_equal(lacks(&caps, NULL), 0);
}

static void test_no_svm(void **state)
{
    struct svm_caps caps = {0};

    (void)state;
    assert_int_equal(lacks(&caps, "SVM"), 1);
    caps.is_guest = true;
    assert_int_equal(lacks(&caps, "turn nested virtualization on"), 1);
}

static void test_firmware(void **state)
{
    struct svm_caps caps = able();

    (void)state;
    caps.vm_cr = VM_CR_LOCK;
    assert_int_equal(lacks(&caps, NULL), 0);
    caps.vm_cr = VM_CR_SVMDIS;
    assert_int_equal(lacks(&caps, "VM_CR has SVM off"), 1);
    caps.vm_cr = VM_CR_SVMDIS | VM_CR_LOCK;
    assert_int_equal(lacks(&caps, "VM_CR is locked"), 1);
}

static void test_each(void **state)
{
    struct svm_caps caps = able();

    (void)state;
    caps.features = UINT32_MAX & ~SVM_FEATURE_NP;
    assert_int_equal(lacks(&caps, "nested paging"), 1);
    caps.asids = 2;
    assert_int_equal(lacks(&caps, "ASID"), 2);
}

static void test_bus_locks(void **state)
{
    struct svm_caps caps = able();
    struct virt_report report = {0};

    (void)state;
    caps.features = SVM_FEATURE_NP | SVM_FEATURE_NRIPS;
    svm_fit(&caps, &report);
    assert_false(report.bus_locks);
    caps.features |= SVM_FEATURE_BUS_LOCK_THRESHOLD;
    svm_fit(&caps, &report);
    assert_true(report.bus_locks);
    assert_int_equal(report.missing_count, 0);
}

static void test_two_kinds_of_cores(void **state)
{
    const struct svm_caps boot = able();
    struct svm_caps core = boot;

    (void)state;
    core.asids++;
    core.features ^= SVM_FEATURE_NRIPS;
    core.vm_cr ^= VM_CR_LOCK;
    assert_null(svm_fit_differs(&boot, &core)); /* not decided by the boot core's */

    bool *const intercepted[] = {&core.has_rdpru, &core.has_invlpgb, &core.has_mcommit};
    for (uint32_t i = 0; i < ARRAY_SIZE(intercepted); i++) {
        core = boot;
        *intercepted[i] = !*intercepted[i];
        assert_string_equal(svm_fit_differs(&boot, &core), "the instructions that SVM intercepts");
    }
    core = boot;
    core.features ^= SVM_FEATURE_BUS_LOCK_THRESHOLD;
    assert_string_equal(svm_fit_differs(&boot, &core), "the instructions that SVM intercepts");
    core = boot;
    core.physical_bits++;
    assert_string_equal(svm_fit_differs(&boot, &core), "the width of physical addresses");
    core = boot;
    core.has_pages_1g = true;
    struct svm_caps less = core;
    less.has_pages_1g = false;
    assert_string_equal(svm_fit_differs(&core, &less), "1 GiB pages");
    assert_null(svm_fit_differs(&less, &core));
}

/* Hardware has it; an emulator may not. */
static void test_next_rip(void **state)
{
    struct svm_caps caps = able();

    (void)state;
    caps.is_guest = false;
    assert_int_equal(lacks(&caps, "nRIP save"), 1);
    caps.features |= SVM_FEATURE_NRIPS;
    assert_int_equal(lacks(&caps, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bus_locks), cmocka_unit_test(test_two_kinds_of_cores),
        cmocka_unit_test(test_able),      cmocka_unit_test(test_no_svm),
        cmocka_unit_test(test_firmware),  cmocka_unit_test(test_each),
        cmocka_unit_test(test_next_rip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

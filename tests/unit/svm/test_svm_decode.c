/* SPDX-License-Identifier: MIT */
/*
 * test_svm_decode: exit codes and what comes with them, to kinds and details. The kinds that come
 * often are svm_run()'s and are not asked here; EFER's rules.
 */
#include "svm/svm.h"

#include "support.h"

#include "lib/x86/msr.h"

static enum exit_kind kind_of(uint64_t code)
{
    const struct svm_vmcb vmcb = {.exit_code = code};

    return svm_decode_kind(&vmcb);
}

/* What is intercepted, or can exit all the same; every other code stops the guest. */
static const struct {
    uint32_t first, last;
    enum exit_kind kind;
} kinds[] = {
    {0x41, 0x41, EXIT_EXCEPTION},    /* #DB */
    {0x51, 0x52, EXIT_EXCEPTION},    /* #AC, #MC */
    {0x60, 0x60, EXIT_WINDOW},       /* an interrupt, only while a window is waited for */
    {0x61, 0x61, EXIT_KICK},         /* NMI */
    {0x63, 0x63, EXIT_INIT},         /* INIT */
    {0x64, 0x64, EXIT_WINDOW},       /* a virtual interrupt */
    {0x6f, 0x6f, EXIT_RDPMC},        /* RDPMC */
    {0x72, 0x72, EXIT_CPUID},        /* CPUID */
    {0x73, 0x73, EXIT_FORBIDDEN},    /* RSM */
    {0x74, 0x74, EXIT_WINDOW},       /* IRET */
    {0x76, 0x76, EXIT_CACHE},        /* INVD */
    {0x78, 0x78, EXIT_HALT},         /* HLT */
    {0x7a, 0x7a, EXIT_FORBIDDEN},    /* INVLPGA */
    {0x7b, 0x7b, EXIT_PIO},          /* IN, OUT */
    {0x7c, 0x7c, EXIT_CONTROL},      /* RDMSR and WRMSR, here of EFER */
    {0x7d, 0x7d, EXIT_TASK_SWITCH},  /* task switch */
    {0x7e, 0x7e, EXIT_EXCEPTION},    /* an x87 fault that would freeze the processor */
    {0x7f, 0x7f, EXIT_TRIPLE_FAULT}, /* shutdown */
    {0x80, 0x80, EXIT_FORBIDDEN},    /* VMRUN */
    {0x81, 0x81, EXIT_HYPERCALL},    /* VMMCALL */
    {0x82, 0x86, EXIT_FORBIDDEN},    /* VMLOAD, VMSAVE, STGI, CLGI, SKINIT */
    {0x89, 0x89, EXIT_CACHE},        /* WBINVD */
    {0x8a, 0x8c, EXIT_FORBIDDEN},    /* MONITOR, MWAIT */
    {0x8d, 0x8d, EXIT_FORBIDDEN},    /* XSETBV without CR4.OSXSAVE */
    {0x8e, 0x8e, EXIT_FORBIDDEN},    /* RDPRU */
    {0xa0, 0xa1, EXIT_FORBIDDEN},    /* INVLPGB */
    {0xa3, 0xa4, EXIT_FORBIDDEN},    /* MCOMMIT, TLBSYNC */
    {0xa5, 0xa5, EXIT_BUS_LOCK},     /* a bus lock */
    {0xa6, 0xa6, EXIT_HALT},         /* HLT with nothing that would end it */
    {0x400, 0x400, EXIT_NESTED_FAULT},
};

static void test_kinds(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0xfff0; code++) {
        enum exit_kind want = EXIT_UNKNOWN;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
            if (code >= kinds[i].first && code <= kinds[i].last)
                want = kinds[i].kind;
        if (kind_of(code) != want)
            fail_msg("exit 0x%x is of kind %d, not %d", code, kind_of(code), want);
    }
}

/* A code of the processor's that has no row stops the guest; so does one that is none. */
static void test_unknown(void **state)
{
    (void)state;
    for (uint64_t code = 0x404; code < 0xfff0; code++)
        assert_int_equal(kind_of(code), EXIT_UNKNOWN);
    for (uint32_t bit = 16; bit < 32; bit++)
        assert_int_equal(kind_of(BIT64(bit) | 0x72), EXIT_UNKNOWN);
}

/* -1, in 64 bits as the manual has it and in the 32 that some emulators write. */
static void test_invalid(void **state)
{
    (void)state;
    assert_int_equal(kind_of(UINT64_MAX), EXIT_ENTRY_FAILED);
    assert_int_equal(kind_of(UINT32_MAX), EXIT_ENTRY_FAILED);
    assert_int_equal(kind_of(UINT64_MAX - 1), EXIT_ENTRY_FAILED);
}

static struct vcpu_exit fault(uint64_t info)
{
    const struct svm_vmcb vmcb = {.exit_code = 0x400, .exit_info_1 = info, .exit_info_2 = 0x12345};
    struct vcpu_exit x = {.kind = EXIT_NESTED_FAULT};

    svm_decode_details(&vmcb, &x);
    assert_int_equal(x.fault.address.v, 0x12345);
    return x;
}

static void test_fault(void **state)
{
    (void)state;
    assert_int_equal(fault(NPF_USER | NPF_FINAL).fault.access, NESTED_READ);
    assert_int_equal(fault(NPF_USER | NPF_WRITE | NPF_FINAL).fault.access, NESTED_WRITE);
    assert_int_equal(fault(NPF_USER | NPF_FETCH | NPF_FINAL).fault.access, NESTED_EXEC);
    assert_false(fault(NPF_USER | NPF_FINAL).fault.table_walk);
    assert_true(fault(NPF_USER | NPF_WRITE | NPF_GUEST_TABLE).fault.table_walk);
}

static void test_exception(void **state)
{
    const struct svm_vmcb ac = {.exit_code = 0x51, .exit_info_1 = 0};
    const struct svm_vmcb db = {.exit_code = 0x41};
    const struct svm_vmcb ferr = {.exit_code = 0x7e};
    struct vcpu_exit x = {.kind = EXIT_EXCEPTION};

    (void)state;
    svm_decode_details(&ac, &x);
    assert_int_equal(x.exception.vector, VECTOR_AC);
    assert_true(x.exception.has_error_code);
    svm_decode_details(&db, &x);
    assert_int_equal(x.exception.vector, VECTOR_DB);
    assert_false(x.exception.has_error_code);
    svm_decode_details(&ferr, &x);
    assert_int_equal(x.exception.vector, VECTOR_MF);
    assert_false(x.exception.has_error_code);
}

/* EXITINFO1 of IN and OUT, as the manual draws it. */
static void test_pio(void **state)
{
    (void)state;
    assert_int_equal(svm_pio(UINT64_C(0x03f80010)), 0x03f8u << 16 | 0);            /* OUT, byte */
    assert_int_equal(svm_pio(UINT64_C(0x03f80021)), 0x03f8u << 16 | PIO_IN | 1);   /* IN, word */
    assert_int_equal(svm_pio(UINT64_C(0xffff0041)), 0xffffu << 16 | PIO_IN | 3);   /* IN, 4 bytes */
    assert_int_equal(svm_pio(UINT64_C(0x00ed001c)), 0xedu << 16 | PIO_STRING | 0); /* REP OUTSB */
    for (uint64_t size = 0; size < 8; size++)
        assert_int_equal(svm_pio_is_good(size << 4), size == 1 || size == 2 || size == 4);
}

/* abuse: a guest can neither see nor clear SVME, nor set what CPUID hides. */
static void test_efer(void **state)
{
    const uint64_t shown = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

    (void)state;
    for (uint32_t bit = 0; bit < 64; bit++)
        assert_int_equal(svm_efer_ok(0, 0, BIT64(bit)), (shown >> bit & 1) != 0);
    /* LME with paging on. */
    assert_false(svm_efer_ok(0, CR0_PG | CR0_PE, EFER_LME));
    assert_false(svm_efer_ok(EFER_LME | EFER_LMA, CR0_PG | CR0_PE, EFER_NXE));
    assert_true(svm_efer_ok(EFER_LME | EFER_LMA, CR0_PG | CR0_PE, EFER_LME | EFER_LMA | EFER_NXE));
    assert_true(svm_efer_ok(EFER_LME, CR0_PE, 0));
    /* LMA is the processor's. */
    assert_int_equal(svm_efer_real(0, EFER_LME | EFER_LMA), EFER_LME | EFER_SVME);
    assert_int_equal(svm_efer_real(EFER_LME | EFER_LMA, EFER_LME), EFER_LME | EFER_LMA | EFER_SVME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_invalid),   cmocka_unit_test(test_fault),
        cmocka_unit_test(test_exception), cmocka_unit_test(test_pio),
        cmocka_unit_test(test_efer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

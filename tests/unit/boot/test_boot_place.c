/* SPDX-License-Identifier: MIT */
/*
 * test_boot_place: a small static-PIE put together by hand, laid out and relocated, then broken in
 * every place that the loader looks at.
 */
#include "boot/place.h"

#include "support.h"

#include "boot/place.c" /* the loader's, so not among the sources every test has */

#define FILE_SIZE  0x1000
#define DATA_AT    0x800  /* in the file */
#define DATA_VADDR 0x1800 /* as ld does it: same place within the page */
#define IMAGE_SIZE 0x4000
#define BASE       UINT64_C(0x3e200000)
#define RELOCS     4
#define ROUNDS     100000

enum { DYN_RELA, DYN_RELASZ, DYN_RELAENT, DYN_OTHER, DYN_END, DYN_COUNT };

static struct {
    struct elf64_ehdr h;
    struct elf64_phdr p[4];
    struct elf64_rela rela[RELOCS];
    struct elf64_dyn dyn[DYN_COUNT];
} in;

#define RELA_AT (offsetof(__typeof__(in), rela))
#define DYN_AT  (offsetof(__typeof__(in), dyn))

static uint8_t *file;
static uint8_t *image;
static struct place place;

static void build(void)
{
    memset(&in, 0, sizeof(in));
    in.h = (struct elf64_ehdr){.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                               .type = ET_DYN,
                               .machine = 62,
                               .version = 1,
                               .entry = 0x7f0,
                               .phoff = sizeof(struct elf64_ehdr),
                               .phentsize = sizeof(struct elf64_phdr),
                               .phnum = 3};
    in.p[0] = (struct elf64_phdr){
        .type = PT_LOAD, .flags = PF_R | PF_X, .filesz = DATA_AT, .memsz = DATA_AT};
    in.p[1] = (struct elf64_phdr){.type = PT_LOAD,
                                  .flags = PF_R | PF_W,
                                  .offset = DATA_AT,
                                  .vaddr = DATA_VADDR,
                                  .filesz = 0x100,
                                  .memsz = 0x2001, /* to 0x3801: the last page is not full */
                                  .align = 0x1000};
    in.p[2] = (struct elf64_phdr){.type = PT_DYNAMIC,
                                  .offset = DYN_AT,
                                  .vaddr = DYN_AT,
                                  .filesz = sizeof(in.dyn),
                                  .memsz = sizeof(in.dyn)};
    in.rela[0] = (struct elf64_rela){DATA_VADDR, R_X86_64_RELATIVE, 0x123};
    in.rela[1] = (struct elf64_rela){DATA_VADDR + 0x21, R_X86_64_RELATIVE, IMAGE_SIZE};
    in.rela[2] = (struct elf64_rela){IMAGE_SIZE - 8, R_X86_64_RELATIVE, (uint64_t)-1};
    in.rela[3] = (struct elf64_rela){UINT64_MAX, R_X86_64_NONE, 7}; /* does nothing */
    in.dyn[DYN_RELA] = (struct elf64_dyn){DT_RELA, RELA_AT};
    in.dyn[DYN_RELASZ] = (struct elf64_dyn){DT_RELASZ, sizeof(in.rela)};
    in.dyn[DYN_RELAENT] = (struct elf64_dyn){DT_RELAENT, sizeof(in.rela[0])};
    in.dyn[DYN_OTHER] = (struct elf64_dyn){0x6ffffef5, UINT64_MAX}; /* DT_GNU_HASH */
    in.dyn[DYN_END] = (struct elf64_dyn){DT_NULL, 0};
}

static bool check(void)
{
    file = realloc(file, FILE_SIZE + 1);
    assert_non_null(file);
    for (size_t i = 0; i < FILE_SIZE; i++)
        file[1 + i] = (uint8_t)(i * 7 + 1);
    memcpy(file + 1, &in, sizeof(in));
    return place_check(&place, file + 1, FILE_SIZE);
}

/* Memory of exactly the image's size, full of rubbish. */
static bool lay_out(void)
{
    free(image);
    image = malloc(place.size);
    assert_non_null(image);
    memset(image, 0xee, place.size);
    return place_image(&place, image, BASE);
}

static void is_refused(bool done, const char *text)
{
    assert_false(done);
    assert_non_null(place.why);
    assert_non_null(strstr(place.why, text));
    build(); /* a good one for the next */
}

#define REFUSED_CHECK(text) is_refused(check(), text)
#define REFUSED_IMAGE(text) is_refused(check() && lay_out(), text)

static uint64_t word(uint64_t at)
{
    uint64_t v;
    memcpy(&v, image + at, sizeof(v));
    return v;
}

static void test_good(void **state)
{
    (void)state;
    build();
    assert_true(check());
    assert_int_equal(place.size, IMAGE_SIZE);
    assert_int_equal(place.entry, 0x7f0);
    assert_true(lay_out());
    assert_null(place.why);
    assert_memory_equal(image, file + 1, DATA_AT);
    for (size_t i = DATA_AT; i < DATA_VADDR; i++)
        assert_int_equal(image[i], 0); /* between the segments */
    assert_int_equal(word(DATA_VADDR), BASE + 0x123);
    assert_memory_equal(image + DATA_VADDR + 8, file + 1 + DATA_AT + 8, 0x19);
    assert_int_equal(word(DATA_VADDR + 0x21), BASE + IMAGE_SIZE);
    assert_memory_equal(image + DATA_VADDR + 0x29, file + 1 + DATA_AT + 0x29, 0x100 - 0x29);
    for (size_t i = DATA_VADDR + 0x100; i < IMAGE_SIZE - 8; i++)
        assert_int_equal(image[i], 0); /* .bss, and the rest of the last page */
    assert_int_equal(word(IMAGE_SIZE - 8), BASE - 1);
}

static void test_without_relocations(void **state)
{
    (void)state;
    build();
    in.h.phnum = 2; /* no PT_DYNAMIC */
    assert_true(check() && lay_out());
    assert_memory_equal(image + DATA_VADDR, file + 1 + DATA_AT, 0x100);
    build();
    in.dyn[0].tag = DT_NULL; /* an empty one */
    assert_true(check() && lay_out());
    build();
    in.dyn[DYN_RELASZ].value = 0;
    in.dyn[DYN_RELA].value = UINT64_MAX;
    assert_true(check() && lay_out());
    build();
    in.p[2].filesz = sizeof(struct elf64_dyn) * DYN_END + 15; /* no DT_NULL, half an entry */
    assert_true(check() && lay_out());
    assert_int_equal(word(DATA_VADDR), BASE + 0x123);
    build();
    in.p[2].offset = FILE_SIZE - 15; /* less than one entry, at the end of the file */
    in.p[2].filesz = 15;
    assert_true(check() && lay_out());
}

static void test_headers(void **state)
{
    (void)state;
    build();
    in.h.ident[0] = 'M';
    REFUSED_CHECK("is not an ELF file");
    in.h.type = ET_EXEC;
    REFUSED_CHECK("position-independent");
    in.p[2].type = PT_INTERP;
    REFUSED_CHECK("static-PIE");
    in.p[1].align = 4 * MIB;
    REFUSED_CHECK("alignment");
    in.p[1].align = PLACE_ALIGN;
    assert_true(check());
    in.h.entry = DATA_AT;
    REFUSED_CHECK("entry point");
    in.h.entry = DATA_VADDR; /* data */
    REFUSED_CHECK("entry point");
    in.h.entry = UINT64_MAX;
    REFUSED_CHECK("entry point");
}

static void test_sizes(void **state)
{
    (void)state;
    build();
    in.p[1].memsz = PLACE_SIZE_MAX - DATA_VADDR;
    assert_true(check());
    assert_int_equal(place.size, PLACE_SIZE_MAX);
    in.p[1].memsz++;
    REFUSED_CHECK("256 MiB");
    in.p[1].memsz = UINT64_MAX - DATA_VADDR;
    REFUSED_CHECK("256 MiB");
    in.p[1].vaddr = UINT64_MAX - 0x2000; /* ends at exactly 2^64 */
    REFUSED_CHECK("256 MiB");
    in.p[1].vaddr = UINT64_MAX; /* far away, but nothing of it */
    in.p[1].filesz = in.p[1].memsz = 0;
    in.dyn[DYN_RELASZ].value = 0;
    assert_true(check());
    assert_int_equal(place.size, PAGE_SIZE);
    assert_true(lay_out());
}

static void test_relocation_table(void **state)
{
    (void)state;
    build();
    in.dyn[DYN_RELAENT].value = 16;
    REFUSED_IMAGE("entry size");
    in.dyn[DYN_RELAENT].tag = 0x7000; /* not said at all */
    REFUSED_IMAGE("entry size");
    in.dyn[DYN_RELASZ].value--;
    REFUSED_IMAGE("entry size");
    in.dyn[DYN_RELA].value = IMAGE_SIZE - sizeof(in.rela) + 1;
    REFUSED_IMAGE("table outside");
    in.dyn[DYN_RELA].value = UINT64_MAX - sizeof(in.rela) + 1; /* wraps to 0 */
    REFUSED_IMAGE("table outside");
    in.dyn[DYN_RELASZ].value = UINT64_MAX / 24 * 24;
    REFUSED_IMAGE("table outside");
    in.dyn[DYN_OTHER] = (struct elf64_dyn){DT_PLTRELSZ, 24};
    REFUSED_IMAGE("PLT");
    in.dyn[DYN_OTHER] = (struct elf64_dyn){DT_RELSZ, 16};
    REFUSED_IMAGE("DT_REL)");
    in.dyn[DYN_OTHER] = (struct elf64_dyn){DT_RELRSZ, 8};
    REFUSED_IMAGE("DT_RELR)");
    in.dyn[DYN_OTHER] = (struct elf64_dyn){DT_PLTRELSZ, 0};
    assert_true(check() && lay_out());
}

static void test_relocations(void **state)
{
    static const struct {
        uint64_t type;
        const char *text;
    } types[] = {{1, "R_X86_64_64,"},         {6, "R_X86_64_GLOB_DAT,"},
                 {7, "R_X86_64_JUMP_SLOT,"},  {9, "R_X86_64_GOTPCREL,"},
                 {37, "R_X86_64_IRELATIVE,"}, {38, "R_X86_64_RELATIVE64,"},
                 {12, "unknown type"},        {39, "unknown type"},
                 {0x108, "unknown type"},     {UINT32_MAX, "unknown type"}};
    (void)state;
    build();
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        in.rela[1].info = types[i].type | UINT64_C(5) << 32; /* with a symbol */
        REFUSED_IMAGE(types[i].text);
    }
    in.rela[2].offset = IMAGE_SIZE - 7;
    REFUSED_IMAGE("relocation outside");
    in.rela[2].offset = UINT64_MAX - 7;
    REFUSED_IMAGE("relocation outside");
    in.rela[2].offset = BASE; /* an address where an offset belongs */
    REFUSED_IMAGE("relocation outside");
    /* A table that changes itself while it is applied: harmless, as each entry is checked. */
    in.rela[0].offset = RELA_AT + sizeof(in.rela[0]);
    REFUSED_IMAGE("relocation outside");
}

static void test_random(void **state)
{
    uint64_t seed = 3;
    unsigned placed = 0;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        build();
        for (uint64_t n = random_next(&seed) % 3 + 1; n > 0; n--) {
            uint64_t at = random_next(&seed) % sizeof(in);
            ((uint8_t *)&in)[at] = (uint8_t)(random_next(&seed) >> (random_next(&seed) % 8));
        }
        if (check() && place.size <= 64 * KIB && lay_out())
            placed++;
    }
    assert_in_range(placed, ROUNDS / 20, ROUNDS - ROUNDS / 20); /* both ways were taken */
}

static int free_all(void **state)
{
    (void)state;
    free(file);
    free(image);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_without_relocations),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_relocation_table),
        cmocka_unit_test(test_relocations),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}

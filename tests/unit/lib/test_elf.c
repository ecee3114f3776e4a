/* SPDX-License-Identifier: MIT */
/*
 * test_elf: one good file, every way of breaking it by hand, every length it can be cut to, and
 * many random ways; and the walk through its notes. The file lies at an odd address, in memory of
 * exactly its size, so that the sanitizers see a stray or misaligned read.
 */
#include "lib/elf.h"

#include "support.h"

#define NOTES_AT   0x300
#define NOTES_SIZE 0x100
#define FILE_SIZE  (NOTES_AT + NOTES_SIZE) /* nothing behind the notes */
#define ROUNDS     200000

/* The file under test, to be changed before check(). */
static struct {
    struct elf64_ehdr h;
    struct elf64_phdr p[ELF_SEGMENTS_MAX + 1];
    uint8_t notes[NOTES_SIZE];
} file;

/* The file is laid out as ELF32: the same numbers, their low halves. */
static bool narrow;

static uint8_t *memory; /* the file's bytes start at memory + 1 */
static struct elf elf;

static void build(enum elf_type type)
{
    memset(&file, 0, sizeof(file));
    file.h = (struct elf64_ehdr){
        .ident = {0x7f, 'E', 'L', 'F', narrow ? 1 : 2, 1, 1},
        .type = (uint16_t)type,
        .machine = narrow ? 3 : 62,
        .version = 1,
        .entry = 0x100000,
        .phoff = sizeof(struct elf64_ehdr),
        .ehsize = sizeof(struct elf64_ehdr),
        .phentsize = narrow ? sizeof(struct elf32_phdr) : sizeof(struct elf64_phdr),
        .phnum = 3,
    };
    /* paddr and vaddr differ, so that it shows which of them counts. */
    file.p[0] = (struct elf64_phdr){.type = PT_LOAD,
                                    .flags = PF_R | PF_X,
                                    .vaddr = narrow ? 0x80000000 : 0xffffffff80000000,
                                    .paddr = 0x100000,
                                    .filesz = FILE_SIZE,
                                    .memsz = 0x1000,
                                    .align = 0x1000};
    file.p[1] = (struct elf64_phdr){.type = PT_LOAD,
                                    .flags = PF_R | PF_W,
                                    .offset = 0x280,
                                    .vaddr = narrow ? 0x80001000 : 0xffffffff80001000,
                                    .paddr = 0x101000,
                                    .filesz = 0x100,
                                    .memsz = 0x5000,
                                    .align = 0x1000};
    file.p[2] = (struct elf64_phdr){
        .type = PT_NOTE, .offset = NOTES_AT, .filesz = NOTES_SIZE, .memsz = NOTES_SIZE, .align = 4};
}

static void lay_out_narrow(uint8_t *whole)
{
    struct elf32_ehdr h = {.type = file.h.type,
                           .machine = file.h.machine,
                           .version = file.h.version,
                           .entry = (uint32_t)file.h.entry,
                           .phoff = (uint32_t)file.h.phoff,
                           .ehsize = sizeof(h),
                           .phentsize = file.h.phentsize,
                           .phnum = file.h.phnum};

    memcpy(h.ident, file.h.ident, sizeof(h.ident));
    memcpy(whole, &h, sizeof(h));
    for (size_t i = 0; i < 6; i++) {
        const struct elf64_phdr *p = &file.p[i];
        const struct elf32_phdr to = {.type = p->type,
                                      .offset = (uint32_t)p->offset,
                                      .vaddr = (uint32_t)p->vaddr,
                                      .paddr = (uint32_t)p->paddr,
                                      .filesz = (uint32_t)p->filesz,
                                      .memsz = (uint32_t)p->memsz,
                                      .flags = p->flags,
                                      .align = (uint32_t)p->align};
        memcpy(whole + sizeof(file.h) + i * sizeof(to), &to, sizeof(to));
    }
}

/* Lays the file out and checks its first `size` bytes. */
static bool check_cut(uint64_t size, enum elf_use use)
{
    uint8_t whole[FILE_SIZE] = {0};

    memcpy(whole, &file.h, sizeof(file.h));
    memcpy(whole + sizeof(file.h), file.p, 6 * sizeof(file.p[0])); /* below NOTES_AT */
    if (narrow) {
        memset(whole, 0, NOTES_AT);
        lay_out_narrow(whole);
    }
    memcpy(whole + NOTES_AT, file.notes, NOTES_SIZE);
    free(memory);
    memory = malloc(size + 1);
    assert_non_null(memory);
    memcpy(memory + 1, whole, size);
    return elf_check(&elf, memory + 1, size, use);
}

static bool check(void)
{
    return check_cut(FILE_SIZE, ELF_FOR_GUEST);
}

#define REFUSED(text)                                 \
    do {                                              \
        assert_false(check());                        \
        assert_non_null(elf.why);                     \
        assert_non_null(strstr(elf.why, text));       \
        build(ET_EXEC); /* a good one for the next */ \
    } while (0)

static void test_good(void **state)
{
    (void)state;
    build(ET_EXEC);
    assert_true(check());
    assert_null(elf.why);
    assert_int_equal(elf.segment_count, 3);
    assert_int_equal(elf.header.entry, 0x100000);
    assert_memory_equal(elf.segments, file.p, 3 * sizeof(file.p[0]));
    assert_ptr_equal(elf.bytes, memory + 1);
    assert_int_equal(elf.size, FILE_SIZE);
    assert_int_equal(elf.is_32, narrow);
    build(ET_DYN);
    assert_int_equal(check_cut(FILE_SIZE, ELF_FOR_LOADER), !narrow);
    if (narrow)
        assert_string_equal(elf.why, "is not a 64-bit ELF file");
}

/* abuse: BI-04 */
static void test_header(void **state)
{
    (void)state;
    build(ET_EXEC);
    for (unsigned i = 0; i < 4; i++) {
        file.h.ident[i] ^= 0x20;
        REFUSED("is not an ELF file");
    }
    file.h.ident[4] = 0;
    REFUSED("not a 64-bit");
    file.h.ident[4] = 3;
    REFUSED("not a 64-bit");
    file.h.ident[5] = 2;
    REFUSED("another processor");
    file.h.machine = 183;
    REFUSED("another processor");
    file.h.machine = narrow ? 62 : 3; /* x32 is entered alike; ELF64 for an i386 is nonsense */
    assert_int_equal(check(), narrow);
    build(ET_EXEC);
    file.h.ident[6] = 0;
    REFUSED("version");
    file.h.version = 2;
    REFUSED("version");
    file.h.type = ET_REL;
    REFUSED("is an ELF object file, which must be linked first");
    file.h.type = ET_DYN;
    REFUSED("is a position-independent executable (ET_DYN); a kernel linked at fixed addresses "
            "(ET_EXEC) is needed");
    file.h.type = 0x100 + ET_EXEC;
    REFUSED("is neither an ELF executable (ET_EXEC) nor an object file");
    assert_false(check_cut(FILE_SIZE, ELF_FOR_LOADER));
    assert_string_equal(elf.why, narrow ? "is not a 64-bit ELF file"
                                        : "is not a position-independent ELF executable");
}

/* abuse: BI-04 */
static void test_program_headers(void **state)
{
    (void)state;
    build(ET_EXEC);
    file.h.phnum = 0;
    REFUSED("no program headers");
    file.h.phnum = ELF_SEGMENTS_MAX + 1;
    REFUSED("more than 16");
    file.h.phnum = 0xffff; /* PN_XNUM: the real number is elsewhere */
    REFUSED("more than 16");
    file.h.phentsize = narrow ? 56 : 32; /* the other class's */
    REFUSED("wrong size");
    file.h.phentsize = 0xffff;
    REFUSED("wrong size");
    file.h.phoff = FILE_SIZE - 3u * file.h.phentsize + 1;
    REFUSED("cut off");
    file.h.phoff = UINT64_MAX;
    REFUSED("cut off");
    file.h.phoff = UINT64_MAX - 3u * file.h.phentsize + 1; /* the sum wraps to 0 */
    REFUSED("cut off");
}

/* abuse: BI-05 */
static void test_segments(void **state)
{
    (void)state;
    build(ET_EXEC);
    file.p[0].filesz = FILE_SIZE + 1;
    REFUSED("beyond the end");
    file.p[1].offset = FILE_SIZE + 1;
    REFUSED("beyond the end");
    file.p[1].offset = UINT64_MAX - 0xff; /* offset + filesz wraps to 0 */
    REFUSED("beyond the end");
    file.p[2].filesz = UINT64_MAX;
    REFUSED("beyond the end");
    file.p[0].memsz = FILE_SIZE - 1;
    REFUSED("larger in the file");
    file.p[1].paddr = UINT64_MAX - 0x4ffe;
    REFUSED("wraps");
    file.p[1].paddr = UINT64_MAX - 0x4fff; /* ends at exactly 2^64, or 2^32 */
    assert_true(check());
    build(ET_EXEC);
    file.p[0].type = file.p[1].type = PT_NOTE;
    REFUSED("nothing to load");
    file.p[0].memsz = file.p[0].filesz = file.p[1].memsz = file.p[1].filesz = 0;
    REFUSED("nothing to load");
    file.p[2] = (struct elf64_phdr){.type = PT_NULL, .offset = UINT64_MAX, .filesz = 5};
    assert_true(check());
    build(ET_EXEC);
    file.p[2].memsz = 0; /* only what is loaded must have a memory size */
    assert_true(check());
}

/* abuse: BI-05 */
static void test_overlap(void **state)
{
    (void)state;
    build(ET_EXEC);
    file.p[1].paddr = 0x100fff;
    REFUSED("overlap");
    file.p[1].paddr = 0x100000 - 0x4fff;
    REFUSED("overlap");
    file.p[1].paddr = 0x100000 - 0x5000; /* just below */
    assert_true(check());
    file.p[1].paddr = 0x100000;
    file.h.type = ET_DYN;
    assert_int_equal(check_cut(FILE_SIZE, ELF_FOR_LOADER), !narrow); /* apart by vaddr */
    file.h.type = ET_EXEC;
    file.p[1].memsz = file.p[1].filesz = 0; /* no bytes, no overlap */
    assert_true(check());
    build(ET_EXEC);
    file.p[0].paddr = file.p[1].paddr + 1;
    file.p[0].memsz = file.p[0].filesz = 0;
    assert_true(check());
    build(ET_EXEC);
    file.p[1].vaddr = file.p[0].vaddr;
    assert_true(check()); /* apart by paddr */
    file.h.type = ET_DYN;
    assert_false(check_cut(FILE_SIZE, ELF_FOR_LOADER));
    build(ET_EXEC);
    file.p[0].paddr = 0;
    file.p[0].memsz = UINT64_MAX; /* everything but the last byte */
    REFUSED("overlap");
}

static void test_every_cut(void **state)
{
    (void)state;
    build(ET_EXEC);
    for (uint64_t size = 0; size < FILE_SIZE; size++) {
        assert_false(check_cut(size, ELF_FOR_GUEST));
        assert_non_null(elf.why);
    }
}

/* Appends one note at `at`, padded to `align`; returns where the next one goes. */
static size_t add_note(size_t at, const char *name, uint32_t type, const char *desc, size_t align)
{
    uint32_t head[3] = {(uint32_t)strlen(name) + 1, (uint32_t)strlen(desc), type};

    memcpy(file.notes + at, head, sizeof(head));
    at += sizeof(head);
    memcpy(file.notes + at, name, head[0]);
    at = (at + head[0] + align - 1) & ~(align - 1);
    memcpy(file.notes + at, desc, head[1]);
    return (at + head[1] + align - 1) & ~(align - 1);
}

static void has_note(const char *name, uint32_t type, const char *text)
{
    uint32_t len = 0;
    const void *desc = elf_note(&elf, name, type, &len);

    assert_non_null(desc);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(desc, text, len);
}

static void test_notes(void **state)
{
    uint32_t len = 77;
    (void)state;
    for (size_t align = 4; align <= 8; align += 4) {
        size_t at;

        build(ET_EXEC);
        file.p[2].align = align;
        at = add_note(0, "GNU", 3, "0123456789abcdefghij", align);
        at = add_note(at, "Linux", 18, "x", align);
        at = add_note(at, "Xen", 5, "version", align);
        at = add_note(at, "Xen", 18, "entr", align);
        at = add_note(at, "Xenon", 18, "no", align);
        at = add_note(at, "", 1, "nameless", align);
        file.p[2].filesz = add_note(at, "last", 9, "", align);
        assert_true(check());
        has_note("GNU", 3, "0123456789abcdefghij");
        has_note("Xen", 18, "entr");
        has_note("Xen", 5, "version");
        has_note("Linux", 18, "x");
        has_note("", 1, "nameless");
        has_note("last", 9, "");
        assert_null(elf_note(&elf, "Xen", 19, &len));
        assert_null(elf_note(&elf, "Xe", 18, &len));
        assert_null(elf_note(&elf, "Xeno", 18, &len));
        assert_int_equal(len, 77);
    }
}

/* One note, of which only the first `size` bytes are there, and they are the file's last. */
static void build_note_at_end(const char *name, uint32_t type, const char *desc, size_t size)
{
    build(ET_EXEC);
    add_note(0, name, type, desc, 4);
    memmove(file.notes + NOTES_SIZE - size, file.notes, size);
    file.p[2].offset = FILE_SIZE - size;
    file.p[2].filesz = size;
    assert_true(check());
}

static void test_notes_at_end(void **state)
{
    uint32_t len = 0;
    (void)state;
    for (size_t size = 0; size < 20; size++) {
        build_note_at_end("Xen", 18, "entr", size);
        assert_null(elf_note(&elf, "Xen", 18, &len));
    }
    build_note_at_end("Xen", 18, "entr", 20);
    has_note("Xen", 18, "entr");
    build_note_at_end("GNU", 1, "xy", 18); /* its padding is beyond the end */
    has_note("GNU", 1, "xy");
    assert_null(elf_note(&elf, "Xen", 18, &len));
}

static void test_notes_damaged(void **state)
{
    uint32_t len = 0;
    uint32_t huge = UINT32_MAX;
    (void)state;
    for (size_t field = 0; field < 8; field += 4) { /* name and descriptor size */
        build(ET_EXEC);
        add_note(0, "Xen", 18, "entr", 4);
        memcpy(file.notes + field, &huge, sizeof(huge));
        assert_true(check());
        assert_null(elf_note(&elf, "Xen", 18, &len));
    }
    /* A name that is not ended where its size says. */
    build(ET_EXEC);
    add_note(0, "Xen", 18, "entr", 4);
    file.notes[12 + 3] = '!';
    assert_true(check());
    assert_null(elf_note(&elf, "Xen", 18, &len));
    /* A name with more bytes than its NUL ends. */
    build(ET_EXEC);
    add_note(0, "Xen1234", 18, "entr", 4);
    memset(file.notes + 12 + 3, 0, 5);
    assert_true(check());
    assert_null(elf_note(&elf, "Xen", 18, &len));
    /* The search goes on in the next segment. */
    build(ET_EXEC);
    memcpy(file.notes, &huge, sizeof(huge));
    file.p[2].filesz = 0x40;
    file.p[3] = file.p[2];
    file.p[3].offset = NOTES_AT + 0x40;
    file.h.phnum = 4;
    add_note(0x40, "Xen", 18, "entr", 4);
    assert_true(check());
    has_note("Xen", 18, "entr");
}

/* Random damage: no stray access, and what is accepted keeps the promises of elf.h. */
static void test_random(void **state)
{
    uint64_t seed = 1;
    unsigned accepted = 0;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t *bytes = (uint8_t *)&file;
        uint32_t len;

        build(ET_EXEC);
        add_note(add_note(0, "GNU", 1, "some", 4), "Xen", 18, "entr", 4);
        for (uint64_t n = random_next(&seed) % 4 + 1; n > 0; n--) {
            uint64_t at = random_next(&seed) % (sizeof(file.h) + 4 * sizeof(file.p[0]) + 64);
            if (at >= sizeof(file.h) + 4 * sizeof(file.p[0]))
                file.notes[at % 64] = (uint8_t)random_next(&seed);
            else
                bytes[at] = (uint8_t)(random_next(&seed) >> (random_next(&seed) % 8));
        }
        if (!check()) {
            assert_non_null(elf.why);
            continue;
        }
        accepted++;
        for (uint32_t i = 0; i < elf.segment_count; i++) {
            const struct elf64_phdr *p = &elf.segments[i];
            if (p->type == PT_NULL)
                continue;
            assert_true(p->filesz <= FILE_SIZE && p->offset <= FILE_SIZE - p->filesz);
            if (p->type == PT_LOAD)
                assert_true(p->filesz <= p->memsz);
        }
        const uint8_t *desc = elf_note(&elf, "Xen", 18, &len);
        if (desc != NULL)
            assert_true(desc >= elf.bytes && (uint64_t)(desc - elf.bytes) + len <= FILE_SIZE);
    }
    assert_in_range(accepted, ROUNDS / 20, ROUNDS - ROUNDS / 20); /* both ways were taken */
}

static int make_wide(void **state)
{
    (void)state;
    narrow = false;
    return 0;
}

static int make_narrow(void **state)
{
    (void)state;
    narrow = true;
    return 0;
}

static int free_memory(void **state)
{
    (void)state;
    free(memory);
    memory = NULL;
    return 0;
}

int main(void)
{
#define TEST(f)                                    \
    cmocka_unit_test_setup(f, make_wide),          \
    {                                              \
#f " of ELF32", f, make_narrow, NULL, NULL \
    }
    const struct CMUnitTest tests[] = {
        TEST(test_good),     TEST(test_header),       TEST(test_program_headers),
        TEST(test_segments), TEST(test_overlap),      TEST(test_every_cut),
        TEST(test_notes),    TEST(test_notes_at_end), TEST(test_notes_damaged),
        TEST(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, free_memory);
}

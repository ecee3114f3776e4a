/* SPDX-License-Identifier: MIT */
/*
 * test_pagetable: the walker against a list of mappings that is looked through one by one, with a
 * format of no real CPU, whose entries carry their level so that a walk gone astray is seen.
 */
#include "mm/pagetable.h"

#include "support.h"

#include "lib/bits.h"
#include "tests/unit/pagetable_look.h"

#define FAKE_PRESENT BIT64(63)
#define FAKE_LEAF    BIT64(62)
#define FAKE_ADDRESS MASK64(51, 12)

#define POOL_PAGES   1024
#define MAPPINGS_MAX 40

static uint64_t fake_make_table(hpa_t table, uint32_t level)
{
    assert_in_range(level, 2, PT_LEVELS);
    assert_int_equal(table.v & ~FAKE_ADDRESS, 0);
    return table.v | FAKE_PRESENT | 0xf;
}

static uint64_t fake_make_leaf(hpa_t address, uint32_t level, uint32_t rights,
                               enum pt_memory memory)
{
    assert_int_equal(address.v % (PAGE_SIZE << 9 * (level - 1)), 0);
    assert_true(address.v < PT_OUTPUT_MAX);
    return address.v | FAKE_PRESENT | FAKE_LEAF | rights | (uint64_t)memory << 4 |
           (uint64_t)level << 8;
}

static bool fake_is_present(uint64_t entry)
{
    if ((entry & FAKE_PRESENT) == 0)
        assert_int_equal(entry, 0);
    return entry != 0;
}

static bool fake_is_leaf(uint64_t entry, uint32_t level)
{
    assert_int_not_equal(entry, 0);
    if ((entry & FAKE_LEAF) != 0)
        assert_int_equal(bits_get(entry, 10, 8), level);
    return (entry & FAKE_LEAF) != 0;
}

static hpa_t fake_address(uint64_t entry, uint32_t level)
{
    assert_int_not_equal(entry, 0);
    assert_in_range(level, 1, PT_LEVELS);
    return hpa(entry & FAKE_ADDRESS);
}

static uint32_t fake_rights(uint64_t entry)
{
    return (uint32_t)(entry & 0xf);
}

static const struct pt_format fake = {.name = "fake",
                                      .make_table = fake_make_table,
                                      .make_leaf = fake_make_leaf,
                                      .is_present = fake_is_present,
                                      .is_leaf = fake_is_leaf,
                                      .address = fake_address,
                                      .rights = fake_rights};

/* What should be mapped. */
struct mapping {
    uint64_t from, to, size;
    uint32_t rights;
    enum pt_memory memory;
};

struct model {
    struct mapping rows[MAPPINGS_MAX]; /* disjoint, sorted by `from` */
    size_t count;
};

struct world {
    void *memory;
    struct pages pages;
    struct pagetable pt;
};

static void world_make(struct world *w, uint32_t leaf_level_max, uint64_t pages)
{
    w->memory = aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);
    assert_non_null(w->memory);
    memset(w->memory, 0xa5, pages * PAGE_SIZE);
    struct range pool = {.base = (uintptr_t)w->memory, .size = pages * PAGE_SIZE};
    pages_init(&w->pages, pool);
    assert_int_equal(pt_create(&w->pt, &fake, leaf_level_max, &w->pages), OK);
}

static void world_free(struct world *w)
{
    free(w->memory);
}

static uint64_t span(uint32_t level)
{
    return PAGE_SIZE << 9 * (level - 1);
}

static const struct mapping *model_find(const struct model *m, uint64_t from, uint64_t size)
{
    for (size_t i = 0; i < m->count; i++) {
        if (from < m->rows[i].from + m->rows[i].size && m->rows[i].from < from + size)
            return &m->rows[i];
    }
    return NULL;
}

static void model_add(struct model *m, struct mapping row)
{
    size_t at = m->count++;
    assert_true(m->count <= MAPPINGS_MAX);
    for (; at > 0 && m->rows[at - 1].from > row.from; at--)
        m->rows[at] = m->rows[at - 1];
    m->rows[at] = row;
}

static struct mapping mapping_random(uint64_t *seed)
{
    static const uint64_t bases[] = {0,
                                     GIB,
                                     512 * GIB - 4 * MIB,
                                     PT_INPUT_MAX / 2 - 2 * GIB,
                                     PT_INPUT_MAX - 4 * GIB,
                                     PT_INPUT_MAX - 16 * MIB};
    struct mapping row;
    uint32_t from_level = 1 + (uint32_t)(random_next(seed) % 3);
    uint32_t size_level = 1 + (uint32_t)(random_next(seed) % 3);
    uint32_t to_level = 1 + (uint32_t)(random_next(seed) % 3);
    uint64_t from = bases[random_next(seed) % ARRAY_SIZE(bases)] + random_next(seed) % (4 * GIB);

    row.size = span(size_level) * (1 + random_next(seed) % (size_level == 3 ? 2 : 700));
    row.from = align_down(min_u64(from, PT_INPUT_MAX - row.size), span(from_level));
    row.to = align_down(random_next(seed) % (PT_OUTPUT_MAX - row.size), span(to_level));
    if (random_next(seed) % 2 == 0) /* the way memory really is: congruent */
        row.to = align_down(row.to, GIB) + row.from % GIB;
    if (row.to > PT_OUTPUT_MAX - row.size)
        row.to -= 4 * GIB;
    if (!is_aligned(row.from - row.to, PAGE_SIZE_2M)) /* 4 KiB leaves: keep their number small */
        row.size = min_u64(row.size, 16 * MIB);
    row.rights = 1 + (uint32_t)(random_next(seed) % 7);
    row.memory = (enum pt_memory)(random_next(seed) % 3);
    return row;
}

static enum status row_map(struct pagetable *pt, const struct mapping *row)
{
    return pt_map(pt, row->from, hpa(row->to), row->size, row->rights, row->memory);
}

static void check_look(const struct pagetable *pt, const struct model *m, uint64_t from)
{
    struct pt_leaf leaf;
    const struct mapping *row = model_find(m, from, 1);

    assert_int_equal(pt_look(pt, from, &leaf), row != NULL);
    if (row == NULL)
        return;
    assert_true(leaf.from <= from && from - leaf.from < leaf.size);
    assert_int_equal(leaf.address.v + (from - leaf.from), row->to + (from - row->from));
    assert_int_equal(leaf.rights, row->rights);
}

/* No larger leaf would have lain in the same mapping with both its sides aligned. */
static void check_largest(uint32_t leaf_level_max, const struct mapping *row,
                          const struct pt_leaf *leaf)
{
    for (uint32_t level = leaf_level_max; span(level) > leaf->size; level--) {
        uint64_t from = align_down(leaf->from, span(level));
        bool inside = from >= row->from && from + span(level) <= row->from + row->size;
        assert_false(inside && is_aligned(row->to - row->from, span(level)));
    }
    assert_true(leaf->size <= span(leaf_level_max));
}

/* Leaves, in order, are exactly the mappings: together that says what every byte maps to. */
static void check_tiling(const struct pagetable *pt, const struct model *m)
{
    struct pt_leaf leaf;
    uint64_t at = 0;

    for (size_t i = 0; i < m->count; i++) {
        const struct mapping *row = &m->rows[i];
        for (uint64_t done = 0; done < row->size; done += leaf.size) {
            assert_true(pt_next(pt, at, &leaf));
            assert_int_equal(leaf.from, row->from + done);
            assert_int_equal(leaf.address.v, row->to + done);
            assert_int_equal(leaf.rights, row->rights);
            assert_true(leaf.size <= row->size - done);
            check_largest(pt->leaf_level_max, row, &leaf);
            at = leaf.from + leaf.size;
        }
    }
    assert_false(pt_next(pt, at, &leaf));
}

/* From anywhere, the next leaf is the one there or the first of the next mapping. */
static void check_next(const struct pagetable *pt, const struct model *m, uint64_t from)
{
    struct pt_leaf leaf;
    size_t i = 0;

    while (i < m->count && m->rows[i].from + m->rows[i].size <= from)
        i++;
    assert_int_equal(pt_next(pt, from, &leaf), i < m->count);
    if (i == m->count)
        return;
    uint64_t want = max_u64(from, m->rows[i].from);
    assert_true(leaf.from <= want && want - leaf.from < leaf.size);
    assert_true(leaf.from == m->rows[i].from || from >= m->rows[i].from);
}

static void check_every_page(const struct pagetable *pt, const struct model *m, uint64_t *seed)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct mapping *row = &m->rows[i];
        uint64_t step = row->size <= 8 * MIB ? PAGE_SIZE : row->size / 300;
        for (uint64_t done = 0; done < row->size; done += step)
            check_look(pt, m, row->from + done + random_next(seed) % PAGE_SIZE);
        check_look(pt, m, row->from - 1);
        check_look(pt, m, row->from);
        check_look(pt, m, row->from + row->size - 1);
        check_look(pt, m, row->from + row->size);
    }
    for (int i = 0; i < 300; i++) {
        uint64_t from = mapping_random(seed).from + random_next(seed) % PAGE_SIZE;
        check_look(pt, m, from);
        check_next(pt, m, from);
    }
}

/* Counts tables; what is not present is all zero, and every table below the root is there for a
 * reason. The only recursion is here, in the test. */
static uint64_t check_tables(const struct pagetable *pt, hpa_t table, uint32_t level)
{
    const uint64_t *entries = (const uint64_t *)(uintptr_t)table.v;
    uint64_t tables = 1;
    uint64_t present = 0;

    assert_true(is_aligned(table.v, PAGE_SIZE));
    for (size_t i = 0; i < PT_ENTRIES; i++) {
        if (!pt->format->is_present(entries[i]))
            continue; /* fake_is_present() has seen that it is zero */
        present++;
        if (level > 1 && !pt->format->is_leaf(entries[i], level))
            tables += check_tables(pt, pt->format->address(entries[i], level), level - 1);
        else
            assert_true((entries[i] & FAKE_LEAF) != 0);
    }
    assert_true(present > 0 || level == PT_LEVELS);
    return tables;
}

static void check_all(const struct world *w, const struct model *m, uint64_t *seed)
{
    check_tiling(&w->pt, m);
    check_every_page(&w->pt, m, seed);
    uint64_t used = pages_constant(&w->pages).size / PAGE_SIZE;
    assert_int_equal(check_tables(&w->pt, w->pt.root, PT_LEVELS), used);
}

static void test_empty(void **state)
{
    struct world w;
    struct pt_leaf leaf;
    (void)state;
    world_make(&w, 3, 1);
    assert_false(pt_look(&w.pt, 0, &leaf));
    assert_false(pt_look(&w.pt, PT_INPUT_MAX - 1, &leaf));
    assert_false(pt_look(&w.pt, PT_INPUT_MAX, &leaf));
    assert_false(pt_look(&w.pt, UINT64_MAX, &leaf));
    assert_false(pt_next(&w.pt, 0, &leaf));
    assert_false(pt_next(&w.pt, UINT64_MAX, &leaf));
    struct range everything = {.base = 0, .size = UINT64_MAX};
    assert_false(pt_maps_physical(&w.pt, everything));
    world_free(&w);
}

static void test_random_mappings(void **state)
{
    uint64_t seed = 11;
    (void)state;
    for (uint32_t round = 0; round < 24; round++) {
        struct world w;
        struct model m = {.count = 0};
        world_make(&w, 1 + round % 3, POOL_PAGES);
        for (int i = 0; i < MAPPINGS_MAX; i++) {
            struct mapping row = mapping_random(&seed);
            if (round % 3 == 0) /* 4 KiB leaves of a gigabyte say nothing more, slowly */
                row.size = min_u64(row.size, 16 * MIB);
            if (model_find(&m, row.from, row.size) != NULL)
                continue;
            assert_int_equal(row_map(&w.pt, &row), OK);
            model_add(&m, row);
        }
        check_all(&w, &m, &seed);
        world_free(&w);
    }
}

/* An overlap is refused wherever it lies, and what was there stays as it was. */
static void test_random_overlaps(void **state)
{
    uint64_t seed = 12;
    size_t refused = 0;
    (void)state;
    for (uint32_t round = 0; round < 150; round++) {
        struct world w;
        struct model m = {.count = 0};
        world_make(&w, 2 + round % 2, POOL_PAGES);
        while (m.count < 12) {
            struct mapping row = mapping_random(&seed);
            bool overlaps = model_find(&m, row.from, row.size) != NULL;
            enum status s = row_map(&w.pt, &row);
            assert_int_equal(s, overlaps ? E_OVERLAP : OK);
            if (overlaps) {
                refused++;
                break; /* the caller gives up on the table */
            }
            model_add(&m, row);
        }
        for (size_t i = 0; i < m.count; i++) {
            check_look(&w.pt, &m, m.rows[i].from);
            check_look(&w.pt, &m, m.rows[i].from + m.rows[i].size - 1);
        }
        world_free(&w);
    }
    assert_true(refused > 50);
}

static void test_edges(void **state)
{
    uint64_t seed = 13;
    (void)state;
    for (uint32_t level = 1; level <= 3; level++) {
        struct world w;
        struct model m = {.count = 0};
        const struct mapping rows[] = {
            {0, PT_OUTPUT_MAX - PAGE_SIZE, PAGE_SIZE, PT_R, PT_WRITE_BACK},
            {PT_INPUT_MAX - PAGE_SIZE, 0, PAGE_SIZE, PT_R | PT_W, PT_UNCACHED},
            {PT_INPUT_MAX - PAGE_SIZE_1G - PAGE_SIZE_2M, PT_OUTPUT_MAX - PAGE_SIZE_2M, PAGE_SIZE_2M,
             PT_R | PT_X, PT_WRITE_BACK},
            {PT_INPUT_MAX / 2 - PAGE_SIZE, 5 * PAGE_SIZE, 2 * PAGE_SIZE, PT_R, PT_WRITE_BACK},
        };
        world_make(&w, level, POOL_PAGES);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            assert_int_equal(row_map(&w.pt, &rows[i]), OK);
            model_add(&m, rows[i]);
        }
        check_all(&w, &m, &seed);
        world_free(&w);
    }
}

/* All that there is, at once: 2^48 bytes in the largest leaves, tables at every level 3. */
static void test_whole_space(void **state)
{
    struct world w;
    struct pt_leaf leaf;
    uint64_t leaves = 0;
    (void)state;
    world_make(&w, 3, 1 + PT_ENTRIES);
    assert_int_equal(pt_map(&w.pt, 0, hpa(0), PT_INPUT_MAX, PT_R, PT_WRITE_BACK), OK);
    assert_int_equal(pages_left(&w.pages), 0);
    for (uint64_t at = 0; pt_next(&w.pt, at, &leaf); at = leaf.from + leaf.size) {
        assert_int_equal(leaf.size, PAGE_SIZE_1G);
        assert_int_equal(leaf.address.v, leaf.from);
        leaves++;
    }
    assert_int_equal(leaves, PT_INPUT_MAX / PAGE_SIZE_1G);
    world_free(&w);
}

static void test_bad_arguments(void **state)
{
    struct world w;
    struct pagetable *pt = &w.pt;
    const struct {
        uint64_t from, to, size;
        enum status want;
    } cases[] = {
        {0, 0, 0, E_INVALID},
        {1, 0, PAGE_SIZE, E_INVALID},
        {0, 8, PAGE_SIZE, E_INVALID},
        {0, 0, PAGE_SIZE + 1, E_INVALID},
        {0, 0, UINT64_MAX, E_INVALID},
        {PT_INPUT_MAX, 0, PAGE_SIZE, E_RANGE},
        {PT_INPUT_MAX - PAGE_SIZE, 0, 2 * PAGE_SIZE, E_RANGE},
        {0, PT_OUTPUT_MAX, PAGE_SIZE, E_RANGE},
        {0, PT_OUTPUT_MAX - PAGE_SIZE, 2 * PAGE_SIZE, E_RANGE},
        {PAGE_SIZE, 0, PT_INPUT_MAX, E_RANGE},
        {PAGE_SIZE, 0, 0 - PAGE_SIZE, E_RANGE},
        {0 - PAGE_SIZE, 0, PAGE_SIZE, E_RANGE},
        {0, 0 - PAGE_SIZE, PAGE_SIZE, E_RANGE},
    };
    (void)state;
    world_make(&w, 3, 8);
    uint64_t left = pages_left(&w.pages);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        lines_clear();
        assert_int_equal(pt_map(pt, cases[i].from, hpa(cases[i].to), cases[i].size, PT_R, 0),
                         cases[i].want);
        assert_int_equal(lines_count(), 1); /* said once, where it was born */
    }
    assert_int_equal(pt_unmap(pt, 0, 0), E_INVALID);
    assert_int_equal(pt_unmap(pt, 1, PAGE_SIZE), E_INVALID);
    assert_int_equal(pt_unmap(pt, PT_INPUT_MAX, PAGE_SIZE), E_RANGE);
    assert_int_equal(pages_left(&w.pages), left);
    struct pt_leaf leaf;
    assert_false(pt_next(pt, 0, &leaf));
    world_free(&w);
}

/* A table that ends at every page count there is: refused in words, and never a write outside. */
static void test_no_memory(void **state)
{
    const struct mapping rows[] = {
        {0x1000, 0x1000, PAGE_SIZE, PT_R, PT_WRITE_BACK},
        {GIB - PAGE_SIZE_2M - PAGE_SIZE, 0, PAGE_SIZE_2M, PT_R, PT_WRITE_BACK},
        {PT_INPUT_MAX - GIB, 0x5000, 3 * PAGE_SIZE_2M, PT_R | PT_W, PT_WRITE_BACK},
    };
    uint64_t seed = 14;
    enum status s = E_NOMEM;
    uint64_t pages;
    (void)state;
    for (pages = 1; s == E_NOMEM; pages++) {
        struct world w;
        struct model m = {.count = 0};
        world_make(&w, 3, pages);
        s = OK;
        for (size_t i = 0; i < ARRAY_SIZE(rows) && s == OK; i++) {
            s = row_map(&w.pt, &rows[i]);
            if (s == OK)
                model_add(&m, rows[i]);
        }
        assert_true(s == OK || s == E_NOMEM);
        for (size_t i = 0; i < m.count; i++)
            check_look(&w.pt, &m, m.rows[i].from);
        if (s == OK)
            check_all(&w, &m, &seed);
        world_free(&w);
    }
    /* the root; 3 below it for the first row; 2 more for the second; 2 and 3 for the third */
    assert_int_equal(pages - 1, 1 + 3 + 2 + 5);

    struct pages none;
    struct pagetable pt;
    struct range empty = {.base = PAGE_SIZE, .size = 0};
    pages_init(&none, empty);
    assert_int_equal(pt_create(&pt, &fake, 3, &none), E_NOMEM);
}

static void test_unmap_random(void **state)
{
    static bool mapped[2048];
    const uint64_t base = GIB - 1024 * PAGE_SIZE;
    uint64_t seed = 15;
    struct world w;
    struct pt_leaf leaf;
    (void)state;
    world_make(&w, 1, POOL_PAGES);
    assert_int_equal(pt_map(&w.pt, base, hpa(base), sizeof(mapped) * PAGE_SIZE, PT_R, 0), OK);
    memset(mapped, 1, sizeof(mapped));
    uint64_t left = pages_left(&w.pages);
    for (int i = 0; i < 400; i++) {
        uint64_t first = random_next(&seed) % ARRAY_SIZE(mapped);
        uint64_t count = min_u64(1 + random_next(&seed) % 5, ARRAY_SIZE(mapped) - first);
        bool all = true;
        for (uint64_t j = first; j < first + count && all; j++) {
            all = mapped[j];
            mapped[j] = false;
        }
        assert_int_equal(pt_unmap(&w.pt, base + first * PAGE_SIZE, count * PAGE_SIZE),
                         all ? OK : E_INVALID);
    }
    for (uint64_t j = 0; j < ARRAY_SIZE(mapped); j++)
        assert_int_equal(pt_look(&w.pt, base + j * PAGE_SIZE, &leaf), mapped[j]);
    assert_int_equal(pages_left(&w.pages), left);
    (void)check_tables(&w.pt, w.pt.root, PT_LEVELS);
    world_free(&w);
}

static void test_unmap_and_again(void **state)
{
    struct world w;
    struct pt_leaf leaf;
    (void)state;
    world_make(&w, 3, 16);
    assert_int_equal(pt_map(&w.pt, 0x3000, hpa(0x9000), PAGE_SIZE, PT_R, 0), OK);
    assert_int_equal(pt_unmap(&w.pt, 0x3000, PAGE_SIZE), OK);
    assert_int_equal(pt_unmap(&w.pt, 0x3000, PAGE_SIZE), E_INVALID);
    /* The tables stayed: smaller leaves, but no overlap with what is gone. */
    assert_int_equal(pt_map(&w.pt, 0, hpa(GIB), GIB, PT_R | PT_W, 0), OK);
    assert_true(pt_look(&w.pt, 0x3000, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE);
    assert_int_equal(leaf.address.v, GIB + 0x3000);
    assert_true(pt_look(&w.pt, PAGE_SIZE_2M, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE_2M);
    /* A large leaf is never broken up, and goes as a whole. */
    assert_int_equal(pt_unmap(&w.pt, PAGE_SIZE_2M, PAGE_SIZE), E_INVALID);
    assert_int_equal(pt_unmap(&w.pt, PAGE_SIZE_2M + PAGE_SIZE, PAGE_SIZE_2M), E_INVALID);
    assert_true(pt_look(&w.pt, PAGE_SIZE_2M, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE_2M);
    assert_int_equal(pt_unmap(&w.pt, PAGE_SIZE_2M - PAGE_SIZE, PAGE_SIZE + 2 * PAGE_SIZE_2M), OK);
    assert_false(pt_look(&w.pt, PAGE_SIZE_2M - PAGE_SIZE, &leaf));
    assert_false(pt_look(&w.pt, 3 * PAGE_SIZE_2M - PAGE_SIZE, &leaf));
    assert_true(pt_look(&w.pt, 3 * PAGE_SIZE_2M, &leaf));
    assert_int_equal(pt_unmap(&w.pt, 2 * PAGE_SIZE_2M, 2 * PAGE_SIZE_2M), E_INVALID);
    assert_true(pt_look(&w.pt, 3 * PAGE_SIZE_2M, &leaf));
    world_free(&w);
}

/* What is allowed is what every level allows. */
static void test_rights_of_all_levels(void **state)
{
    struct world w;
    struct pt_leaf leaf;
    (void)state;
    world_make(&w, 1, 4);
    assert_int_equal(pt_map(&w.pt, 0, hpa(0), PAGE_SIZE, PT_R | PT_W | PT_X, 0), OK);
    uint64_t *root = (uint64_t *)(uintptr_t)w.pt.root.v;
    root[0] &= ~(uint64_t)PT_W;
    assert_true(pt_look(&w.pt, 0, &leaf));
    assert_int_equal(leaf.rights, PT_R | PT_X);
    world_free(&w);
}

static void test_reserve(void **state)
{
    const uint64_t at = PT_INPUT_MAX - GIB;
    struct world w;
    struct pt_leaf leaf;
    uint64_t *entry = NULL;
    uint64_t *again = NULL;
    (void)state;
    world_make(&w, 3, 16);
    for (uint32_t level = 3; level >= 1; level--) {
        assert_int_equal(pt_reserve(&w.pt, at, level, &entry), OK);
        assert_int_equal(*entry, 0);
        assert_false(pt_look(&w.pt, at, &leaf));
        *entry = fake_make_leaf(hpa(4 * GIB), level, PT_R | PT_W, PT_WRITE_BACK);
        assert_true(pt_look(&w.pt, at + 17, &leaf));
        assert_int_equal(leaf.size, span(level));
        assert_int_equal(leaf.from, at);
        assert_int_equal(pt_reserve(&w.pt, at, level, &again), E_OVERLAP);
        if (level > 1)
            assert_int_equal(pt_reserve(&w.pt, at, level - 1, &again), E_OVERLAP);
        *entry = 0;
        assert_int_equal(pt_reserve(&w.pt, at, level, &again), OK);
        assert_ptr_equal(again, entry);
    }
    assert_int_equal(pt_reserve(&w.pt, at, 3, &again), E_OVERLAP); /* a table is there now */
    expect_assert_failure((void)!pt_reserve(&w.pt, 0, 0, &entry));
    expect_assert_failure((void)!pt_reserve(&w.pt, 0, 4, &entry));
    expect_assert_failure((void)!pt_reserve(&w.pt, PAGE_SIZE, 2, &entry));
    expect_assert_failure((void)!pt_reserve(&w.pt, PT_INPUT_MAX, 1, &entry));
    world_free(&w);

    for (uint64_t pages = 1; pages <= 4; pages++) {
        world_make(&w, 3, pages);
        assert_int_equal(pt_reserve(&w.pt, at, 1, &entry), pages < 4 ? E_NOMEM : OK);
        world_free(&w);
    }
}

static void test_maps_physical(void **state)
{
    uint64_t seed = 16;
    size_t yes = 0;
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct world w;
        struct model m = {.count = 0};
        world_make(&w, 3, POOL_PAGES);
        for (int i = 0; i < 6; i++) {
            struct mapping row = mapping_random(&seed);
            row.to %= 64 * GIB;
            if (model_find(&m, row.from, row.size) == NULL) {
                assert_int_equal(row_map(&w.pt, &row), OK);
                model_add(&m, row);
            }
        }
        for (int i = 0; i < 60; i++) {
            const struct mapping *near = &m.rows[random_next(&seed) % m.count];
            struct range r = {.base = near->to, .size = 1 + random_next(&seed) % GIB};
            if (i % 3 == 0) /* just above */
                r.base += near->size;
            else if (i % 3 == 1) /* just below */
                r.base = r.base > r.size ? r.base - r.size : 0;
            bool want = false;
            for (size_t j = 0; j < m.count; j++)
                want |= r.base < m.rows[j].to + m.rows[j].size && m.rows[j].to < r.base + r.size;
            assert_int_equal(pt_maps_physical(&w.pt, r), want);
            yes += want;
        }
        world_free(&w);
    }
    assert_in_range(yes, 100, 20 * 60 - 100); /* both answers were tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),           cmocka_unit_test(test_random_mappings),
        cmocka_unit_test(test_random_overlaps), cmocka_unit_test(test_edges),
        cmocka_unit_test(test_whole_space),     cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_no_memory),       cmocka_unit_test(test_unmap_random),
        cmocka_unit_test(test_unmap_and_again), cmocka_unit_test(test_rights_of_all_levels),
        cmocka_unit_test(test_reserve),         cmocka_unit_test(test_maps_physical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

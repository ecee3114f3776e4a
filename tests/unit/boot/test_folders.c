/* SPDX-License-Identifier: MIT */
/*
 * test_folders: odd folders, once on the desk and once on a machine. plancheck looks at real files;
 * the loader reads the same from the firmware of efi_machine.h, and what it hands over is planned
 * as the hypervisor does it. Both must say the same words, and the ones that are expected.
 */
#include "boot/loader.h"

#include "efi_devices.h"

#include <ftw.h>
#include <sys/wait.h>

#include "kernel/plan/modules.h"
#include "pvh_file.h"

/* plancheck, whose broken ASSERT and log belong to the test. */
#define assert_fail plancheck_assert_fail
#define log_emit    plancheck_log_emit
#define main        plancheck_main
void plancheck_log_emit(const char *line, size_t len);
NORETURN void plancheck_assert_fail(const char *expr, const char *file, int line);
int plancheck_main(int argc, char **argv);
#include "scripts/plancheck.c"
#undef assert_fail
#undef log_emit
#undef main

#define ODD_MAX 8

/* What a file holds. */
enum odd_kind { ODD_KERNEL, ODD_EMPTY, ODD_TEXT, ODD_FOLDER };

struct odd_folder {
    const char *says; /* part of what both say; NULL: the plan fits */
    const char *conf; /* behind "[guest a]\nmemory = 16M\n" */
    struct {
        const char *name;
        enum odd_kind kind;
    } files[ODD_MAX];
    uint32_t strays; /* so many files more, which nobody names */
};

#define KE  "image = k.elf\n"
#define IRD KE "initrd = r.img\n"
#define K                   \
    {                       \
        "k.elf", ODD_KERNEL \
    }
#define R                 \
    {                     \
        "r.img", ODD_TEXT \
    }
#define N16 "0123456789abcdef"
#define N63 N16 N16 N16 "0123456789abcde"
#define U63 \
    "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"

static const struct odd_folder odd_folders[] = {
    /* what lies there unnamed stops nothing, whatever it is called */
    {NULL, KE, {K}, 0},
    {NULL, KE, {K, {"S\u00e4ge.img", ODD_TEXT}}, 0},
    {NULL, KE, {{"\u00fc", ODD_EMPTY}, K}, 0},
    {NULL, KE, {K, {"\u65e5\u672c\u8a9e.txt", ODD_TEXT}}, 0},
    {NULL, KE, {K, {"\U0001f600.png", ODD_TEXT}}, 0},
    {NULL, KE, {K, {N63, ODD_TEXT}}, 0},
    {NULL, KE, {K, {N63 "f", ODD_TEXT}}, 0},
    {NULL, KE, {K, {N63 N63 N63 N63, ODD_TEXT}}, 0},
    {NULL, KE, {K, {U63 U63 U63 U63 U63 U63 U63, ODD_TEXT}}, 0},
    {NULL, KE, {K, {"with spaces in it", ODD_TEXT}}, 0},
    {NULL, KE, {K, {" k.elf", ODD_TEXT}}, 0},
    {NULL, KE, {K, {".hidden", ODD_TEXT}, {"._k.elf", ODD_TEXT}, {".DS_Store", ODD_TEXT}}, 0},
    {NULL, KE, {K, {"x~1.elf", ODD_TEXT}, {"k;elf", ODD_TEXT}, {"{k}[e]+l=f,'", ODD_TEXT}}, 0},
    {NULL, KE, {K, {"#k.elf", ODD_TEXT}, {"k.elf#", ODD_TEXT}, {"%s%n", ODD_TEXT}}, 0},
    {NULL, KE, {K, {"empty", ODD_EMPTY}}, 0},
    {NULL, KE, {K, {"System Volume Information", ODD_FOLDER}}, 0},
    {NULL, KE, {K, {"\u00d6rdner", ODD_FOLDER}}, 0},
    {NULL, KE, {K, {"k", ODD_TEXT}, {"k.el", ODD_TEXT}, {"k.elff", ODD_TEXT}}, 0},
    {NULL, KE, {K, {"bulkhead.conf.bak", ODD_TEXT}, {"bulkhead", ODD_TEXT}}, 0},
    {NULL, KE, {K}, 200},
    {NULL, IRD, {R, K}, 240},
    /* upper and lower case */
    {NULL, "image = K.ELF\n", {K}, 0},
    {NULL, KE, {{"K.ELF", ODD_KERNEL}}, 0},
    {NULL, "image = k.ELF\ninitrd = R.img\n", {{"K.elf", ODD_KERNEL}, {"r.IMG", ODD_TEXT}}, 0},
    {"image 'k.elf' exists more than once", KE, {K, {"K.ELF", ODD_KERNEL}}, 0},
    {"initrd 'r.img' exists more than once", IRD, {K, R, {"R.img", ODD_EMPTY}}, 0},
    {NULL, KE, {K, {"spare", ODD_TEXT}, {"SPARE", ODD_TEXT}}, 0},
    /* one file in two roles */
    {NULL, "image = k.elf\ninitrd = K.elf\n", {K}, 0},
    {NULL, KE "[guest b]\nmemory = 2M\nimage = K.elf\n", {K}, 0},
    /* disks */
    {NULL, KE "disk = r.img\n", {K, R}, 0},
    {NULL, KE "disk = R.IMG ro\n", {K, R}, 0},
    {NULL, KE "disk = r.img fresh\n", {K, R}, 0},
    {NULL, KE "disk = k.elf\n", {K}, 0},
    {NULL, IRD "disk = r.img\ndisk = s.img\n", {K, R, {"s.img", ODD_TEXT}}, 240},
    {NULL, KE "disk = r.img\n[guest b]\nmemory = 2M\nimage = k.elf\ndisk = r.img\n", {K, R}, 0},
    {"there is no disk 'r.img'; the files here are: k.elf", KE "disk = r.img\n", {K}, 0},
    {"there is no disk 'r.ing'; did you mean 'r.img'?", KE "disk = r.ing ro\n", {K, R}, 0},
    {"disk 'r.img' is empty", KE "disk = r.img\n", {K, {"r.img", ODD_EMPTY}}, 0},
    {"disk 'r.img' exists more than once", KE "disk = r.img\n", {K, R, {"R.img", 0}}, 0},
    /* what is named is not there */
    {"there is no image 'k.elf'; there are no files other than Bulkhead's own", KE, {{NULL, 0}}, 0},
    {"there is no image 'k.elf'; did you mean 'kk.elf'?", KE, {{"kk.elf", ODD_KERNEL}}, 0},
    {"there is no image 'k.elf'; did you mean 'k.el'?", KE, {{"l.elf", 0}, {"k.el", 0}}, 0},
    {"there is no image 'k.elf'; the files here are: A, b, C, d",
     KE,
     {{"d", 0}, {"C", 0}, {"b", 0}, {"A", 0}},
     0},
    {"there is no image 'k.elf'; the files here are: stray-000, ", KE, {{NULL, 0}}, 240},
    {"there is no image 'k.elf'; the files here are: aa, stray-000, ", KE, {{"aa", 0}}, 240},
    {"there is no image 'k.elf'; there are no files other than Bulkhead's own",
     KE,
     {{"k.elf", ODD_FOLDER}},
     0},
    {"there is no image 'k.elf'; there are no files other than Bulkhead's own",
     KE,
     {{"\u00fc.elf", ODD_KERNEL}},
     0},
    {"there is no image 'k.elf'; the files here are: a b", KE, {{"a b", ODD_KERNEL}}, 0},
    {"there is no initrd 'r.img'; the files here are: k.elf", IRD, {K}, 0},
    {"there is no initrd 'r.img'; the files here are: k.elf", IRD, {K, {"R.IMG", ODD_FOLDER}}, 0},
    {"there is no image '...'", "image = ...\n", {K}, 0},
    {"there is no image 'k.elf.'; did you mean 'k.elf'?", "image = k.elf.\n", {K}, 0},
    /* what is named is nothing */
    {"image 'k.elf' is empty", KE, {{"k.elf", ODD_EMPTY}}, 0},
    {"initrd 'r.img' is empty", IRD, {K, {"r.img", ODD_EMPTY}}, 0},
    {"image 'k.elf' is ", KE, {{"k.elf", ODD_TEXT}}, 0},
    /* names that no file can have, or that are Bulkhead's */
    {"contains a folder", "image = ../k.elf\n", {K}, 0},
    {"contains a folder", "image = \\bulkhead\\k.elf\n", {K}, 0},
    {"is a folder", "image = ..\n", {K}, 0},
    {"contains a space", "image = my kernel\n", {{"my kernel", ODD_KERNEL}}, 0},
    {"has quotes", "image = \"k.elf\"\n", {K}, 0},
    {"has 64 characters; the limit is 63", "image = " N63 "f\n", {{N63 "f", ODD_KERNEL}}, 0},
    {NULL, "image = " N63 "\n", {{N63, ODD_KERNEL}, {N63 "f", ODD_KERNEL}}, 0},
    {"file name 'bulkhead.elf' is Bulkhead's own", "image = bulkhead.elf\n", {K}, 0},
    {"file name 'BULKHEAD.CONF' is Bulkhead's own", KE "initrd = BULKHEAD.CONF\n", {K, R}, 0},
    {"file name 'bootx64.efi' is Bulkhead's own", "image = bootx64.efi\n", {K}, 0},
    {"is not ASCII", "image = S\u00e4ge\n", {{"S\u00e4ge", ODD_KERNEL}}, 0},
};

static struct pvh_file kernel;
static struct config conf;
static struct plan machines_plan;
static struct errors machines_report;
static char strays[FILES_MAX][16];

/* ---------------------------------------------------------------------- the folder, twice */

static void put(const char *folder, const char *name, enum odd_kind kind, const char *text)
{
    char path[PATH_MAX];
    const void *bytes = kind == ODD_KERNEL ? (const void *)kernel.bytes : text;
    const size_t size = kind == ODD_KERNEL ? PVH_FILE_SIZE : kind == ODD_TEXT ? strlen(text) : 0;
    FILE *f;

    efi_add_file(name, bytes, size);
    efi.files[efi.file_count - 1].folder = kind == ODD_FOLDER;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (kind == ODD_FOLDER) {
        assert_int_equal(mkdir(path, 0700), 0);
        return;
    }
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static void make_folder(const char *path, const struct odd_folder *odd, const char *text)
{
    uint64_t size;
    const uint8_t *program = efi_kernel(&size);

    efi_make();
    efi.file_count = 0;
    for (uint32_t i = 0; i < odd->strays; i++) { /* from the last one on */
        snprintf(strays[i], sizeof(strays[i]), "stray-%03u", odd->strays - 1 - i);
        put(path, strays[i], ODD_TEXT, "stray");
    }
    efi_add_file("bulkhead.elf", program, size); /* on the desk it need not be there */
    put(path, "bulkhead.conf", ODD_TEXT, text);
    for (uint32_t i = 0; i < ODD_MAX && odd->files[i].name != NULL; i++)
        put(path, odd->files[i].name, odd->files[i].kind, "just text\n");
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path);
}

/* ---------------------------------------------------------------------- what both say */

/* plancheck's errors, or its plan. Its state is the process's, so it gets one of its own. */
static int ask_desk(const char *folder, char *said, size_t size)
{
    char path[PATH_MAX];
    int out[2], status;
    size_t len = 0;
    ssize_t got;

    snprintf(path, sizeof(path), "%s/bulkhead.conf", folder);
    assert_int_equal(pipe(out), 0);
    const pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {(char *)"plancheck", path, NULL};
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        memset(&machine, 0, sizeof(machine)); /* which ask_machine() uses as well */
        status = plancheck_main(2, arguments);
        fflush(NULL);
        _exit(status);
    }
    close(out[1]);
    while ((got = read(out[0], said + len, size - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    close(out[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char *machine_said;
static size_t machine_room;

PRINTF_LIKE(1, 2) static void machine_say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(machine_said, machine_room, fmt, args);
    va_end(args);
    len += snprintf(machine_said + len, machine_room - (size_t)len, "\n");
    machine_said += len;
    machine_room -= (size_t)len;
}

/* A disk's pages can be a guest's: they are large ones, and nothing else is in them. */
static void check_room(const struct machine_module *m)
{
    const uint64_t unit = folder_is_disk(&conf, m->name) ? PAGE_SIZE_2M : PAGE_SIZE;

    assert_int_equal(m->place.base, (uintptr_t)m->bytes);
    assert_int_equal(m->place.base % unit, 0);
    assert_int_equal(m->place.size, (m->size + unit - 1) / unit * unit);
    for (uint64_t i = m->size; i < m->place.size; i++)
        assert_int_equal(m->bytes[i], 0);
}

/* True when the plan fits; then `said` is its table, else the errors. */
static bool ask_machine(char *said, size_t size)
{
    const struct options options = {.cores = CORES_DEFAULT, .threads = 1, .memory = MEMORY_DEFAULT};
    const struct machine_module *m;
    char line[ERRORS_TEXT_MAX + FILE_NAME_MAX];
    bool fits;

    if (efi_run() != END_JUMP)
        fail_msg("the loader refused: %s", efi.serial);
    memset(&machine, 0, sizeof(machine));
    memset(&machines_report, 0, sizeof(machines_report));
    make_machine(&options);
    modules_take(&machine, efi.info);
    m = modules_find(&machine, FOLDER_CONFIG);
    assert_non_null(m);
    fits = config_parse(&conf, (const char *)m->bytes, m->size, &machines_report);
    for (uint32_t i = 0; fits && i < machine.module_count; i++) {
        check_room(&machine.modules[i]);
        if (machine.modules[i].size > 0 && folder_is_disk(&conf, machine.modules[i].name))
            place_disk(&machine.modules[i]); /* as if it were there */
    }
    modules_give(&machine, &conf);
    fits = fits && plan_make(&machines_plan, &conf, &machine, &machines_report) &&
           plan_valid(&machines_plan, &machine);
    said[0] = '\0';
    machine_said = said;
    machine_room = size;
    if (fits)
        plan_print(&machines_plan, &machine, machine_say);
    for (uint32_t i = 0; errors_print(&machines_report, i, FOLDER_CONFIG, line, sizeof(line)); i++)
        machine_say("%s", line);
    return fits;
}

static void test_folders_agree(void **state)
{
    static char desk[65536], there[65536];
    uint32_t fitting = 0;

    (void)state;
    pvh_file_simple(&kernel);
    pvh_file_bytes(&kernel);
    for (size_t i = 0; i < ARRAY_SIZE(odd_folders); i++) {
        const struct odd_folder *odd = &odd_folders[i];
        char path[] = "/tmp/bulkhead-folder-XXXXXX";
        char text[512];

        assert_non_null(mkdtemp(path));
        snprintf(text, sizeof(text), "[guest a]\nmemory = 16M\n%s", odd->conf);
        make_folder(path, odd, text);
        const int status = ask_desk(path, desk, sizeof(desk));
        const bool fits = ask_machine(there, sizeof(there));
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (status != (fits ? EXIT_FITS : EXIT_ERRORS) || fits != (odd->says == NULL) ||
            strstr(desk, there) == NULL || (!fits && strstr(there, odd->says) == NULL))
            fail_msg("folder %zu: %s\nthe desk (%d):\n%s\nthe machine:\n%s\nexpected: %s", i, text,
                     status, desk, there, odd->says);
        fitting += fits ? 1 : 0;
    }
    assert_true(fitting > 20 && fitting < ARRAY_SIZE(odd_folders) - 20);
}

/* The configuration itself: too long is one sentence, and no more of it is read than shows that. */
static void test_long_configuration(void **state)
{
    static char long_text[3 * CONFIG_SIZE_MAX];
    static char said[4096];

    (void)state;
    memset(long_text, '\n', sizeof(long_text));
    efi_make();
    efi.files[0].bytes = (const uint8_t *)long_text;
    efi.files[0].size = efi.files[0].claims = sizeof(long_text);
    assert_false(ask_machine(said, sizeof(said)));
    assert_string_equal(said, "bulkhead.conf: the file is longer than the limit of 65536 bytes\n");
    assert_int_equal(modules_find(&machine, FOLDER_CONFIG)->size, CONFIG_SIZE_MAX + 1);
    for (uint32_t i = 0; i < machine.module_count; i++) /* nothing is started: nothing is read */
        if (!folder_is_own(machine.modules[i].name))
            assert_null(machine.modules[i].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_agree),
        cmocka_unit_test(test_long_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

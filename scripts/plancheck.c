/* SPDX-License-Identifier: MIT */
/*
 * plancheck: checks a bulkhead.conf on the desk, with the hypervisor's own code and words, against
 * a machine made up from the options. Images are looked for beside the file, as Bulkhead finds
 * them beside it on the EFI system partition.
 *
 * Exit status: 0 the plan (or the help) is on stdout; 1 the errors are on stderr; 2 a wrong call,
 * or a file that cannot be read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/config/config.h"
#include "kernel/config/errors.h"
#include "kernel/config/text_span.h"
#include "kernel/plan/isolation.h"
#include "kernel/plan/machine_text.h"
#include "kernel/plan/modules.h"
#include "kernel/plan/plan.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/log.h"

enum { EXIT_FITS = 0, EXIT_ERRORS = 1, EXIT_USAGE = 2 };

/* The made-up machine: what a PC's firmware and Bulkhead take before guests get anything. */
#define CORES_DEFAULT    8 /* more than the demo needs */
#define THREADS_MAX      8
#define NODES_MAX        16
#define MEMORY_DEFAULT   1024 /* MiB */
#define MEMORY_MIN       128  /* MiB */
#define MEMORY_MAX       (16 * 1024 * 1024)
#define TAKEN_AT_BOTTOM  (1 * MIB)
#define TAKEN_AT_TOP     (64 * MIB)
#define MACHINE_FILE_MAX (4 * 1024 * 1024)
#define RAM_LOW_MAX      (3 * GIB) /* the rest goes on at 4 GiB */

/* What differs in a plan: on AMD's, core #0 has to watch the guests' deadlines (svm/fit.c). */
enum cpu { CPU_NOT_GIVEN, CPU_INTEL, CPU_AMD };

struct options {
    const char *file;
    enum cpu cpu;
    const char *machine; /* a machine file; NULL: the machine is made up of what follows */
    uint64_t cores;      /* of all kinds */
    uint64_t efficiency; /* of them, E-cores: the last ones */
    bool hybrid;
    uint64_t threads; /* of each core */
    uint64_t nodes;   /* which have equal parts of the cores and of the memory */
    uint64_t memory;  /* MiB */
};

/* Too large for a stack, and plans point into them. */
static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;

void log_emit(const char *line, size_t len)
{
    fprintf(stderr, "%.*s\n", (int)len, line);
}

NORETURN void assert_fail(const char *expr, const char *file, int line)
{
    fprintf(stderr, "plancheck: assertion failed at %s:%d: %s\n", file, line, expr);
    abort();
}

static void print_usage(FILE *to)
{
    fprintf(to,
            "usage: plancheck FILE [--cores N] [--memory MB] [--threads T] [--nodes K]\n"
            "                      [--cpu intel|amd]\n"
            "       plancheck FILE --machine BOOTLOG\n"
            "Checks FILE, a bulkhead.conf with its images next to it, for a machine with\n"
            "N cores (1 to %d; default %d) and MB MiB of memory (at least %d; default %d).\n"
            "A hybrid processor's cores are given as in --cores 8P+4E.\n"
            "T is the number of threads of each physical core (1, 2, 4 or 8; default 1).\n"
            "K NUMA nodes (1 to %d; default 1) have equal parts of the cores and the memory.\n"
            "On an AMD processor, core #0 is always kept for the monitor. Without --cpu, FILE is\n"
            "checked for an Intel processor, and a note says what an AMD one would refuse.\n"
            "BOOTLOG is what Bulkhead said on its console when it started on the machine.\n",
            CORES_MAX, CORES_DEFAULT, MEMORY_MIN, MEMORY_DEFAULT, NODES_MAX);
}

NORETURN static void usage(const char *complaint, const char *subject)
{
    if (complaint != NULL)
        fprintf(stderr, "plancheck: %s '%s'\n", complaint, subject);
    print_usage(stderr);
    exit(EXIT_USAGE);
}

NORETURN static void option_refused(const char *name, const char *text)
{
    fprintf(stderr, "plancheck: %s does not take '%s'\n", name, text);
    print_usage(stderr);
    exit(EXIT_USAGE);
}

static uint64_t option_number(const char *name, const char *text, uint64_t min, uint64_t max)
{
    uint64_t value;

    if (text == NULL)
        usage("no number after", name);
    if (!span_number(span_of(text), &value) || value < min || value > max)
        option_refused(name, text);
    return value;
}

/* Takes digits and `letter` off the front. */
static bool option_kind(struct span *text, char letter, uint64_t *count)
{
    const struct span number = {.at = text->at, .len = span_find(*text, letter)};

    if (number.len == text->len || !span_number(number, count) || *count == 0 || *count > CORES_MAX)
        return false;
    *text = span_from(*text, number.len + 1);
    return true;
}

/* "8" or "8P+4E". */
static void option_cores(struct options *o, const char *name, const char *text)
{
    struct span rest = span_of(text == NULL ? "" : text);
    uint64_t performance, efficiency;

    if (option_kind(&rest, 'P', &performance) && rest.len > 0 && rest.at[0] == '+') {
        rest = span_from(rest, 1);
        if (!option_kind(&rest, 'E', &efficiency) || rest.len > 0 ||
            performance + efficiency > CORES_MAX)
            option_refused(name, text);
        o->hybrid = true;
        o->cores = performance + efficiency;
        o->efficiency = efficiency;
        return;
    }
    o->hybrid = false;
    o->cores = option_number(name, text, 1, CORES_MAX);
}

static enum cpu option_cpu(const char *name, const char *text)
{
    if (text == NULL)
        usage("no processor after", name);
    if (strcmp(text, "intel") != 0 && strcmp(text, "amd") != 0)
        option_refused(name, text);
    return strcmp(text, "amd") == 0 ? CPU_AMD : CPU_INTEL;
}

static struct options read_options(int argc, char **argv)
{
    struct options o = {.cores = CORES_DEFAULT, .threads = 1, .nodes = 1, .memory = MEMORY_DEFAULT};
    bool made_up = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--cores") == 0) {
            option_cores(&o, argv[i], argv[i + 1]);
            i++;
            made_up = true;
        } else if (strcmp(argv[i], "--threads") == 0) {
            o.threads = option_number(argv[i], argv[i + 1], 1, THREADS_MAX);
            if (!is_power_of_two(o.threads))
                option_refused(argv[i], argv[i + 1]);
            i++;
            made_up = true;
        } else if (strcmp(argv[i], "--nodes") == 0) {
            o.nodes = option_number(argv[i], argv[i + 1], 1, NODES_MAX);
            i++;
            made_up = true;
        } else if (strcmp(argv[i], "--memory") == 0) {
            o.memory = option_number(argv[i], argv[i + 1], MEMORY_MIN, MEMORY_MAX);
            i++;
            made_up = true;
        } else if (strcmp(argv[i], "--cpu") == 0) {
            o.cpu = option_cpu(argv[i], argv[i + 1]);
            i++;
            made_up = true;
        } else if (strcmp(argv[i], "--machine") == 0) {
            if (argv[i + 1] == NULL)
                usage("no boot log after", argv[i]);
            o.machine = argv[++i];
        } else if (strcmp(argv[i], "--help") == 0) {
            print_usage(stdout);
            exit(EXIT_FITS);
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            usage("unknown option", argv[i]);
        } else if (o.file != NULL) {
            usage("takes one FILE; unexpected", argv[i]);
        } else {
            o.file = argv[i];
        }
    }
    if (o.file == NULL)
        usage(NULL, NULL);
    if (o.machine != NULL && made_up)
        usage("no other option goes with", "--machine");
    return o;
}

/* A little more than is allowed is enough to see that a file is too long. */
static size_t read_text(const char *path, char *buf, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t len = f == NULL ? 0 : fread(buf, 1, size, f);

    if (f == NULL || ferror(f)) {
        fprintf(stderr, "plancheck: cannot read '%s': %s\n", path, strerror(errno));
        exit(EXIT_USAGE);
    }
    fclose(f);
    return len;
}

/* The part of memory [from, to) that is below `hole` or, moved up to 4 GiB, from there on. */
static void add_near(uint32_t node, uint64_t from, uint64_t to, uint64_t hole)
{
    if (from < hole) {
        const uint64_t end = to < hole ? to : hole;
        machine.near[machine.near_count++] =
            (struct machine_near){.where = {from, end - from}, .node = node};
        from = end;
    }
    if (from < to)
        machine.near[machine.near_count++] =
            (struct machine_near){.where = {from - hole + 4 * GIB, to - from}, .node = node};
}

/* As on a machine with a socket for each: the first cores and the lowest memory are node 0's. */
static void make_nodes(const struct options *o, uint64_t low)
{
    const uint32_t cores = (machine.core_count + (uint32_t)o->nodes - 1) / (uint32_t)o->nodes;
    const uint64_t part = o->memory / o->nodes * MIB;

    for (uint32_t i = 0; i < machine.core_count; i++)
        machine.nodes[i] = i / cores;
    for (uint32_t n = 0; n < o->nodes; n++)
        add_near(n, n * part, n + 1 == o->nodes ? o->memory * MIB : (n + 1) * part, low);
}

static void make_machine(const struct options *o)
{
    uint64_t low = o->memory * MIB < RAM_LOW_MAX ? o->memory * MIB : RAM_LOW_MAX;
    uint64_t high = o->memory * MIB - low;

    machine.core_count = (uint32_t)o->cores;
    for (uint32_t i = 0; i < machine.core_count; i++)
        machine.apic_ids[i] = i;
    for (uint32_t i = 0; i < machine.core_count && o->hybrid; i++)
        machine.kinds[i] = i < o->cores - o->efficiency ? CORE_PERFORMANCE : CORE_EFFICIENCY;
    while (1u << machine.thread_bits < o->threads)
        machine.thread_bits++;
    machine.ranges[machine.range_count++] =
        (struct range){.base = TAKEN_AT_BOTTOM, .size = low - TAKEN_AT_BOTTOM - TAKEN_AT_TOP};
    if (high > 0)
        machine.ranges[machine.range_count++] = (struct range){.base = 4 * GIB, .size = high};
    if (o->nodes > 1)
        make_nodes(o, low);
    machine.has_screen = machine.has_serial2 = true;
    snprintf(machine.no_devices, sizeof(machine.no_devices),
             "the assumed machine has none: use --machine BOOTLOG");
    machine.needs_monitor = o->cpu == CPU_AMD;
}

/* The machine whose boot log this is. */
static void read_machine(const char *path)
{
    static char text[MACHINE_FILE_MAX + 1];
    const size_t size = read_text(path, text, sizeof(text));
    const char *wrong =
        size > MACHINE_FILE_MAX ? "is too long" : machine_text_read(&machine, text, size);

    if (wrong != NULL) {
        fprintf(stderr, "plancheck: '%s' %s\n", path, wrong);
        exit(EXIT_USAGE);
    }
}

static void print_known_machine(const char *path)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < machine.range_count; i++)
        bytes += machine.ranges[i].size;
    printf("machine of '%s': %u core%s, %lu MiB of memory for guests\n\n", path, machine.core_count,
           machine.core_count == 1 ? "" : "s", bytes / MIB);
}

static void print_machine(const struct options *o)
{
    printf("assumed machine: %u core%s, %lu MiB of memory, %lu MiB of it for guests%s\n"
           "(the first 1 MiB and another 64 MiB are left to the firmware and Bulkhead)\n\n",
           machine.core_count, machine.core_count == 1 ? "" : "s", o->memory,
           o->memory - (TAKEN_AT_BOTTOM + TAKEN_AT_TOP) / MIB,
           o->cpu == CPU_AMD ? "; AMD processor" : "");
}

/* The file's bytes, for as long as plancheck runs. */
static const uint8_t *map_file(int folder, const char *name, uint64_t size)
{
    int fd = openat(folder, name, O_RDONLY);
    void *bytes = MAP_FAILED;

    if (fd >= 0)
        bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "plancheck: cannot read '%s': %s\n", name, strerror(errno));
        exit(EXIT_USAGE);
    }
    close(fd);
    return bytes;
}

/* The loader has read it, so that it lies somewhere; only of disks it matters where. */
static void place_disk(struct machine_module *m)
{
    uint64_t size;

    for (uint32_t i = machine.range_count; i-- > 0;) {
        struct range *r = &machine.ranges[i];
        if (!align_up(m->size, PAGE_SIZE_2M, &size) || r->size < PAGE_SIZE_2M ||
            size > r->size - PAGE_SIZE_2M)
            continue;
        m->place = (struct range){align_down(r->base + r->size - size, PAGE_SIZE_2M), size};
        r->size = m->place.base - r->base;
        machine.own[machine.own_count++] = m->place;
        return;
    }
}

/* As the loader does it: what is no file, or could not be named, is not there. */
static void add_entry(struct folder *files, int folder, const char *name)
{
    struct stat st;

    if (folder_is_spellable(name) && fstatat(folder, name, &st, 0) == 0 && S_ISREG(st.st_mode))
        folder_add(files, &config, name, (uint64_t)st.st_size);
}

/* Only files that the config names are opened; of the others only the name matters, for hints. */
static void add_modules(const char *path)
{
    static struct folder files;
    DIR *entries = opendir(path);
    const struct dirent *entry;

    if (entries == NULL) {
        fprintf(stderr, "plancheck: cannot read the folder '%s': %s\n", path, strerror(errno));
        exit(EXIT_USAGE);
    }
    while ((entry = readdir(entries)) != NULL)
        add_entry(&files, dirfd(entries), entry->d_name);
    for (uint32_t i = 0; i < files.count; i++) {
        struct machine_module *m = &machine.modules[machine.module_count];
        if (folder_is_own(files.entries[i].name))
            continue;
        strcpy(m->name, files.entries[i].name);
        m->size = files.entries[i].wanted ? files.entries[i].size : 0;
        if (m->size > 0)
            m->bytes = map_file(dirfd(entries), m->name, m->size);
        if (m->size > 0 && folder_is_disk(&config, m->name))
            place_disk(m);
        machine.module_count++;
    }
    closedir(entries);
}

/* Splits "a/b.conf" into the folder and the name; "b.conf" lies in ".". */
static const char *split_path(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        snprintf(folder, size, ".");
    else
        snprintf(folder, size, "%.*s", (int)(slash - path + 1), path);
    return slash == NULL ? path : slash + 1;
}

static int show_errors(const char *name)
{
    char line[ERRORS_TEXT_MAX + FILE_NAME_MAX];

    fflush(stdout);
    for (uint32_t i = 0; errors_print(&report, i, name, line, sizeof(line)); i++)
        fprintf(stderr, "%s\n", line);
    return EXIT_ERRORS;
}

PRINTF_LIKE(1, 2) static void say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

/* `plan` fits an Intel processor: what would come on an AMD one, if it is not the same. */
static void note_amd(const char *name)
{
    static struct plan other;
    char line[ERRORS_TEXT_MAX + FILE_NAME_MAX];

    machine.needs_monitor = true;
    if (plan_make(&other, &config, &machine, &report)) {
        if (other.reserved_cores != plan.reserved_cores)
            printf("\non an AMD processor: core #0 is kept for the monitor (see --cpu amd)\n");
    } else if (errors_print(&report, 0, name, line, sizeof(line))) {
        printf("\non an AMD processor: %s\n", line);
    }
}

int main(int argc, char **argv)
{
    static char text[CONFIG_SIZE_MAX + 1];
    static char folder[4096];
    struct options options = read_options(argc, argv);
    const char *name = split_path(options.file, folder, sizeof(folder));
    size_t size = read_text(options.file, text, sizeof(text));
    const struct isolation isolation = {.plan = &plan, .machine = &machine};

    if (options.machine != NULL) {
        read_machine(options.machine);
        print_known_machine(options.machine);
    } else {
        make_machine(&options);
        print_machine(&options);
    }
    if (!config_parse(&config, text, size, &report))
        return show_errors(name);
    add_modules(folder);
    modules_give(&machine, &config);
    if (!plan_make(&plan, &config, &machine, &report))
        return show_errors(name);
    if (!plan_valid(&plan, &machine)) {
        fprintf(stderr, "plancheck: the plan breaks its own rules; this is a bug in Bulkhead\n");
        abort();
    }
    plan_print(&plan, &machine, say);
    printf("\n");
    isolation_print_owners(&isolation, say);
    if (options.machine == NULL && options.cpu == CPU_NOT_GIVEN)
        note_amd(name);
    return EXIT_FITS;
}

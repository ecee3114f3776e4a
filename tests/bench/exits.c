/* SPDX-License-Identifier: MIT */
/*
 * exits: a plug-in for QEMU's TCG that counts the instructions of the hypervisor for each exit of
 * an SVM guest: from the VMSAVE behind one VMRUN to the next VMRUN, both counted. At the end a line
 * `exits KIND N INSTRUCTIONS` for each number of instructions that there was: N times, after a
 * guest's instruction KIND.
 *
 * QEMU's packages have no qemu-plugin.h, so what is used of it is declared here; QEMU's
 * documentation, "QEMU TCG Plugins". Built with: gcc -shared -fPIC
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

enum { PLUGIN_API = 4, INLINE_ADD_U64 = 0, NO_REGISTERS = 0 };

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
struct plugin_u64 {
    struct qemu_plugin_scoreboard *score;
    size_t offset;
};

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*cb)(unsigned cpu, void *data), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn, int op,
                                                         struct plugin_u64 entry, uint64_t add);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_get(struct plugin_u64 entry, unsigned cpu);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id id, void *data), void *data);
void qemu_plugin_outs(const char *text);

EXPORTED int qemu_plugin_version = PLUGIN_API;
EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

#define CPUS_MAX  64
#define COUNT_MAX 4096 /* more are no exit's, but a wait's */

/* Instructions that exit. "Other" is everything else: an interrupt, an NMI, a fault. */
enum kind {
    KIND_OTHER,
    KIND_CPUID,
    KIND_VMMCALL,
    KIND_XSETBV,
    KIND_RDMSR,
    KIND_WRMSR,
    KIND_IN,
    KIND_OUT,
    KIND_HLT,
    KIND_COUNT
};
static const char *const kind_names[KIND_COUNT] = {"other", "cpuid", "vmmcall", "xsetbv", "rdmsr",
                                                   "wrmsr", "in",    "out",     "hlt"};
enum step { STEP_VMRUN = KIND_COUNT, STEP_VMSAVE };

static const struct row {
    uint8_t size;
    uint8_t code[3];
    uint8_t what; /* enum kind or enum step */
} rows[] = {
    {3, {0x0f, 0x01, 0xd8}, STEP_VMRUN},
    {3, {0x0f, 0x01, 0xdb}, STEP_VMSAVE},
    {3, {0x0f, 0x01, 0xd9}, KIND_VMMCALL},
    {3, {0x0f, 0x01, 0xd1}, KIND_XSETBV},
    {2, {0x0f, 0xa2}, KIND_CPUID},
    {2, {0x0f, 0x32}, KIND_RDMSR},
    {2, {0x0f, 0x30}, KIND_WRMSR},
    {1, {0xec}, KIND_IN},
    {1, {0xed}, KIND_IN},
    {1, {0xee}, KIND_OUT},
    {1, {0xef}, KIND_OUT},
    {1, {0xf4}, KIND_HLT},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct plugin_u64 executed; /* instructions, per core */
static struct core {               /* each is its own thread's */
    int in_guest;
    enum kind latest; /* what the guest executed last, of the rows */
    enum kind left;   /* for what it has left */
    uint64_t left_at; /* executed then; 0: not since it began */
} cores[CPUS_MAX];
static _Atomic uint64_t times[KIND_COUNT][COUNT_MAX];

static void at_vmrun(struct core *core, uint64_t now)
{
    if (core->left_at != 0 && now - core->left_at < COUNT_MAX - 1)
        times[core->left][now - core->left_at + 1]++;
    core->in_guest = 1;
    core->latest = KIND_OTHER;
}

static void at_row(unsigned cpu, void *data)
{
    const struct row *row = data;
    struct core *core = &cores[cpu % CPUS_MAX];

    if (row->what == STEP_VMRUN) {
        at_vmrun(core, qemu_plugin_u64_get(executed, cpu));
    } else if (core->in_guest && row->what == STEP_VMSAVE) {
        core->in_guest = 0;
        core->left = core->latest;
        core->left_at = qemu_plugin_u64_get(executed, cpu);
    } else if (core->in_guest) {
        core->latest = row->what;
    }
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint8_t code[16];
        size_t size = qemu_plugin_insn_data(insn, code, sizeof(code));

        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD_U64, executed, 1);
        for (size_t r = 0; r < ROWS; r++)
            if (size == rows[r].size && memcmp(code, rows[r].code, size) == 0)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, at_row, NO_REGISTERS,
                                                       (void *)(uintptr_t)&rows[r]);
    }
}

static void report(plugin_id id, void *data)
{
    char line[64];

    (void)id;
    (void)data;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        for (unsigned i = 0; i < COUNT_MAX; i++) {
            if (times[kind][i] == 0)
                continue;
            (void)snprintf(line, sizeof(line), "exits %s %" PRIu64 " %u\n", kind_names[kind],
                           (uint64_t)times[kind][i], i);
            qemu_plugin_outs(line);
        }
    }
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    executed.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "kernel/core/panic.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "kernel/config/next.h"
#include "kernel/console/console.h"
#include "kernel/core/confirm.h"
#include "kernel/core/cores.h"
#include "kernel/core/machine_reset.h"
#include "kernel/core/symbols.h"
#include "kernel/core/trace.h"
#include "kernel/virt.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

#define FRAMES_MAX    24
#define RESET_SECONDS 5         /* for who looks at the screen */
#define STOP_TICKS    BIT64(30) /* a third of a second or so: the TSC's rate may not be known yet */

static _Atomic uint32_t panic_core = UINT32_MAX; /* id of the core that panicked first */

static SEALED uint64_t panic_reset_ticks; /* until the machine is reset; 0: it is not */
static SEALED bool panic_always_resets;   /* also when there is no set of files to go back from */

/* linker.ld */
extern const uint8_t image_start[], image_text_end[];

bool panic_is_elsewhere(void)
{
    const uint32_t core = atomic_load_explicit(&panic_core, memory_order_acquire);

    return core != UINT32_MAX && core != this_cpu()->id;
}

void panic_reset_machine(uint64_t tsc_hz, bool always)
{
    panic_reset_ticks = RESET_SECONDS * tsc_hz;
    panic_always_resets = panic_always_resets || always;
}

static bool panic_resets(void)
{
    return panic_reset_ticks != 0 && (panic_always_resets || !confirm_is_stored());
}

void panic_stop_core(void)
{
    atomic_store(&this_cpu()->stopped, true);
    for (;;) {
        cpu_cli();
        cpu_halt();
    }
}

static void panic_line(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void panic_line(const char *fmt, ...)
{
    char line[LOG_LINE_MAX];
    va_list args;

    va_start(args, fmt);
    const size_t len = fmt_vprint(line, sizeof(line), fmt, args);
    va_end(args);
    console_emergency(line, len);
}

/* The function that holds `address`, and how far into it; "?" outside of our code. */
static const char *panic_symbol(uint64_t address, uint64_t *offset)
{
    const uint64_t at = address - (uintptr_t)image_start;
    const char *name = symbol_names;

    *offset = 0;
    if (at >= (uint64_t)(image_text_end - image_start))
        return "?";
    *offset = at;
    for (uint32_t i = 0; i < symbol_count && *offset >= symbol_sizes[i]; i++) {
        *offset -= symbol_sizes[i];
        name += strlen(name) + 1;
    }
    return name;
}

static bool panic_is_stack(uint64_t address)
{
    return address >= HOST_PRIVATE && address < HOST_PRIVATE + STACK_COUNT * HOST_STACK_STRIDE &&
           (address & 7) == 0 && (address % HOST_STACK_STRIDE) >= PAGE_SIZE &&
           (address % HOST_STACK_STRIDE) < (1 + HOST_STACK_PAGES) * PAGE_SIZE - 8;
}

/* A return address is behind the call, and so perhaps behind its function: the last byte of the
 * call is looked up. */
static void panic_call(uint32_t number, uint64_t rip, bool is_return)
{
    const uint32_t behind = is_return ? 1 : 0;
    uint64_t offset;
    const char *name = panic_symbol(rip - behind, &offset);

    panic_line("  #%u 0x%llx %s+0x%llx", number, (unsigned long long)rip, name,
               (unsigned long long)offset + behind);
}

/*
 * Frames are linked through RBP (-fno-omit-frame-pointer): saved RBP, then the return address. The
 * loop around a guest has no frame (the Makefile's HV_FRAMELESS), and what it calls saves some
 * other value as RBP: there the chain ends, and the loop's caller is known by itself.
 */
static void panic_backtrace(uint64_t rip, uint64_t rbp, bool is_return)
{
    const uint64_t loop_caller = (uintptr_t)this_cpu()->loop_caller;
    uint32_t count = 0;

    panic_call(count++, rip, is_return);
    while (count < FRAMES_MAX && panic_is_stack(rbp)) {
        const uint64_t *frame = (const uint64_t *)(uintptr_t)rbp;
        if (frame[1] < (uintptr_t)image_start || frame[1] > (uintptr_t)image_text_end)
            break;
        panic_call(count++, frame[1], true);
        rbp = frame[0] > rbp ? frame[0] : 0;
    }
    if (loop_caller != 0)
        panic_call(count, loop_caller, true);
}

/* All that run, but for `self`. */
static bool panic_all_stopped(uint32_t self)
{
    for (uint32_t i = 0; i < cores_made; i++)
        if (i != self && atomic_load(&cpus[i]->stage) != CPU_ABSENT &&
            !atomic_load(&cpus[i]->stopped))
            return false;
    return true;
}

/* Stops the others, one of which may be at the console's device: it is given the time to leave. A
 * core that takes no NMI is not waited for without end. */
static void panic_stop_others(uint32_t self)
{
    const uint64_t begin = rdtsc();

    for (uint32_t i = 0; i < cores_made; i++) {
        if (i == self || atomic_load(&cpus[i]->stage) == CPU_ABSENT)
            continue;
        if (cpus[i]->vcpu)
            atomic_store(&cpus[i]->vcpu->kick, 1);
        cores_kick(cpus[i]);
    }
    while (!panic_all_stopped(self) && ticks_since(rdtsc(), begin) < STOP_TICKS)
        cpu_pause();
}

/* The first core to come here goes on; one that comes second only stops. One that comes again
 * cannot even report what it came for. */
static void panic_begin(void)
{
    uint32_t nobody = UINT32_MAX;
    const uint32_t self = this_cpu()->id;

    cpu_cli();
    if (!atomic_compare_exchange_strong(&panic_core, &nobody, self)) {
        if (nobody == self && panic_resets())
            machine_reset();
        panic_stop_core();
    }
    panic_stop_others(self);
    console_emergency_begin();
}

NORETURN static void panic_end(uint64_t rip, uint64_t rbp, bool is_return)
{
    const struct trace *trace = this_cpu()->trace;

    if (trace)
        panic_line("  last guest RIP 0x%llx", (unsigned long long)trace_row(trace, 0).rip);
    panic_line("  image at 0x%llx; calls, innermost first:",
               (unsigned long long)(uintptr_t)image_start);
    panic_backtrace(rip, rbp, is_return);
    if (!panic_resets()) {
        panic_line("  the machine is halted; reset it to start again");
        panic_stop_core();
    }
    panic_line("  the machine is reset in %u seconds (%s)", RESET_SECONDS,
               panic_always_resets ? "on_panic = reboot" : NEXT_FOLDER " is tried");
    const uint64_t start = rdtsc();
    while (ticks_since(rdtsc(), start) < panic_reset_ticks)
        cpu_pause();
    machine_reset();
    panic_stop_core();
}

/* Before what only we can explain. */
static void panic_name_firmware(void)
{
    if (!this_cpu()->in_firmware)
        return;
    panic_line("  in the firmware: SetVariable of the UEFI runtime services, called to "
               "confirm " NEXT_FOLDER);
    panic_line(
        "  every guest is lost, and unless it was stored already, the next boot takes \\bulkhead");
}

NORETURN static void panic_text(const char *text)
{
    panic_begin();
    panic_line("PANIC on core #%u: %s", this_cpu()->id, text);
    panic_end((uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_frame_address(0), true);
}

void panic(const char *fmt, ...)
{
    char text[LOG_LINE_MAX];
    va_list args;

    va_start(args, fmt);
    fmt_vprint(text, sizeof(text), fmt, args);
    va_end(args);
    panic_text(text);
}

void assert_fail(const char *expr, const char *file, int line)
{
    panic("%s:%d: ASSERT(%s)", file, line, expr);
}

void panic_trap(const struct trap_frame *f)
{
    static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
                                        "#DF", "9",   "#TS", "#NP", "#SS", "#GP", "#PF", "15",
                                        "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};
    const char *name = f->vector < ARRAY_SIZE(names) ? names[f->vector] : "exception";

    panic_begin();
    panic_line("PANIC on core #%u: %s (vector %llu, error code 0x%llx)", this_cpu()->id, name,
               (unsigned long long)f->vector, (unsigned long long)f->error);
    panic_name_firmware();
    panic_line("  RIP 0x%llx RSP 0x%llx RFLAGS 0x%llx CR2 0x%llx CR3 0x%llx",
               (unsigned long long)f->rip, (unsigned long long)f->rsp,
               (unsigned long long)f->rflags, (unsigned long long)read_cr2(),
               (unsigned long long)read_cr3());
    panic_line("  RAX 0x%llx RBX 0x%llx RCX 0x%llx RDX 0x%llx RSI 0x%llx RDI 0x%llx RBP 0x%llx",
               (unsigned long long)f->rax, (unsigned long long)f->rbx, (unsigned long long)f->rcx,
               (unsigned long long)f->rdx, (unsigned long long)f->rsi, (unsigned long long)f->rdi,
               (unsigned long long)f->rbp);
    panic_end(f->rip, f->rbp, false);
}

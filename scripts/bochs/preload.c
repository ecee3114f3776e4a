// SPDX-License-Identifier: MIT
/*
 * Preloaded into Bochs: repairs 64-bit IDIV where the build has it wrong, and lets the screen be
 * read. It changes nothing else.
 *
 * IDIV: some Bochs packages are compiled with strict aliasing, which Bochs' long_idiv() breaks: its
 * quotient is garbage, so every signed 64-bit division inside the machine is. The constructor calls
 * the function on values with known answers and redirects it only when an answer is wrong, so a
 * repaired Bochs is left alone. With BULKHEAD_PRELOAD_REPORT set it prints what it found and ends
 * the process: scripts/setup asks.
 *
 * The screen: Bochs cannot save a picture without a window. With BULKHEAD_VRAM=FILE its video
 * memory, recognised by its size, is a shared mapping of FILE, for scripts/run to read.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { VRAM_SIZE = 16 << 20 }; /* Bochs' VBE_DISPI_TOTAL_VIDEO_MEMORY_MB */

/* ---- IDIV ---- */

/* Bochs' Bit128s on a little-endian host. */
struct bit128s {
    uint64_t lo;
    int64_t hi;
};

typedef void idiv_fn(struct bit128s *quotient, int64_t *remainder, const struct bit128s *dividend,
                     int64_t divisor);

static const char IDIV_SYMBOL[] = "_Z9long_idivP7Bit128sPlPKS_l";

static void idiv_correct(struct bit128s *quotient, int64_t *remainder,
                         const struct bit128s *dividend, int64_t divisor)
{
    __int128 n = (__int128)(((unsigned __int128)(uint64_t)dividend->hi << 64) | dividend->lo);
    __int128 q = n / divisor;

    quotient->lo = (uint64_t)q;
    quotient->hi = (int64_t)(q >> 64);
    *remainder = (int64_t)(n % divisor);
}

static bool idiv_is_right(idiv_fn *idiv)
{
    static const int64_t samples[][2] = {
        {7, 2},           {-7, 2},         {7, -2}, {-7, -2}, {1, 1},         {1000000007, 10},
        {-1000000007, 3}, {INT64_MAX, 60}, {-1, 1}, {0, 5},   {INT64_MIN, 3}, {20, 100},
    };

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        int64_t n = samples[i][0];
        struct bit128s dividend = {(uint64_t)n, n < 0 ? -1 : 0};
        struct bit128s got = {0, 0}, want;
        int64_t got_rest = 0, want_rest;

        idiv(&got, &got_rest, &dividend, samples[i][1]);
        idiv_correct(&want, &want_rest, &dividend, samples[i][1]);
        if (got.lo != want.lo || got.hi != want.hi || got_rest != want_rest)
            return false;
    }
    return true;
}

/* Overwrites the start of `from` with: jmp [rip]; the absolute address of `to`. */
static bool redirect(void *from, idiv_fn *to)
{
    uint8_t jump[14] = {0xff, 0x25, 0, 0, 0, 0};
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)from & ~(page - 1);
    size_t size = (((uintptr_t)from + sizeof(jump) + page - 1) & ~(page - 1)) - start;

    memcpy(jump + 6, &to, sizeof(to));
    if (mprotect((void *)start, size, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        return false;
    memcpy(from, jump, sizeof(jump));
    mprotect((void *)start, size, PROT_READ | PROT_EXEC);
    return true;
}

static const char *idiv_repair(void)
{
    idiv_fn *idiv = (idiv_fn *)dlsym(RTLD_DEFAULT, IDIV_SYMBOL);

    if (idiv == NULL)
        return "not testable (no such symbol)";
    if (idiv_is_right(idiv))
        return "right";
    if (!redirect((void *)idiv, idiv_correct) || !idiv_is_right(idiv))
        return "WRONG, and the repair failed";
    return "wrong, repaired";
}

__attribute__((constructor)) static void preload(void)
{
    const char *found = idiv_repair();

    if (getenv("BULKHEAD_PRELOAD_REPORT") != NULL) {
        printf("%s\n", found);
        fflush(stdout);
        _exit(0);
    }
}

/* ---- the screen ---- */

static void *vram;

static void *vram_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *memory = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, VRAM_SIZE) == 0)
        memory = mmap(NULL, VRAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return memory == MAP_FAILED ? NULL : memory;
}

/* operator new[](size_t) */
void *_Znam(size_t size)
{
    static void *(*real)(size_t);
    const char *path = getenv("BULKHEAD_VRAM");

    if (size == VRAM_SIZE && vram == NULL && path != NULL && (vram = vram_map(path)) != NULL)
        return vram;
    if (real == NULL)
        real = (void *(*)(size_t))dlsym(RTLD_NEXT, "_Znam");
    return real(size);
}

/* operator delete[](void *) */
void _ZdaPv(void *memory)
{
    static void (*real)(void *);

    if (memory != NULL && memory == vram)
        return; /* Bochs frees it on its way out */
    if (real == NULL)
        real = (void (*)(void *))dlsym(RTLD_NEXT, "_ZdaPv");
    real(memory);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/core/runtime.h"

#include "kernel/core/cores.h"
#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "mm/host.h"

#define RUNTIME_ERROR (UINT64_C(1) << 63)

/* kernel/core/runtime.asm */
uint64_t runtime_call(uint64_t root, uint64_t cr4, const uint64_t arguments[5], uint64_t function);

static SEALED hpa_t runtime_root; /* 0: not there */
static SEALED uint64_t runtime_function;

void runtime_init(hpa_t root, uint64_t set_variable)
{
    runtime_root = root;
    runtime_function = set_variable;
}

bool runtime_is_there(void)
{
    return runtime_root.v != 0;
}

uint64_t runtime_set_variable(const uint16_t *name, const uint8_t guid[16], uint32_t attributes,
                              uint64_t size, const void *data)
{
    const uint64_t arguments[] = {(uintptr_t)name, (uintptr_t)guid, attributes, size,
                                  (uintptr_t)data};
    struct cpu *self = this_cpu();

    ASSERT(self == cpus[0] && runtime_is_there());
    host_window_close(&self->host); /* the one way to guests' memory that those tables have */
    self->in_firmware = true;
    const uint64_t status = runtime_call(runtime_root.v, read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT,
                                         arguments, runtime_function);
    self->in_firmware = false;
    return status;
}

/* UEFI "Status Codes". */
const char *runtime_words(uint64_t status)
{
    static const struct {
        uint64_t status;
        const char *text;
    } rows[] = {
        {RUNTIME_ERROR | 2, "invalid parameter"},
        {RUNTIME_ERROR | 3, "not supported"},
        {RUNTIME_ERROR | 7, "device error"},
        {RUNTIME_ERROR | 8, "write-protected"},
        {RUNTIME_ERROR | 9, "no room"},
        {RUNTIME_ERROR | 14, "not found"},
        {RUNTIME_ERROR | 26, "security violation"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return NULL;
}

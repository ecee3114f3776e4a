/* SPDX-License-Identifier: MIT */
/*
 * virt: forwards to the backend. By direct calls, not through a table of function pointers, so that
 * the exit path has no indirect call for a guest to train (docs/decisions/001). svm_* will stand
 * beside vmx_*, each pair behind one test of which it is.
 */
#include "kernel/virt.h"

#include "lib/assert.h"

void virt_probe(struct virt_report *report)
{
    vmx_probe(report);
}

enum status virt_nested_create(struct pagetable *pt, struct pages *pages)
{
    return vmx_nested_create(pt, pages);
}

bool virt_nested_valid(const struct guest_map *map, struct range tables, hpa_t root)
{
    return vmx_nested_valid(map, tables, root);
}

enum status virt_cpu_on(struct page *region)
{
    return vmx_cpu_on(region);
}

void virt_cpu_off(void)
{
    vmx_cpu_off();
}

enum status virt_vm_create(const struct virt_vm_config *config, struct pages *pages, void **shared)
{
    return vmx_vm_create(config, pages, shared);
}

enum status virt_vcpu_create(struct vcpu *v, struct pages *pages, void *shared)
{
    return vmx_vcpu_create(v, pages, shared);
}

void virt_vcpu_reset(struct vcpu *v, const struct vcpu_state *state)
{
    vmx_vcpu_reset(v, state);
}

void virt_run(struct vcpu *v, struct vcpu_stay *stay)
{
    vmx_run(v, stay);
}

bool virt_is(const struct vcpu_stay *stay, enum exit_kind kind)
{
    return vmx_is(stay, kind);
}

bool virt_decode_pio(struct exit_pio *io)
{
    return vmx_decode_pio(io);
}

void virt_decode(struct vcpu *v, uint64_t reason, struct vcpu_exit *x)
{
    vmx_decode(v, reason, x);
}

void virt_advance(struct vcpu *v, const struct vcpu_stay *stay)
{
    vmx_advance(v, stay);
}

void virt_inject_exception(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code)
{
    vmx_inject_exception(v, vector, has_code, code);
}

void virt_reflect(struct vcpu *v, const struct vcpu_exit *x)
{
    vmx_reflect(v, x);
}

bool virt_inject_interrupt(struct vcpu *v, uint8_t vector)
{
    return vmx_inject_interrupt(v, vector);
}

bool virt_inject_nmi(struct vcpu *v)
{
    return vmx_inject_nmi(v);
}

void virt_halt(struct vcpu *v)
{
    vmx_halt(v);
}

void virt_set_timer(struct vcpu *v, uint64_t deadline)
{
    vmx_set_timer(v, deadline);
}

enum verdict virt_cr_write(struct vcpu *v, const struct vcpu_exit *x)
{
    return vmx_cr_write(v, x);
}

bool virt_has_halted(const struct vcpu *v)
{
    return vmx_has_halted(v);
}

uint8_t virt_cpl(const struct vcpu *v)
{
    return vmx_cpl(v);
}

bool virt_in_64bit(const struct vcpu *v)
{
    return vmx_in_64bit(v);
}

uint64_t virt_cr4(const struct vcpu *v)
{
    return vmx_cr4(v);
}

void virt_get_state(struct vcpu *v, struct vcpu_state *state)
{
    vmx_get_state(v, state);
}

void virt_explain(struct vcpu *v, const struct vcpu_exit *x, char *buf, size_t size)
{
    vmx_explain(v, x, buf, size);
}

const char *virt_exit_name(const struct vcpu_exit *x)
{
    return vmx_exit_name(x);
}

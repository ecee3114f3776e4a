/* SPDX-License-Identifier: MIT */
/*
 * attributes: lets pages hold code where the firmware keeps pages either writable or executable.
 * UEFI "EFI_MEMORY_ATTRIBUTE_PROTOCOL". Firmware without it executes what is EfiLoaderCode.
 */
#include "boot/loader.h"

#define ATTRIBUTES_RO UINT64_C(0x20000) /* EFI_MEMORY_RO, which gnu-efi 3.0.15 does not have */

/* Neither has it this. */
struct attributes_protocol {
    EFI_STATUS(EFIAPI *get)
    (struct attributes_protocol *this, EFI_PHYSICAL_ADDRESS base, UINT64 size, UINT64 *attributes);
    EFI_STATUS(EFIAPI *set)
    (struct attributes_protocol *this, EFI_PHYSICAL_ADDRESS base, UINT64 size, UINT64 attributes);
    EFI_STATUS(EFIAPI *clear)
    (struct attributes_protocol *this, EFI_PHYSICAL_ADDRESS base, UINT64 size, UINT64 attributes);
};

/* NULL: the firmware does not have it. */
static struct attributes_protocol *attributes_locate(const struct loader *l)
{
    EFI_GUID guid = {0xf4560cf6, 0x40ec, 0x4b4a, {0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89}};
    void *found = NULL;

    return EFI_ERROR(l->bs->LocateProtocol(&guid, NULL, &found)) ? NULL : found;
}

/* Pages may differ in what they have: then the firmware does not say it, and all are cleared. */
static EFI_STATUS attributes_clear(struct loader *l, struct attributes_protocol *p,
                                   const char *name, uint64_t base, uint64_t size, uint64_t which,
                                   const char *why)
{
    UINT64 has = 0;
    bool known;
    EFI_STATUS s;

    known = !EFI_ERROR(p->get(p, base, size, &has));
    if (known && (has & which) == 0)
        return EFI_SUCCESS;
    s = p->clear(p, base, size, which);
    if (!EFI_ERROR(s))
        return EFI_SUCCESS;
    (void)say_failure(l, name, why, s);
    return known ? s : EFI_SUCCESS;
}

EFI_STATUS attributes_make_writable(struct loader *l, const char *name, uint64_t base,
                                    uint64_t size)
{
    struct attributes_protocol *p = attributes_locate(l);

    if (p == NULL)
        return EFI_SUCCESS;
    return attributes_clear(l, p, name, base, size, EFI_MEMORY_RP | ATTRIBUTES_RO,
                            "the firmware does not make its memory writable");
}

/* First not writable: firmware may refuse pages that are both for an instant. */
EFI_STATUS attributes_make_code(struct loader *l, const char *name, uint64_t base, uint64_t size)
{
    struct attributes_protocol *p = attributes_locate(l);
    EFI_STATUS s;

    if (p == NULL)
        return EFI_SUCCESS;
    s = p->set(p, base, size, ATTRIBUTES_RO);
    if (EFI_ERROR(s))
        (void)say_failure(l, name, "the firmware does not write-protect its code", s);
    return attributes_clear(l, p, name, base, size, EFI_MEMORY_XP,
                            "the firmware does not make its code executable");
}

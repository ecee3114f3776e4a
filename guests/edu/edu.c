/* SPDX-License-Identifier: MIT */
/*
 * edu: a driver of QEMU's device for teaching (docs/specs/edu in QEMU's sources), as the example of
 * one for a device that a guest has to itself: registers, an interrupt, and memory that the device
 * reads and writes. rounds=N (4): so many blocks go to the device and back.
 *
 * how=stray has the device write to, and read from, guest-physical mib=N (1024) MiB, where it
 * should reach nothing; how=places tells what it reaches of the guest's disks, of its link's window
 * and of the device's own registers; both times=N (1) times. how=forge has it write messages of
 * interrupts to every vector; how=busy restarts while the device is at work, for ever.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/pci.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/string.h"

#define EDU_ID      0x11e81234u
#define VECTOR      0x61
#define IDENTITY    0x010000edu
#define BUFFER      0x40000u /* in the device's own addresses */
#define BLOCK       4096u
#define PATIENCE_MS 2000
#define BUSY_PLACE  (8 * MIB)

/* Registers, as 32-bit words. */
enum edu_register {
    EDU_IDENTITY = 0x00 / 4,
    EDU_LIVENESS = 0x04 / 4, /* reads as the inverse of what was written */
    EDU_FACTORIAL = 0x08 / 4,
    EDU_STATUS = 0x20 / 4, /* bit 0: it computes; bit 7: interrupt when done */
    EDU_CAUSE = 0x24 / 4,  /* why it interrupts */
    EDU_RAISE = 0x60 / 4,
    EDU_DONE = 0x64 / 4,   /* writing a cause ends it */
    EDU_SOURCE = 0x80 / 4, /* 64 bits, as the next two */
    EDU_TARGET = 0x88 / 4,
    EDU_COUNT = 0x90 / 4,
    EDU_COMMAND =
        0x98 / 4, /* bit 0: begin, and it does; 1: from the device to memory; 2: interrupt */
};

#define EDU_TELLS  0x80u
#define DMA_BEGIN  1u
#define DMA_TO_RAM 2u
#define DMA_TELLS  4u
#define CAUSE_DMA  0x100u

static volatile uint32_t *edu;
static volatile uint32_t interrupts, causes;
static ALIGNED(4096) uint8_t out[BLOCK], in[BLOCK];

static void edu_taken(struct trap_frame *frame)
{
    const uint32_t cause = edu[EDU_CAUSE];

    (void)frame;
    interrupts++;
    causes |= cause;
    edu[EDU_DONE] = cause;
    x2apic_eoi();
}

static void edu_set(uint32_t reg, uint64_t value)
{
    *(volatile uint64_t *)&edu[reg] = value;
}

/* Sleeps until an interrupt has come for this cause, or for long enough. */
static bool edu_wait(uint32_t cause)
{
    for (uint32_t ms = 0; !(causes & cause) && ms < PATIENCE_MS; ms++)
        sleep_for(NS_PER_MS);
    const bool came = (causes & cause) != 0;
    causes &= ~cause;
    return came;
}

/* Between memory at `at` and the device's buffer. */
static bool edu_copy(uint64_t at, uint32_t count, uint32_t command)
{
    const bool to_ram = (command & DMA_TO_RAM) != 0;

    edu_set(EDU_SOURCE, to_ram ? BUFFER : at);
    edu_set(EDU_TARGET, to_ram ? at : BUFFER);
    edu_set(EDU_COUNT, count);
    edu_set(EDU_COMMAND, DMA_BEGIN | DMA_TELLS | command);
    return edu_wait(CAUSE_DMA);
}

static void edu_check_registers(void)
{
    edu[EDU_LIVENESS] = 0x12345678;
    if (edu[EDU_IDENTITY] != IDENTITY || edu[EDU_LIVENESS] != ~0x12345678u)
        fatal(2, "its registers read 0x%x and 0x%x", edu[EDU_IDENTITY], edu[EDU_LIVENESS]);
    edu[EDU_STATUS] = EDU_TELLS;
    edu[EDU_FACTORIAL] = 10;
    if (!edu_wait(1))
        fatal(3, "no interrupt came for the factorial");
    if (edu[EDU_FACTORIAL] != 3628800)
        fatal(4, "10! is %u", edu[EDU_FACTORIAL]);
}

static void edu_check_memory(uint32_t round)
{
    for (uint32_t i = 0; i < BLOCK; i++)
        out[i] = (uint8_t)(i * 7 + round);
    memset(in, 0, sizeof(in));
    if (!edu_copy((uint64_t)out, BLOCK, 0) || !edu_copy((uint64_t)in, BLOCK, DMA_TO_RAM))
        fatal(5, "no interrupt came for a copy");
    if (memcmp(in, out, BLOCK) != 0)
        fatal(6, "the device brought back something else");
}

/* It reaches nothing at `at`: what it brings from there is not what is there, if anything is. */
static void edu_stray(uint64_t at)
{
    for (uint32_t i = 0; i < BLOCK; i++)
        out[i] = 0x5a;
    (void)edu_copy((uint64_t)out, BLOCK, 0);
    (void)edu_copy(at, BLOCK, DMA_TO_RAM);
    (void)edu_copy(at, BLOCK, 0);
    (void)edu_copy((uint64_t)in, BLOCK, DMA_TO_RAM);
    print("the device has written to 0x%lx and read from there: 0x%x\n", at, in[0]);
}

static void edu_fill(uint8_t byte)
{
    for (uint32_t i = 0; i < BLOCK; i++)
        out[i] = byte;
    (void)edu_copy((uint64_t)out, BLOCK, 0);
}

/* What is at `at` has to differ from bytes of 0xa5, 0x5a, 0 and 0xff. It writes first: QEMU's VT-d
 * is silent about the refused write of a page that was read before. */
static void edu_tell_place(const char *what, uint64_t at)
{
    const volatile uint32_t *place = (const volatile uint32_t *)at; /* registers want that size */
    const uint32_t *found = (const uint32_t *)(const void *)in;
    bool reads = true, writes = false;

    edu_fill(0x5a);
    (void)edu_copy(at, BLOCK, DMA_TO_RAM);
    for (uint32_t i = 0; i < 4; i++)
        writes = writes || place[i] == 0x5a5a5a5a;
    edu_fill(0xa5);
    (void)edu_copy(at, BLOCK, 0);
    (void)edu_copy((uint64_t)in, BLOCK, DMA_TO_RAM);
    for (uint32_t i = 0; i < 4; i++) /* those behind are not all readable */
        reads = reads && found[i] == place[i];
    print("%s: the device %s read it and %s write it\n", what, reads ? "can" : "cannot",
          writes ? "can" : "cannot");
}

static void edu_places(void)
{
    struct bulkhead_link link;
    const struct disk *disks;
    const uint32_t count = boot_disks(&disks);

    for (uint32_t i = 0; i < count; i++)
        edu_tell_place(disks[i].name, disks[i].base);
    if (bulkhead_link_info(0, &link)) {
        memset((void *)link.window, 0x3c, BLOCK);
        edu_tell_place(link.name, link.window);
    }
    edu_tell_place("its registers", (uint64_t)edu);
}

/* A message that the device is made to write: data to the address where interrupts go. */
static void edu_forge(void)
{
    for (uint32_t vector = 0; vector < 256; vector += 5) {
        *(uint32_t *)out = vector;
        (void)edu_copy((uint64_t)out, 4, 0);
        (void)edu_copy(0xfee00000 | (vector & 3) << 12, 4, DMA_TO_RAM);
    }
    print("the device has written messages\n");
}

/* The next life must not find a byte of it: not even of what comes while its memory is being
 * cleared, which is why the place is near the beginning and the guest should have much memory. */
NORETURN static void edu_leave_busy(void)
{
    const volatile uint8_t *place = (const volatile uint8_t *)BUSY_PLACE;

    for (uint32_t i = 0; i < BLOCK; i++)
        if (place[i] != 0)
            fatal(8, "the last life's device has written into this life's memory");
    for (uint32_t i = 0; i < BLOCK; i++)
        out[i] = 0x5a;
    if (!edu_copy((uint64_t)out, BLOCK, 0))
        fatal(5, "no interrupt came for a copy");
    edu_check_registers();
    edu_set(EDU_SOURCE, BUFFER);
    edu_set(EDU_TARGET, BUSY_PLACE);
    edu_set(EDU_COUNT, BLOCK);
    edu_set(EDU_COMMAND, DMA_BEGIN | DMA_TELLS | DMA_TO_RAM);
    print("restarts while the device is at work\n");
    (void)bulkhead_restart();
    fatal(7, "still here");
}

static uint32_t edu_find(void)
{
    const uint32_t slot = pci_find(EDU_ID);

    if (slot == PCI_SLOTS)
        fatal(1, "there is no edu device");
    edu = pci_registers(slot, 0);
    irq_handle(VECTOR, edu_taken);
    x2apic_enable();
    irq_enable();
    if (!pci_start(slot, VECTOR, x2apic_id()))
        fatal(1, "the device has no MSI");
    return slot;
}

int main(void)
{
    const uint64_t rounds = option_number("rounds", 4);
    const uint32_t slot = edu_find();

    for (uint64_t left = option_number("times", 1); left > 0; left--)
        if (option_is("how", "stray"))
            edu_stray(option_number("mib", 1024) * MIB);
        else if (option_is("how", "places"))
            edu_places();
    if (option_is("how", "forge"))
        edu_forge();
    if (option_is("how", "busy"))
        edu_leave_busy();
    edu_check_registers();
    for (uint32_t round = 0; round < rounds; round++)
        edu_check_memory(round);
    print("edu in slot %u: %lu copies there and back, %u interrupts\n", slot, rounds, interrupts);
    return 0;
}

# SPDX-License-Identifier: MIT
"""Lab 5: what a guest's interrupt command may do is to be written (vdev/vapic.c)."""
from grading import ending, guest, last_lines, machine_section
from lab import Lab

# NMI, INIT, SIPI, SMI and a fixed interrupt to each APIC id.
ATTACK = "icr=4400 icr=4500 icr=4608 icr=200 icr=60"
BEATS = 20
CONF = (machine_section(tsc="trusted") + guest("smp", cores=2, memory="32M")
        + guest("canary", memory="2M", cmdline=f"beats={BEATS}")
        + guest("poke", cmdline=f"wait=200 {ATTACK}"))


def check_canary(report, result, beats=BEATS):
    """A neighbour that says what it notices, and counts. Never how late it was."""
    lines = result.guest("canary")
    bad = [line for line in lines if " BAD " in line]
    report.check("a neighbour, the canary, notices nothing of an attack",
                 bad[0] if bad else f"{len(lines)} beats, all well; " + ending(result, "canary"),
                 f"{beats} beats, all well, and the end with code 0",
                 not bad and len(lines) == beats and "powered off with code 0" in ending(result, "canary"))


def grade(g):
    g.fill_tree()
    g.probe("icr", "vdev/vapic.c")
    g.report.stop_if_wrong("a boot with cores that interrupt each other and a guest that attacks")
    result = g.boot(CONF, "smp", "canary", "poke", cores=5)
    g.report.check("two cores of one guest interrupt each other",
                   last_lines("\n".join(result.guest("smp")[-1:])), "IPIs ok",
                   any("IPIs ok" in line for line in result.guest("smp")))
    g.report.check("the attack is carried out", "; ".join(result.guest("poke")),
                   "five commands, each done", sum(line.endswith(": done") for line in result.guest("poke")) == 5)
    check_canary(g.report, result)


TARGETS = """\
    uint32_t count = peers->count < VAPIC_PEERS_MAX ? peers->count : VAPIC_PEERS_MAX;
    if (count == 0)
        return 0;
    uint64_t all = ~UINT64_C(0) >> (VAPIC_PEERS_MAX - count);
    uint32_t destination = (uint32_t)(icr >> 32);
    if ((icr & ICR_SHORTHAND) != 0)
        return addressed_by_shorthand(peers, icr) & all;
    if ((icr & ICR_LOGICAL) != 0)
        return addressed_by_logical_id(peers, count, destination) & all;
    return addressed_by_id(peers, count, destination) & all;
"""
NO_TARGETS = """\
    const uint32_t count = peers->count, destination = (uint32_t)(icr >> 32);

    /* Lab 5: what each of the three returns may have more bits than the guest has cores. */
    return addressed_by_shorthand(peers, icr) | addressed_by_logical_id(peers, count, destination) |
           addressed_by_id(peers, count, destination);
"""
SWITCH_FIRST = """\
    vapic_no_action(action);
    if ((value & ICR_RESERVED) != 0)
        return false;
    a->icr = value & ~ICR_BUSY;

    uint64_t targets = targets_of(peers, value);
    if (targets == 0)
        return true;

    switch ((enum icr_delivery)bits_get(value, 10, 8)) {
    case DELIVER_LOWEST:
        /* Which of the addressed cores is the hardware's choice; ours is the first. */
        targets &= ~targets + 1;
        action->kind = VAPIC_SEND;
        break;
    case DELIVER_FIXED:
        action->kind = VAPIC_SEND;
        break;
    case DELIVER_NMI:
        action->kind = VAPIC_NMI;
        break;
    case DELIVER_INIT:
        /* Level-triggered without assert is "INIT level de-assert", which no x2APIC knows. */
        if ((value & (ICR_LEVEL | ICR_ASSERT)) != ICR_LEVEL)
            action->kind = VAPIC_INIT;
        break;
    case DELIVER_START:
        action->kind = VAPIC_START;
        break;
    case DELIVER_SMI: /* firmware's handler would run, with all rights: there is none for guests */
    case DELIVER_RESERVED:
    case DELIVER_EXTINT:
        break;
    }
    if (action->kind == VAPIC_NOTHING)
        return true;
    action->targets = targets;
    action->vector = (uint8_t)(value & ICR_VECTOR);
    /*
     * Edge, physical, asserted. A vector below 16 stays in: the sender's own APIC then sets "send
     * illegal vector" in its ESR, as it would without us (SDM "Error Handling"), and nobody but a
     * core of the same guest could receive it.
     */
    if (action->kind == VAPIC_SEND)
        action->value = ICR_ASSERT | (value & ICR_VECTOR);
    return true;
"""
NO_FILTER = """\
    vapic_no_action(action);
    a->icr = value;

    /* Lab 5: everything is sent as the guest wrote it. */
    action->kind = VAPIC_SEND;
    action->targets = targets_of(peers, value);
    action->vector = (uint8_t)(value & ICR_VECTOR);
    action->value = (uint32_t)value;
    return true;
"""

LAB = Lab(
    number=5, page="5-icr", title="Filter a guest's interrupts", grade=grade,
    files=("vdev/vapic.c",),
    edits=(("vdev/vapic.c", TARGETS, NO_TARGETS), ("vdev/vapic.c", SWITCH_FIRST, NO_FILTER)),
    hints=(
        "Begin with targets_of(): which one of the three functions applies is said by ICR_SHORTHAND and "
        "ICR_LOGICAL, and one AND makes sure that only the guest's own cores are left: a mask with peers->count "
        "bits. (A shift by 64 is undefined in C: shift ~0 right, not 1 left.)",
        "vapic_write_icr(): refuse ICR_RESERVED first, before anything is stored; keep the value without "
        "ICR_BUSY; no targets, no action. Then a switch over enum icr_delivery, bits 10:8, with a case for each "
        "of the eight; three of them do nothing.",
        "Lowest priority: `targets &= ~targets + 1` leaves the lowest bit. INIT: an action unless ICR_LEVEL is "
        "set and ICR_ASSERT is not. What is sent: `ICR_ASSERT | (value & ICR_VECTOR)`, so that neither delivery "
        "mode nor shorthand nor destination of the guest's reaches the hardware.",
    ))

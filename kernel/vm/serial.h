/* SPDX-License-Identifier: MIT */
/*
 * serial: a guest's UART on its PCI bus: when its interrupt line rises, a message goes to the core
 * that the guest has chosen, which takes it through its own IDT. The receiver does not exit.
 */
#pragma once

#include "kernel/vm/vm.h"

/* After an access of the guest's that may have changed the line. Its own cores only. */
void serial_look(struct vm *vm);

/* The guest has changed where messages go: what was sent before may have gone nowhere. */
void serial_reroute(struct vm *vm);

/* After the console has moved: any guest's line may have changed. */
void serial_tick(struct vm *vm);

/* A break on its line, which the next tick tells of. False: it does not run. Any core. */
MUST_CHECK bool serial_break(struct vm *vm);

/* SPDX-License-Identifier: MIT */
/*
 * message: interrupts of a guest's virtual functions. What a function sends is an IPI of ours to a
 * core of its guest, which takes it without an exit.
 */
#pragma once

#include "kernel/vm/vm.h"

/* The message that the guest has programmed for this function of its own, if it runs and has. Any
 * core, and that of another guest, too. */
void message_send(const struct vm *vm, const struct vpci_function *f);

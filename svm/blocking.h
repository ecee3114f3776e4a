/* SPDX-License-Identifier: MIT */
/*
 * blocking: what keeps an interrupt or NMI out of the guest for now, and how its end is noticed.
 * SVM has no NMI window: the IRET that ends a handler exits before it is carried out, and is then
 * stepped over. APM "Event Injection", "Interrupt Shadows", "IRET Intercept". Pure.
 */
#pragma once

#include "svm/svm.h"

bool svm_is_open(const struct svm_vcpu *hw, enum svm_event_type type);

/* Sees to an EXIT_WINDOW once it is. */
void svm_want_window(struct vcpu *v, enum svm_event_type type);

/* An NMI is to be delivered at the next entry; or was not, after all. */
void svm_begin_nmi(struct svm_vcpu *hw);
void svm_cancel_nmi(struct svm_vcpu *hw);

/* After an exit by VINTR, INTR or IRET: its kind. */
enum exit_kind svm_end_window(struct svm_vcpu *hw);

/* After #DB: whether it ends a step of ours and is not the guest's. */
bool svm_ends_step(struct vcpu *v);

/* A debugger steps over the HLT that exited: done, as if something had come that ends it, for a
 * trap behind HLT would reach the guest in an emulator. */
bool svm_ends_halt(struct vcpu *v);

/* An instruction that exited is done: whether its single-step trap is ours. */
bool svm_ends_own_step(struct vcpu *v);

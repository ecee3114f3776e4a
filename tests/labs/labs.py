# SPDX-License-Identifier: MIT
"""The labs, in their order: each module has a LAB."""

LABS = ("lab1_trace", "lab2_entries", "lab3_leaf", "lab4_msr", "lab5_icr", "lab6_call", "lab7_hole", "lab8_walls")

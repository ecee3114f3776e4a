/* SPDX-License-Identifier: MIT */
Signature : "DMAR"
Table Length : 0000008C
Revision : 01
Checksum : 03
Oem ID : "BHTEST"
Oem Table ID : "BHTEST"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20130517

Host Address Width : 2F
Flags : 01
Reserved : 00 00 00 00 00 00 00 00 00 00

Subtable Type : 0000
Length : 0018

Flags : 01
Reserved : 00
PCI Segment Number : 0000
Register Base Address : 00000000FED90000

Device Scope Type : 03
Entry Length : 08
Reserved : 0000
Enumeration ID : 08
PCI Bus Number : 00

PCI Path : 00,01

Subtable Type : 0001
Length : 0020

Reserved : 0000
PCI Segment Number : 0000
Base Address : 0000000000000000
End Address (limit) : 0000000000000FFF

Device Scope Type : 01
Entry Length : 08
Reserved : 0000
Enumeration ID : 00
PCI Bus Number : 00

PCI Path : 00,02

Subtable Type : 0002
Length : 0010

Flags : 00
Reserved : 00
PCI Segment Number : 0000

Device Scope Type : 02
Entry Length : 08
Reserved : 0000
Enumeration ID : 00
PCI Bus Number : 00

PCI Path : 00,03

Subtable Type : 0003
Length : 0014

Reserved : 00000000
Base Address : 0000000000000000
Proximity Domain : 00000000

/* SPDX-License-Identifier: MIT */
/* A 16550 at port 2F8, 115200 baud. */
Signature : "SPCR"
Table Length : 00000050
Revision : 01
Checksum : E3
Oem ID : "BHTEST"
Oem Table ID : "BHTEST"
Oem Revision : 00000000
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20100528

Interface Type : 00
Reserved : 000000

Serial Port Register : [Generic Address Structure]
Space ID : 01
Bit Width : 08
Bit Offset : 00
Encoded Access Width : 00
Address : 00000000000002F8

Interrupt Type : 00
PCAT-compatible IRQ : 00
Interrupt : 00000000
Baud Rate : 07
Parity : 00
Stop Bits : 00
Flow Control : 00
Terminal Type : 00
Reserved : 00
PCI Device ID : 0000
PCI Vendor ID : 0000
PCI Bus : 00
PCI Device : 00
PCI Function : 00
PCI Flags : 00000000
PCI Segment : 00
Reserved : 00000000

/* SPDX-License-Identifier: MIT */
/* \_S5 with sleep types 6 and 7, among what is like it. */
DefinitionBlock ("", "DSDT", 2, "BHTEST", "BHTEST", 1)
{
    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_S1D, 3)
            Name (TEXT, "_S5_ in a text")
        }
        Processor (CPU0, 0, 0x0, 0x0) {}
    }
    Name (\_S3, Package () { 1, 1, 0, 0 })
    Name (\_S5, Package () { 6, 7, 0, 0 })
    Method (\_PTS, 1) { Store (Arg0, Local0) }
}

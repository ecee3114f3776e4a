/* SPDX-License-Identifier: MIT */
/* An \_S5 that counts only where the DSDT has none: sleep types 4 and 3. */
DefinitionBlock ("", "SSDT", 2, "BHTEST", "BHTEST", 1)
{
    Name (\_S5, Package () { 4, 3, 0, 0 })
}

/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Values of a kernel's configuration in every type that they may be read as. */
#include <stdbool.h>
#include <mem/bpf.h>

extern bool CONFIG_T_BOOL __kconfig __weak;
extern enum libbpf_tristate CONFIG_T_TRISTATE __kconfig __weak;
extern char CONFIG_T_CHAR __kconfig __weak;
extern signed char CONFIG_T_SMALL __kconfig __weak;
extern unsigned short CONFIG_T_SHORT __kconfig __weak;
extern int CONFIG_T_INT __kconfig __weak;
extern unsigned long CONFIG_T_LONG __kconfig __weak;
extern const char CONFIG_T_TEXT[8] __kconfig __weak;
extern int CONFIG_T_STRONG __kconfig;

/* What the program sees. */
struct {
	long boolean, tristate, character, small, shorter, integer, strong;
	unsigned long longer;
	char text[8];
} seen;

SEC("syscall")
int use_all(void *ctx)
{
	seen.boolean = CONFIG_T_BOOL;
	seen.tristate = CONFIG_T_TRISTATE;
	seen.character = CONFIG_T_CHAR;
	seen.small = CONFIG_T_SMALL;
	seen.shorter = CONFIG_T_SHORT;
	seen.integer = CONFIG_T_INT;
	seen.longer = CONFIG_T_LONG;
	seen.strong = CONFIG_T_STRONG;
	for (int i = 0; i < 8; i++)
		seen.text[i] = CONFIG_T_TEXT[i];
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of memgen. Each gets its own arguments, argv[0] being its name, and returns the
 * exit status of the program.
 */
#ifndef MEMGEN_COMMANDS_H
#define MEMGEN_COMMANDS_H

int skeleton_command(int argc, char **argv);
int types_command(int argc, char **argv);
int inspect_command(int argc, char **argv);
int layout_command(int argc, char **argv);
int link_command(int argc, char **argv);

#endif /* MEMGEN_COMMANDS_H */

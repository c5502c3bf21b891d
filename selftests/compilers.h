/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers that memgen makes of the tests' objects, and what compilers say to them. Goes with scratch.h. */
#ifndef SELFTESTS_COMPILERS_H
#define SELFTESTS_COMPILERS_H

/* Of selftests/bpf/, the objects that have all kinds of types. */
enum { TYPE_OBJECTS = 9 };
extern const char *const type_objects[TYPE_OBJECTS];

/* #include lines of headers that have many names. */
extern const char system_headers[];

/* The header of an object, made into the test's folder: its path, static. */
const char *generate(const char *name, const char *options);

/*
 * Compile text with every compiler, warnings being errors. With sanitizers in memgen the first has to do: the others
 * have seen the same text.
 */
void compile_with(const char *flags, const char *text);
void compile(const char *text);

/* A 32-bit application on this machine: -idirafter finds asm/, which is the same for both. */
#define NARROW "-m32 -idirafter /usr/include/$(gcc -print-multiarch)"

/* Skips the test where there are no headers for one. */
void need_narrow(void);

/* Compile a header for one with every compiler. */
void compile_narrow(const char *header);

#endif /* SELFTESTS_COMPILERS_H */

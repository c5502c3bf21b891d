/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "compilers.h"
#include "harness.h"
#include "scratch.h"
#include "shell.h"

const char *const type_objects[TYPE_OBJECTS] = {
	"types_scalars", "types_structs", "types_names", "types_regions", "types_arena",
	"types_twin", "types_ops", "types_exports", "types_bytes",
};

static const char *const compilers[] = {
	"gcc -std=c11 -x c",
	"clang-19 -std=c11 -x c",
	"g++ -std=c++17 -x c++",
	"clang++-19 -std=c++17 -x c++",
};
enum { COMPILERS = sizeof(compilers) / sizeof(compilers[0]) };

const char system_headers[] = "#include <linux/types.h>\n"
				     "#include <linux/bpf.h>\n"
				     "#include <netinet/in.h>\n"
				     "#include <netinet/ip.h>\n"
				     "#include <netinet/tcp.h>\n"
				     "#include <sys/socket.h>\n"
				     "#include <sys/stat.h>\n"
				     "#include <sys/sysmacros.h>\n"
				     "#include <sys/select.h>\n"
				     "#include <argp.h>\n"
				     "#ifndef __cplusplus\n" /* there it takes seconds, and has the same names */
				     "#include <complex.h>\n"
				     "#endif\n"
				     "#include <unistd.h>\n"
				     "#include <search.h>\n"
				     "#include <errno.h>\n"
				     "#include <stdio.h>\n"
				     "#include <time.h>\n"
				     "#include <stdbool.h>\n"
				     "#include <signal.h>\n"
				     "#include <bpf/libbpf.h>\n";

const char *generate(const char *name, const char *options)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s.skel.h", scratch, name);
	SHELL_OK("%s skeleton %s %s -o %s", memgen_path(), object_path(name), options, path);
	return path;
}

void compile_with(const char *flags, const char *text)
{
	char source[128];

	snprintf(source, sizeof(source), "%s/source", scratch);
	write_file(source, text);
	for (int i = 0; i < (SANITIZED ? 1 : COMPILERS); i++)
		SHELL_OK("%s -Wall -Wextra -Werror -pedantic %s -I%s -fsyntax-only %s", compilers[i], flags,
		       source_path("include"), source);
}

void compile(const char *text)
{
	compile_with("", text);
}

void need_narrow(void)
{
	char output[1000];

	write_file(scratch_file("narrow.c"), "#include <mem/mem.h>\n");
	if (shell_run(output, sizeof(output), "gcc " NARROW " -I%s -fsyntax-only %s", source_path("include"),
		      scratch_file("narrow.c")))
		test_skip("gcc has no headers for 32-bit programs (gcc-multilib)");
}

void compile_narrow(const char *header)
{
	for (int c = 0; c < COMPILERS; c++)
		SHELL_OK("echo '#include \"%s\"' | %s " NARROW " -Wall -Wextra -Werror -pedantic -I%s "
			 "-fsyntax-only -", header, compilers[c], source_path("include"));
}

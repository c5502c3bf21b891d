/* SPDX-License-Identifier: BSD-2-Clause */
/* judge OBJECT HEADER.btf NAME: selftests/judge.h for one object, whose skeleton is called NAME. */
#include <mem/elf.h>
#include <stdio.h>

#include "judge.h"

int main(int argc, char **argv)
{
	struct judge judge = {.name = argc > 3 ? argv[3] : ""};
	struct mem_image *image;
	char message[600] = "its types can't be read";
	int err = -1;

	if (argc != 4) {
		fprintf(stderr, "usage: judge OBJECT HEADER.btf NAME\n");
		return 2;
	}
	image = mem_image_read_file(argv[1], NULL);
	if (!image) {
		fprintf(stderr, "error: %s\n", mem_error_message());
		return 1;
	}
	judge.image = image;
	judge.bpf = image->btf.count ? btf__new(image->btf.rows, image->btf.count) : NULL;
	judge.header = btf__parse(argv[2], NULL);
	if (!image->btf.count)
		err = 0;
	else if (judge.bpf && judge.header)
		err = judge_all(&judge, message, sizeof(message));
	if (err)
		fprintf(stderr, "error: %s\n", message);
	btf__free(judge.header);
	btf__free(judge.bpf);
	mem_image_free(image);
	return err ? 1 : 0;
}

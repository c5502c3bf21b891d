/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF tokens (Linux 6.9). In a user namespace no capability reaches bpf(2), but who has privilege outside may have
 * mounted a BPF file system for it that delegates some of bpf(2). A token is made from that mount when a call was
 * refused, and for this one call: where nothing is refused nothing is asked, and there is no descriptor to keep,
 * to share between threads or to lose over a fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mem/object.h>

#include "sys.h"
#include "token.h"

static const char *token_path = TOKEN_USUAL_PATH;

/* Where a command has its flags and the token, in words of four bytes from the start of what it takes. */
struct place {
	unsigned char cmd, flags, token;
};

static const struct place places[] = {
	{ BPF_MAP_CREATE, 4, 19 },
	{ BPF_PROG_LOAD, 11, 36 },
	{ BPF_BTF_LOAD, 8, 9 },
};

/* As long as all that take one, and as what is compiled here gives: kernel headers may be newer. */
union words {
	union bpf_attr attr;
	uint32_t at[38];
};

void mem_token_path_set(const char *path)
{
	token_path = path ? path : TOKEN_USUAL_PATH;
}

const char *token_place(void)
{
	return token_path;
}

int token_open(void)
{
	uint32_t attr[2] = { 0 }; /* flags, descriptor of the mount */
	int dir = open(token_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long token;

	if (dir < 0)
		return -errno;
	attr[1] = (uint32_t)dir;
	token = syscall(SYS_bpf, MEM_BPF_TOKEN_CREATE, attr, sizeof(attr));
	if (token < 0)
		token = -errno;
	sys_close(&dir);
	return (int)token;
}

int token_call(int cmd, const void *attr, size_t size, int refusal)
{
	const struct place *place = places;
	union words with;
	int token, ret;

	while (place->cmd != cmd)
		if (++place == places + sizeof(places) / sizeof(places[0]))
			return refusal;
	memset(&with, 0, sizeof(with)); /* what is behind is zero, as if it were not given */
	memcpy(&with, attr, size);
	if (with.at[place->flags] & MEM_BPF_F_TOKEN_FD) /* this is the call that is made below */
		return refusal;
	token = token_open();
	if (token < 0)
		return refusal;
	with.at[place->flags] |= MEM_BPF_F_TOKEN_FD;
	with.at[place->token] = (uint32_t)token;
	ret = sys_bpf(cmd, &with, sizeof(with)); /* which knows what to do about signals */
	sys_close(&token);
	return ret;
}

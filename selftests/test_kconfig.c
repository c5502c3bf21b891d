/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of the kernel's configuration. The configuration is a file of the test's own, which a mount
 * that only the test sees puts where the kernel's is.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness.h"
#include "kconfig.skel.h"

static struct kconfig *skel;
static char place[200]; /* what is mounted over; empty: nothing */
static char path[40];   /* the file that is mounted there; empty: none */

static void setup(void)
{
	need_bpf();
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		test_skip("can't have mounts of its own: %s", strerror(errno));
	skel = assert_ptr(kconfig__open());
}

static void teardown(void)
{
	kconfig__destroy(skel);
	skel = NULL;
	if (*place)
		umount2(place, MNT_DETACH);
	if (*path)
		unlink(path);
}

FIXTURE(setup, teardown)

/* A kernel without a configuration of its own in /proc has one in /boot, or here none. */
static void choose_place(void)
{
	struct utsname name;

	strcpy(place, "/proc/config.gz");
	if (!access(place, F_OK))
		return;
	uname(&name);
	mkdir("/boot", 0755);
	ck_assert_int_eq(mount("none", "/boot", "tmpfs", 0, NULL), 0);
	snprintf(place, sizeof(place), "/boot/config-%s", name.release);
	fclose(fopen(place, "we"));
}

/* Load the object with this configuration. */
static int load_with(const char *lines)
{
	FILE *file;
	int fd;

	strcpy(path, "/tmp/libmem-kconfig-XXXXXX");
	fd = mkostemp(path, O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	file = assert_ptr(fdopen(fd, "w"));
	fputs(lines, file);
	fclose(file);
	choose_place();
	ck_assert_int_eq(mount(path, place, NULL, MS_BIND, NULL), 0);
	return kconfig__load(skel);
}

/* The same, and let the program look. */
static void run_with(const char *lines)
{
	assert_ok(load_with(lines));
	assert_ok(mem_prog_run(skel->progs.use_all, NULL));
}

TEST(values_of_every_type)
{
	run_with("# a comment with CONFIG_T_INT=1\n"
		 "CONFIG_T_BOOL=y\nCONFIG_T_TRISTATE=m\nCONFIG_T_CHAR=y\n"
		 "CONFIG_T_SMALL=-128\nCONFIG_T_SHORT=65535\nCONFIG_T_INT=-7\n"
		 "CONFIG_T_LONG=0xdead000000000000\nCONFIG_T_TEXT=\"short\"\n"
		 "CONFIG_T_STRONG=5\nCONFIG_OTHER=1\n");
	ck_assert_int_eq(skel->bss->seen.boolean, 1);
	ck_assert_int_eq(skel->bss->seen.tristate, 2);
	ck_assert_int_eq(skel->bss->seen.character, 'y');
	ck_assert_int_eq(skel->bss->seen.small, -128);
	ck_assert_int_eq(skel->bss->seen.shorter, 65535);
	ck_assert_int_eq(skel->bss->seen.integer, -7);
	ck_assert_uint_eq(skel->bss->seen.longer, 0xdead000000000000);
	ck_assert_str_eq((const char *)skel->bss->seen.text, "short");
	ck_assert_int_eq(skel->bss->seen.strong, 5);
}
END_TEST

TEST(what_is_missing_is_zero_if_it_may_be)
{
	run_with("CONFIG_T_STRONG=1\nCONFIG_T_BOOL=n\nCONFIG_T_TRISTATE=y\n"
		 "CONFIG_T_TEXT=\"longer than there is room for\"\n");
	ck_assert_int_eq(skel->bss->seen.boolean, 0);
	ck_assert_int_eq(skel->bss->seen.tristate, 1);
	ck_assert_int_eq(skel->bss->seen.integer, 0);
	ck_assert_str_eq((const char *)skel->bss->seen.text, "longer ");
}
END_TEST

static void assert_refused(const char *lines, int err, const char *words)
{
	assert_err(load_with(lines), err);
	ck_assert_msg(strstr(mem_error_message(), words), "no '%s' in: %s", words, mem_error_message());
}

TEST(strong_one_is_missing)
{
	assert_refused("CONFIG_T_INT=1\n", -ENOENT, "CONFIG_T_STRONG");
}
END_TEST

TEST(number_that_does_not_fit)
{
	assert_refused("CONFIG_T_SMALL=128\n", -EINVAL, "does not fit its type");
}
END_TEST

TEST(negative_number_of_an_unsigned_type)
{
	assert_refused("CONFIG_T_SHORT=-1\n", -EINVAL, "does not fit its type");
}
END_TEST

TEST(module_in_a_bool)
{
	assert_refused("CONFIG_T_BOOL=m\n", -EINVAL, "does not fit a bool");
}
END_TEST

TEST(tristate_in_a_number)
{
	assert_refused("CONFIG_T_INT=y\n", -EINVAL, "needs a bool, a char or enum libbpf_tristate");
}
END_TEST

TEST(number_in_a_text)
{
	assert_refused("CONFIG_T_TEXT=5\n", -EINVAL, "needs an integer");
}
END_TEST

TEST(text_in_a_number)
{
	assert_refused("CONFIG_T_INT=\"5\"\n", -EINVAL, "needs an array of char");
}
END_TEST

TEST(text_without_an_end)
{
	assert_refused("CONFIG_T_TEXT=\"5\n", -EINVAL, "no closing quote");
}
END_TEST

TEST(no_number_at_all)
{
	assert_refused("CONFIG_T_INT=12monkeys\n", -EINVAL, "is no number");
}
END_TEST

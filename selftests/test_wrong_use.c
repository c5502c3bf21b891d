/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that can't do what they are asked for: each says what is wrong, and does nothing. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mem/elf.h>
#include <mem/migrate.h>
#include <mem/share.h>
#include <mem/task.h>

#include "bpffs.h"
#include "harness.h"
#include "hooks.skel.h"
#include "migrate_new.skel.h"
#include "plain.skel.h"
#include "probes.skel.h"
#include "scratch.h"
#include "shared.skel.h"
#include "shell.h"
#include "task_basic.skel.h"

static void teardown(void)
{
	bpffs_unmount();
	scratch_remove();
}

FIXTURE(scratch_make, teardown)

/* A pointer function that fails: errno, with a message. */
#define assert_null(call, err)                                                                     \
	do {                                                                                       \
		errno = 0;                                                                         \
		ck_assert_ptr_null(call);                                                          \
		ck_assert_msg(errno == (err), "%s: errno %d: %s", #call, errno, test_message());   \
		ck_assert_msg(*test_message(), "%s failed without a message", #call);              \
	} while (0)

/* ---- objects */

TEST(programs_are_run_when_they_are_loaded)
{
	struct hooks *hooks = assert_ptr(hooks__open());

	need_bpf();
	assert_err(mem_prog_run(hooks->progs.on_event, NULL), -EBADF);
	assert_says("program 'on_event' is not loaded");
	load_only(hooks->obj, hooks->progs.on_event);
	assert_err(mem_prog_run(hooks->progs.on_event, NULL), -ENOTSUP);
	assert_says("can't run programs of its type on request");
	assert_null(mem_object_find_prog(hooks->obj, "on_nothing"), ENOENT);
	assert_says("hooks: there is no program 'on_nothing'");
	hooks__destroy(hooks);
}
END_TEST

TEST(variables_of_no_cpu)
{
	struct plain *skel = assert_ptr(plain__open());
	uint64_t value[8] = {0};

	assert_err(mem_region_cpu_read(mem_object_find_region(skel->obj, "bss"), 0, value), -EINVAL);
	assert_err(mem_region_cpu_write(mem_object_find_region(skel->obj, "bss"), 0, value), -EINVAL);
	assert_says("region 'bss'");
	plain__destroy(skel);
}
END_TEST

TEST(what_can_not_be_migrated)
{
	struct migrate_new *skel = assert_ptr(migrate_new__open());
	struct plain *plain = assert_ptr(plain__open());

	need_bpf();
	assert_err(mem_map_migrate_set(plain->maps.rodata, NULL), -EINVAL);
	assert_says("map '.rodata' can't be migrated: it is no region that an application writes to");
	assert_err(mem_region_migrate(mem_object_find_region(skel->obj, "bss"), mem_source_id(1), NULL), -EBADF);
	assert_says("does not exist before mem_object_prepare()");
	assert_ok(plain__prepare(plain));
	assert_err(mem_region_migrate(mem_object_find_region(plain->obj, "rodata"), mem_source_id(1), NULL), -EINVAL);
	assert_says("it has no fields that an application writes to");
	assert_err(mem_map_migrate_set(plain->maps.bss, NULL), -EBUSY);
	assert_says("mem_region_migrate() copies into it");
	migrate_new__destroy(skel);
	plain__destroy(plain);
}
END_TEST

TEST(versions_are_those_of_arenas)
{
	struct shared *skel = assert_ptr(shared__open());
	struct mem_region *arena = mem_object_find_region(skel->obj, "arena");

	assert_err(mem_arena_version_set(NULL, 1), -EINVAL);
	assert_err(mem_arena_version_set(mem_object_find_region(skel->obj, "bss"), 1), -EINVAL);
	assert_says("it is not an arena with variables");
	ck_assert_uint_eq(mem_arena_version(NULL), 0);
	ck_assert_uint_eq(mem_arena_version(mem_object_find_region(skel->obj, "bss")), 0);
	assert_ok(mem_arena_version_set(arena, 7));
	ck_assert_uint_eq(mem_arena_version(arena), 7);
	need_linux(6, 9, "arenas");
	need_bpf();
	assert_ok(shared__prepare(skel));
	ck_assert_uint_eq(mem_arena_version(arena), 7);
	assert_err(mem_arena_version_set(arena, 8), -EBUSY);
	assert_says("region 'arena' can't have another version any more");
	shared__destroy(skel);
}
END_TEST

TEST(folders_of_threads)
{
	assert_err(mem_task_share(NULL, 0), -EINVAL);
	assert_err(mem_task_share("", 0), -EINVAL);
	assert_err(mem_task_share("/sys/fs/bpf/x", 01777), -EINVAL);
	assert_says("mem_task_share(): folder '/sys/fs/bpf/x', mode 01777");
	assert_err(mem_task_share("/sys/fs/bpf/x", 0), -EINVAL);
	assert_says("load an object with per-thread structs first");
	assert_err(mem_task_unshare(NULL), -EINVAL);
	assert_says("no folder");
}
END_TEST

TEST(threads_are_of_one_process)
{
	struct task_basic *skel;

	need_bpf();
	bpffs_mount();
	skel = assert_ptr(task_basic__open_and_load());
	assert_err(mem_skeleton_pin(skel, task_basic__layout(), "/sys/fs/bpf/threads"), -ENOTSUP);
	assert_says("per-thread structs are their process's");
	ck_assert_int_ne(access("/sys/fs/bpf/threads", F_OK), 0);
	task_basic__destroy(skel);
}
END_TEST

/* ---- files that are to be probed */

static struct probes *probed;

static void probe_says(const char *path, int err, const char *words)
{
	assert_null(mem_prog_attach_uprobe(probed->progs.on_uprobe, -1, path, "main", NULL), err);
	assert_says(path);
	assert_says(words);
}

/* The test's own binary with a header that is not what it was. */
static const char *changed(const char *name, void (*change)(Elf64_Ehdr *header))
{
	const char *path = scratch_file(name);
	char *bytes = malloc(1 << 16);
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	ssize_t n = read(from, bytes, 1 << 16);

	ck_assert_int_eq(n, 1 << 16);
	change((Elf64_Ehdr *)bytes);
	ck_assert_int_eq(write(to, bytes, (size_t)n), n);
	close(from);
	close(to);
	free(bytes);
	return path;
}

static void nothing(Elf64_Ehdr *header)
{
	(void)header;
}

static void other_class(Elf64_Ehdr *header)
{
	header->e_ident[EI_CLASS] = header->e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
}

static void other_size(Elf64_Ehdr *header)
{
	header->e_shentsize++;
}

TEST(binaries_that_are_none, .unsanitized = "reads the test's own binary, which is large")
{
	need_bpf();
	probed = assert_ptr(probes__open());
	load_only(probed->obj, probed->progs.on_uprobe);
	write_file(scratch_file("script"), "#!/bin/sh\nexec true\n");
	probe_says(scratch_file("script"), EINVAL, "not an ELF file");
	write_file(scratch_file("empty"), "");
	probe_says(scratch_file("empty"), EINVAL, "not an ELF file");
	probe_says(changed("class", other_class), EINVAL, "another word size");
	probe_says(changed("size", other_size), EINVAL, "headers of unknown size");
	/* the end, where its sections are, is cut off */
	probe_says(changed("cut", nothing), ENOENT, "'main'");
	probe_says("/nonexistent/file", ENOENT, "there is no binary or library");
	probes__destroy(probed);
}
END_TEST

/* ---- sections that lead nowhere */

static void program_says(const char *before, const char *section, const char *body, int err, const char *words)
{
	struct mem_object *obj;
	struct mem_prog *prog;
	char source[800];
	int ret;

	snprintf(source, sizeof(source), "#include <mem/bpf.h>\n%s\nSEC(\"%s\") int f(void *ctx) { return %s; }\n"
		 "char LICENSE[] SEC(\"license\") = \"GPL\";\n", before, section, body);
	obj = assert_ptr(mem_object_open_file(compile_bpf("f", source), NULL));
	prog = mem_object_find_prog(obj, "f");
	errno = 0;
	ret = mem_object_load(obj);
	if (!ret && !mem_prog_attach(prog))
		ret = -errno;
	ck_assert_msg(ret == -err, "%s: %d: %s", section, ret, test_message());
	assert_says("'f'");
	assert_says(words);
	mem_object_close(obj);
}

static void section_says(const char *section, int err, const char *words)
{
	program_says("", section, "0", err, words);
}

TEST(sections_that_lead_nowhere, .host_only = "compiles programs")
{
	need_bpf();
	section_says("usdt/binary", EINVAL, "usdt/BINARY:PROVIDER:NAME");
	section_says("usdt/binary:name", EINVAL, "usdt/BINARY:PROVIDER:NAME");
	section_says("usdt//proc/self/exe:provider:name", EINVAL, "include <bpf/usdt.bpf.h> in the program");
	if (linux_version() >= 6006)
		section_says("uprobe.multi/binary", EINVAL, "uprobe.multi/BINARY:PATTERN");
	section_says("lsm/libmem_none", ENOENT, "this kernel has no security hook 'libmem_none' to attach to");
	section_says("iter/libmem_none", ENOENT, "this kernel has no iterator 'libmem_none' to attach to");
	section_says("fentry", EINVAL, "section 'fentry' does not name what to attach to: write 'fentry/NAME'");
	section_says("struct_ops/f", EINVAL, "implements no member of a struct_ops variable");
	section_says("freplace/g", EINVAL, "call mem_prog_target_set()");
	section_says("tp/nothing", EINVAL, "nothing");
}
END_TEST

/* A name that the kernel has at several addresses, of functions that its files keep to themselves. */
static int find_double(char *name, size_t size)
{
	FILE *found = popen("awk '$2 == \"t\" && $3 ~ /^[a-z]+_[a-z]+_[a-z]+$/ && !$4 { print $3 }' /proc/kallsyms | sort | uniq -d", "re");
	int ok = found && fgets(name, (int)size, found);

	while (found && getc(found) != EOF)
		;
	if (found)
		pclose(found);
	name[ok ? strcspn(name, "\n") : 0] = '\0';
	return ok;
}

TEST(symbols_that_are_several, .host_only = "compiles programs")
{
	char name[128], declared[200], used[200], words[200];

	need_bpf();
	if (!find_double(name, sizeof(name)))
		test_skip("this kernel has no two functions of one name");
	snprintf(declared, sizeof(declared), "extern const void %s __ksym;", name);
	snprintf(used, sizeof(used), "(int)(long)&%s", name);
	snprintf(words, sizeof(words), "the kernel has several symbols '%s': which is meant?", name);
	program_says(declared, "raw_tp/sys_enter", used, EINVAL, words);
}
END_TEST

/* ---- values that are in no configuration */

static struct mem_object *open_with(const char *declared, const char *used)
{
	char source[300];

	snprintf(source, sizeof(source), "#include <mem/bpf.h>\nextern %s __kconfig;\n"
		 "SEC(\"syscall\") int f(void *ctx) { return (int)%s; }\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n",
		 declared, used);
	return assert_ptr(mem_object_open_file(compile_bpf("f", source), NULL));
}

TEST(values_that_no_configuration_has, .host_only = "compiles programs")
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	struct mem_object *obj;

	need_bpf();
	obj = open_with("_Bool LINUX_HAS_SYSCALL_WRAPPER", "LINUX_HAS_SYSCALL_WRAPPER");
	assert_ok(mem_object_load(obj));
	assert_ok(mem_prog_run(mem_object_find_prog(obj, "f"), &opts));
	ck_assert_uint_eq(opts.retval, !shell_run((char[8]){0}, 8, "grep -q ' __[a-z0-9]*_sys_bpf$' /proc/kallsyms"));
	mem_object_close(obj);
	obj = open_with("char LINUX_KERNEL_VERSION", "LINUX_KERNEL_VERSION");
	assert_err(mem_object_load(obj), -EINVAL);
	assert_says("LINUX_KERNEL_VERSION");
	assert_says("does not fit its type");
	mem_object_close(obj);
}
END_TEST

/* ---- pins that are others' */

static void keep_out(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
	sets[0].effective &= ~(CAP_TO_MASK(CAP_DAC_OVERRIDE) | CAP_TO_MASK(CAP_DAC_READ_SEARCH));
	ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
}

static void let_in(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
	sets[0].effective = sets[0].permitted;
	ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
}

#define THEIRS "/sys/fs/bpf/theirs"

TEST(pins_of_other_users)
{
	struct plain *skel;

	need_bpf();
	bpffs_mount();
	skel = assert_ptr(plain__open());
	assert_ok(plain__prepare(skel));
	assert_ok(mem_map_pin(skel->maps.lru, THEIRS "/map", 0600));
	assert_ok(chown(THEIRS "/map", 1, 1));
	assert_ok(chmod(THEIRS, 0755));
	keep_out();
	assert_null(mem_region_attach(NULL, NULL, mem_source_pin(THEIRS "/map"), NULL), EACCES);
	assert_says("can't open pin '" THEIRS "/map': its mode or its folder's does not let this user");
	assert_null(mem_region_attach(NULL, NULL, mem_source_pin(THEIRS), NULL), EACCES);
	assert_says("it is a folder");
	assert_null(mem_region_attach(NULL, NULL, mem_source_pin("/proc/self/exe"), NULL), EACCES);
	assert_says("is not in a BPF file system");
	let_in();
	assert_ok(chown(THEIRS, 1, 1));
	assert_ok(chmod(THEIRS, 0755));
	keep_out();
	assert_err(mem_map_pin(skel->maps.lru, THEIRS "/another", 0600), -EACCES);
	assert_says("can't pin it at '" THEIRS "/another': Permission denied");
	assert_err(mem_unpin(THEIRS "/map"), -EACCES);
	assert_says(THEIRS "/map");
	assert_err(mem_map_pin(skel->maps.lru, THEIRS "/a.b", 0600), -EPERM);
	assert_says("names in a BPF file system have no '.'");
	let_in();
	plain__destroy(skel);
}
END_TEST

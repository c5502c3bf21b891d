/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of the running kernel's configuration, put into the .kconfig region before it is frozen.
 *
 * /proc/config.gz is the kernel's own word; where it isn't built in, distributions keep a copy in
 * /boot. Reading the former takes zlib, which is loaded when it comes to that: libmem itself links
 * nothing but libc. This file is linked only by programs whose object has .kconfig values
 * (mem_kconfig_use()).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "explain.h"
#include "kallsyms.h"
#include "object.h"
#include "sys.h"

#define LINE_SIZE 4096 /* bytes; no line of a configuration is as long */

/* What is being filled in. */
struct kconfig {
	struct mem_object *obj;
	char *region; /* the values */
	bool *found;  /* per externs row */
};

static int bad_value(const struct kconfig *kconfig, const struct mem_extern_image *ext,
		     const char *value, const char *why)
{
	return mem__error(EINVAL, "%s: extern '%s': the kernel's value %s %s", kconfig->obj->name,
			  ext->name, value, why);
}

static bool number_fits(const struct mem_extern_image *ext, uint64_t value)
{
	uint32_t bits = ext->kcfg_size * 8;

	if (bits >= 64)
		return true;
	if (ext->kcfg_signed)
		return value + (1ULL << (bits - 1)) < 1ULL << bits;
	return value >> bits == 0;
}

/* Store the low bytes of a number in the host's byte order. */
static void store_number(const struct kconfig *kconfig, const struct mem_extern_image *ext,
			 uint64_t value)
{
	char *to = kconfig->region + ext->kcfg_offset;

	switch (ext->kcfg_size) {
	case 1:
		memcpy(to, &(uint8_t){ (uint8_t)value }, 1);
		break;
	case 2:
		memcpy(to, &(uint16_t){ (uint16_t)value }, 2);
		break;
	case 4:
		memcpy(to, &(uint32_t){ (uint32_t)value }, 4);
		break;
	case 8:
		memcpy(to, &value, 8);
		break;
	default: /* the image was checked */
		break;
	}
}

static int set_tristate(const struct kconfig *kconfig, const struct mem_extern_image *ext,
			const char *value)
{
	switch (ext->kcfg_kind) {
	case MEM_KCFG_BOOL:
		if (value[0] == 'm')
			return bad_value(kconfig, ext, value, "does not fit a bool");
		store_number(kconfig, ext, value[0] == 'y');
		return 0;
	case MEM_KCFG_TRISTATE:
		store_number(kconfig, ext, value[0] == 'y' ? 1 : value[0] == 'm' ? 2 : 0);
		return 0;
	case MEM_KCFG_CHAR:
		store_number(kconfig, ext, (unsigned char)value[0]);
		return 0;
	default:
		return bad_value(kconfig, ext, value, "needs a bool, a char or enum libbpf_tristate");
	}
}

/* The text between quotes, cut to the size that the program gives it. */
static int set_string(const struct kconfig *kconfig, const struct mem_extern_image *ext,
		      const char *value)
{
	size_t len = strlen(value);

	if (ext->kcfg_kind != MEM_KCFG_CHAR_ARR)
		return bad_value(kconfig, ext, value, "needs an array of char");
	if (len < 2 || value[len - 1] != '"')
		return bad_value(kconfig, ext, value, "has no closing quote");
	len -= 2;
	if (len > ext->kcfg_size - 1) {
		len = ext->kcfg_size - 1;
		mem__log(MEM_LOG_WARN, "%s: extern '%s': %s is cut to %zu characters",
			 kconfig->obj->name, ext->name, value, len);
	}
	memcpy(kconfig->region + ext->kcfg_offset, value + 1, len);
	return 0;
}

static int set_number(const struct kconfig *kconfig, const struct mem_extern_image *ext,
		      const char *text)
{
	uint64_t value;
	char *end;

	errno = 0;
	value = text[0] == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	if (errno || end == text || *end)
		return bad_value(kconfig, ext, text, "is no number");
	if (ext->kcfg_kind != MEM_KCFG_INT && ext->kcfg_kind != MEM_KCFG_CHAR)
		return bad_value(kconfig, ext, text, "needs an integer");
	if (!number_fits(ext, value))
		return bad_value(kconfig, ext, text, "does not fit its type");
	store_number(kconfig, ext, value);
	return 0;
}

static int set_value(const struct kconfig *kconfig, uint32_t row, const char *value)
{
	const struct mem_extern_image *ext = &kconfig->obj->image.externs[row];

	kconfig->found[row] = true;
	if (value[0] == '"')
		return set_string(kconfig, ext, value);
	if (value[0] && strchr("ymn", value[0]) && !value[1])
		return set_tristate(kconfig, ext, value);
	return set_number(kconfig, ext, value);
}

/* "CONFIG_HZ=250" */
static int take_line(const struct kconfig *kconfig, char *line)
{
	const struct image_view *image = &kconfig->obj->image;
	char *equals = strchr(line, '=');

	if (strncmp(line, "CONFIG_", 7) || !equals)
		return 0;
	*equals = '\0';
	equals[1 + strcspn(equals + 1, "\r\n")] = '\0';
	for (uint32_t i = 0; i < image->extern_count; i++)
		if (image->externs[i].kind == MEM_EXTERN_KCONFIG &&
		    !strcmp(image->externs[i].name, line))
			return set_value(kconfig, i, equals + 1);
	return 0;
}

/* zlib's functions for reading a compressed file, as zlib.h declares them. */
struct zlib {
	void *handle;
	void *(*open)(const char *path, const char *mode);
	char *(*gets)(void *file, char *line, int size);
	int (*close)(void *file);
};

static bool zlib_load(struct zlib *zlib)
{
	zlib->handle = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!zlib->handle)
		return false;
	*(void **)&zlib->open = dlsym(zlib->handle, "gzopen");
	*(void **)&zlib->gets = dlsym(zlib->handle, "gzgets");
	*(void **)&zlib->close = dlsym(zlib->handle, "gzclose");
	if (zlib->open && zlib->gets && zlib->close)
		return true;
	dlclose(zlib->handle);
	return false;
}

/* 0, an error with a message, or 1 if there is no such file or no zlib. */
static int read_compressed(const struct kconfig *kconfig, const char *path)
{
	char line[LINE_SIZE];
	struct zlib zlib;
	void *file;
	int err = 0;

	if (!zlib_load(&zlib))
		return 1;
	file = zlib.open(path, "rbe");
	while (!err && file && zlib.gets(file, line, sizeof(line)))
		err = take_line(kconfig, line);
	if (file)
		zlib.close(file);
	dlclose(zlib.handle);
	return file ? err : 1;
}

static int read_plain(const struct kconfig *kconfig, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_SIZE];
	int err = 0;

	if (!file)
		return 1;
	while (!err && fgets(line, sizeof(line), file))
		err = take_line(kconfig, line);
	fclose(file);
	return err;
}

static int read_configuration(const struct kconfig *kconfig)
{
	char path[512];
	struct utsname name;
	int err = read_compressed(kconfig, "/proc/config.gz");

	if (err <= 0 || uname(&name))
		return err;
	snprintf(path, sizeof(path), "/boot/config-%s", name.release);
	return read_plain(kconfig, path);
}

/*
 * The version as programs compare it. Debian's and Ubuntu's release strings have a number of their
 * own in third place; the true one is elsewhere.
 */
static uint64_t kernel_version(void)
{
	char signature[256] = "";
	unsigned int version[3];
	struct utsname name;
	const char *debian, *ubuntu;

	if (uname(&name))
		return 0;
	debian = strstr(name.version, "Debian ");
	sys_read_file("/proc/version_signature", signature, sizeof(signature));
	ubuntu = strrchr(signature, ' ');
	if (!(debian && parse_version(debian + strlen("Debian "), version)) &&
	    !(ubuntu && parse_version(ubuntu + 1, version)))
		parse_version(name.release, version);
	return version[0] << 16 | version[1] << 8 | (version[2] > 255 ? 255 : version[2]);
}

/* Whether system calls have functions that take their arguments from a struct pt_regs. */
static int has_syscall_wrapper(const struct kconfig *kconfig, uint64_t *value)
{
	struct kallsyms_want wants[] = { { .name = "__x64_sys_bpf" }, { .name = "__arm64_sys_bpf" },
					 { .name = "__s390x_sys_bpf" }, { .name = "__riscv_sys_bpf" } };
	uint32_t count = sizeof(wants) / sizeof(wants[0]);
	int err = kallsyms_find(wants, count, kconfig->obj->name);

	*value = 0;
	for (uint32_t i = 0; i < count; i++)
		*value |= wants[i].found != 0;
	return *value ? 0 : err;
}

/* The names that are libbpf's invention and in no configuration. 1: not one of them. */
static int set_virtual(const struct kconfig *kconfig, uint32_t row)
{
	const struct mem_extern_image *ext = &kconfig->obj->image.externs[row];
	uint64_t value;
	int err = 0;

	if (!strcmp(ext->name, "LINUX_KERNEL_VERSION"))
		value = kernel_version();
	else if (!strcmp(ext->name, "LINUX_HAS_BPF_COOKIE"))
		value = !kernel_older_than(5, 15);
	else if (!strcmp(ext->name, "LINUX_HAS_SYSCALL_WRAPPER"))
		err = has_syscall_wrapper(kconfig, &value);
	else
		return 1;
	if (err)
		return err;
	kconfig->found[row] = true;
	if (ext->kcfg_kind == MEM_KCFG_CHAR_ARR || !number_fits(ext, value))
		return bad_value(kconfig, ext, ext->name, "does not fit its type");
	store_number(kconfig, ext, value);
	return 0;
}

static int fill_all(const struct kconfig *kconfig)
{
	const struct image_view *image = &kconfig->obj->image;
	bool configuration = false;
	int err;

	for (uint32_t i = 0; i < image->extern_count; i++) {
		if (image->externs[i].kind != MEM_EXTERN_KCONFIG)
			continue;
		err = set_virtual(kconfig, i);
		if (err < 0)
			return err;
		configuration |= err > 0;
	}
	err = configuration ? read_configuration(kconfig) : 0;
	if (err < 0)
		return err;
	for (uint32_t i = 0; i < image->extern_count; i++) {
		const struct mem_extern_image *ext = &image->externs[i];

		if (ext->kind != MEM_EXTERN_KCONFIG || kconfig->found[i] ||
		    ext->flags & MEM_EXTERN_WEAK)
			continue;
		return mem__error(ENOENT, "%s: extern '%s': %s; declare it __weak if the program can do "
				  "without", kconfig->obj->name, ext->name,
				  err ? "this kernel's configuration is neither in /proc/config.gz (with "
					"zlib installed) nor in /boot"
				      : "this kernel's configuration does not have it");
	}
	return 0;
}

int kconfig_fill(struct mem_region *region)
{
	struct mem_object *obj = region->obj;
	struct kconfig kconfig = { .obj = obj, .region = region->base };
	int err;

	kconfig.found = calloc(obj->image.extern_count + 1, sizeof(*kconfig.found));
	if (!kconfig.found)
		return mem__error(ENOMEM, "%s: no memory for .kconfig", obj->name);
	err = fill_all(&kconfig);
	free(kconfig.found);
	return err;
}

void mem_kconfig_use(void)
{
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables that each CPU has its own of (.percpu). The kernel maps them into no process: the region's
 * memory holds initial values until prepare, and afterwards there are copies by system call only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "explain.h"
#include "object.h"
#include "sys.h"

#define F_CPU 8ULL /* BPF_F_CPU: the number is in the flags' upper half */

static const struct feature single_cpu = { "access to a single CPU's values", 7, 0 };

/* Room for the values of all CPUs; NULL with a message. */
static char *all_values(const struct mem_region *region, int *cpus)
{
	char *values;

	*cpus = sys_possible_cpus();
	if (*cpus < 0) {
		mem__error(-*cpus, "%s: region '%s': can't count the CPUs: %s", region->obj->name,
			   region->image->name, strerror(-*cpus));
		return NULL;
	}
	values = calloc((size_t)*cpus, map_stride(region->map));
	if (!values)
		mem__error(ENOMEM, "%s: region '%s': no memory for the values of %d CPUs",
			   region->obj->name, region->image->name, *cpus);
	return values;
}

int percpu_fill(struct mem_region *region)
{
	size_t stride = map_stride(region->map);
	uint32_t key = 0;
	char *values;
	int cpus, err;

	if (!contents_any(region->base, region->size))
		return 0;
	values = all_values(region, &cpus);
	if (!values)
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++)
		memcpy(values + (size_t)cpu * stride, region->base, region->map->value_size);
	err = mem_map_update(region->map, &key, values, 0);
	free(values);
	return err;
}

static int check(const struct mem_region *region, unsigned int cpu, int cpus)
{
	if (cpu < (unsigned int)cpus)
		return 0;
	return mem__error(EINVAL, "%s: region '%s': there is no CPU %u, only %d", region->obj->name,
			  region->image->name, cpu, cpus);
}

static int not_percpu(const struct mem_region *region)
{
	return mem__error(EINVAL, "%s: region '%s' is not one of variables that each CPU has its own of",
			  region->obj->name, region->image->name);
}

/* Before Linux 7.0 those of all CPUs come along. */
static int read_value(const struct mem_region *region, unsigned int cpu, char *values)
{
	uint32_t key = 0;
	int err = mem_map_lookup(region->map, &key, values, (uint64_t)cpu << 32 | F_CPU);

	if (err != -EINVAL)
		return err;
	err = mem_map_lookup(region->map, &key, values, 0);
	if (!err)
		memmove(values, values + cpu * map_stride(region->map), region->map->value_size);
	return err;
}

int mem_region_cpu_read(const struct mem_region *region, unsigned int cpu, void *to)
{
	char *values;
	int cpus, err;

	if (region->image->kind != MEM_REGION_PERCPU)
		return object_result(region->obj, not_percpu(region));
	values = all_values(region, &cpus);
	if (!values)
		return object_result(region->obj, -errno);
	err = check(region, cpu, cpus);
	err = err ?: read_value(region, cpu, values);
	if (!err)
		memcpy(to, values, region->map->value_size);
	free(values);
	return object_result(region->obj, err);
}

static int write_value(const struct mem_region *region, unsigned int cpu, const char *values)
{
	uint32_t key = 0;
	int err = mem_map_update(region->map, &key, values, (uint64_t)cpu << 32 | F_CPU);
	char why[200];

	if (err != -EINVAL || !explain_missing(why, sizeof(why), &single_cpu))
		return err;
	return mem__error(ENOTSUP, "%s: region '%s': %s", region->obj->name, region->image->name, why);
}

int mem_region_cpu_write(const struct mem_region *region, unsigned int cpu, const void *from)
{
	char *values;
	int cpus, err;

	if (region->image->kind != MEM_REGION_PERCPU)
		return object_result(region->obj, not_percpu(region));
	values = all_values(region, &cpus); /* an older kernel reads that much before it refuses */
	if (!values)
		return object_result(region->obj, -errno);
	err = check(region, cpu, cpus);
	memcpy(values, from, region->map->value_size);
	err = err ?: write_value(region, cpu, values);
	free(values);
	return object_result(region->obj, err);
}

void mem_percpu_use(void)
{
}

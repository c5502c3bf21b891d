/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the bytes of an object file to an image: the order of the steps, and the image's memory.
 *
 * An image is one pool of memory, its struct included, so that it is released in one step and
 * never exists by half.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <mem/elf.h>

#include "opts.h"
#include "reader/reader.h"
#include "reader/whole_btf.h"

/* An image together with the memory that it and its tables are in. */
struct owned_image {
	struct mem_image image; /* first, so that the pointers are the same */
	struct pool pool;
	const void *btf; /* as image_whole_btf() gives it */
	uint32_t btf_size;
};

int reader_no_memory(const struct reader *r)
{
	return mem__error(ENOMEM, "%s: no memory to read it", r->file);
}

void *reader_rows(struct reader *r, struct rows *rows, uint32_t n, size_t row_size)
{
	void *row = rows_add(&r->scratch, rows, n, row_size);

	if (!row)
		reader_no_memory(r);
	return row;
}

char *reader_text(struct reader *r, const char *text, size_t len)
{
	char *copy = pool_text(r->pool, text, len);

	if (!copy)
		reader_no_memory(r);
	return copy;
}

char *reader_string(struct reader *r, const char *text)
{
	return reader_text(r, text, strlen(text));
}

static int move_table(struct reader *r, struct mem_table *table, const struct rows *rows,
		      uint32_t row_size)
{
	void *copy;

	table->count = rows->count;
	table->row_size = row_size;
	if (!rows->count)
		return 0;
	copy = pool_alloc(r->pool, rows->count, row_size);
	if (!copy)
		return reader_no_memory(r);
	table->rows = memcpy(copy, rows->data, (size_t)rows->count * row_size);
	return 0;
}

static int fill_image(struct reader *r, struct mem_image *image)
{
	int err;

	image->abi = MEM_IMAGE_ABI;
	image->size = sizeof(*image);
	image->name = r->name;
	image->license = r->license;
	image->kern_version = r->kern_version;
	image->btf.rows = r->btf_copy;
	image->btf.count = r->btf_size;
	image->btf.row_size = 1;
	err = move_table(r, &image->maps, &r->maps, sizeof(struct mem_map_image));
	err = err ?: move_table(r, &image->inits, &r->inits, sizeof(struct mem_init_image));
	err = err ?: move_table(r, &image->regions, &r->regions, sizeof(struct mem_region_image));
	err = err ?: move_table(r, &image->progs, &r->progs, sizeof(struct mem_prog_image));
	err = err ?: move_table(r, &image->prog_funcs, &r->prog_funcs, sizeof(uint32_t));
	err = err ?: move_table(r, &image->funcs, &r->funcs, sizeof(struct mem_func_image));
	err = err ?: move_table(r, &image->insns, &r->insns, sizeof(uint64_t));
	err = err ?: move_table(r, &image->relocs, &r->relocs, sizeof(struct mem_reloc_image));
	err = err ?: move_table(r, &image->externs, &r->externs, sizeof(struct mem_extern_image));
	err = err ?: move_table(r, &image->line_infos, &r->line_infos, sizeof(struct bpf_line_info));
	err = err ?: move_table(r, &image->tasks, &r->tasks, sizeof(struct mem_task_image));
	err = err ?: move_table(r, &image->task_fields, &r->task_fields, sizeof(struct mem_task_field_image));
	return err ?: move_table(r, &image->core_relos, &r->core_relos, sizeof(struct bpf_core_relo));
}

static int read_all(struct reader *r, struct mem_image *image)
{
	int err;

	err = elf_start(r);
	err = err ?: elf_read_sections(r);
	err = err ?: elf_read_symbols(r);
	err = err ?: elf_read_license(r);
	err = err ?: btf_read(r);
	err = err ?: btf_fix(r);
	err = err ?: maps_read(r);
	err = err ?: data_read(r);
	err = err ?: struct_ops_read(r);
	err = err ?: tasks_read(r);
	err = err ?: externs_read(r);
	err = err ?: progs_read(r);
	err = err ?: names_check(r);
	err = err ?: names_kernel(r);
	err = err ?: maps_read_inits(r);
	err = err ?: struct_ops_read_callbacks(r);
	err = err ?: relocs_read(r);
	err = err ?: btf_ext_read(r);
	err = err ?: callees_read(r);
	if (err)
		return err;
	btf_finish(r);
	err = btf_drop_empty(r);
	return err ?: fill_image(r, image);
}

/* "dir/foo.bpf.o" is foo. */
static char *name_of(struct reader *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (len > 2 && !strcmp(name + len - 2, ".o"))
		len -= 2;
	if (len > 4 && !strncmp(name + len - 4, ".bpf", 4))
		len -= 4;
	return reader_text(r, name, len);
}

/* Read size bytes; file is what messages call them, and what the name is made of unless given. */
static struct mem_image *read_bytes(const void *bytes, size_t size, const char *file,
				    const char *name)
{
	struct reader r = {.file = file, .bytes = bytes, .size = size};
	struct owned_image *owned;
	struct pool pool = {0};
	int err;

	owned = pool_alloc(&pool, 1, sizeof(*owned));
	if (!owned) {
		reader_no_memory(&r);
		return NULL;
	}
	r.pool = &pool;
	r.name = name ? reader_string(&r, name) : name_of(&r, file);
	err = r.name ? read_all(&r, &owned->image) : -ENOMEM;
	btf__free(r.btf);
	elf_end(r.elf);
	pool_free(&r.scratch);
	if (err) {
		pool_free(&pool);
		errno = -err;
		return NULL;
	}
	owned->pool = pool;
	owned->btf = r.btf_whole ? r.btf_whole : r.btf_copy;
	owned->btf_size = r.btf_whole ? r.btf_whole_size : r.btf_size;
	return &owned->image;
}

const void *image_whole_btf(const struct mem_image *image, uint32_t *size)
{
	const struct owned_image *owned = (const struct owned_image *)image;

	*size = owned->btf_size;
	return owned->btf;
}

struct mem_image *mem_image_read(const void *data, size_t size, const struct mem_read_opts *opts)
{
	const char *name;

	if (!OPTS_VALID(opts, mem_read_opts))
		return NULL;
	name = OPTS_GET(opts, name, NULL);
	if (!data) {
		mem__error(EINVAL, "%s: no data", name ? name : "object");
		return NULL;
	}
	return read_bytes(data, size, name ? name : "object", name ? name : "object");
}

/* The rest of a file; *data is to be freed by the caller, also after a failure. */
static int read_rest(int fd, const char *path, char **data, size_t *size)
{
	size_t capacity = 0;
	ssize_t got;

	*size = 0;
	do {
		if (*size == capacity) {
			char *larger = realloc(*data, capacity ? capacity * 2 : 1 << 16);

			if (!larger)
				return mem__error(ENOMEM, "%s: no memory to read it", path);
			*data = larger;
			capacity = capacity ? capacity * 2 : 1 << 16;
		}
		got = read(fd, *data + *size, capacity - *size);
		if (got < 0 && errno != EINTR)
			return mem__error(errno, "%s: %s", path, strerror(errno));
		*size += got > 0 ? got : 0;
	} while (got);
	return 0;
}

struct mem_image *mem_image_read_file(const char *path, const struct mem_read_opts *opts)
{
	struct mem_image *image = NULL;
	char *data = NULL;
	int fd, saved;
	size_t size;

	if (!OPTS_VALID(opts, mem_read_opts))
		return NULL;
	if (!path) {
		mem__error(EINVAL, "no path of an object file");
		return NULL;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		mem__error(errno, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (!read_rest(fd, path, &data, &size))
		image = read_bytes(data, size, path, OPTS_GET(opts, name, NULL));
	saved = errno;
	free(data);
	close(fd);
	errno = saved;
	return image;
}

void mem_image_free(struct mem_image *image)
{
	if (image)
		pool_free(&((struct owned_image *)image)->pool);
}

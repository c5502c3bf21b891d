/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_file.h"
#include "error.h"

#if __SIZEOF_POINTER__ == 8
#define NATIVE_CLASS ELFCLASS64
typedef Elf64_Ehdr file_header;
typedef Elf64_Shdr section_header;
typedef Elf64_Phdr program_header;
#else
#define NATIVE_CLASS ELFCLASS32
typedef Elf32_Ehdr file_header;
typedef Elf32_Shdr section_header;
typedef Elf32_Phdr program_header;
#endif

const void *elf_bytes(const struct elf_file *elf, uint64_t offset, uint64_t size)
{
	if (offset > elf->size || size > elf->size - offset)
		return NULL;
	return elf->data + offset;
}

static int elf_error(const struct elf_file *elf, const char *what)
{
	return mem__error(EINVAL, "%s: %s", elf->path, what);
}

static int check_header(const struct elf_file *elf)
{
	const file_header *header = elf_bytes(elf, 0, sizeof(*header));

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG))
		return elf_error(elf, "not an ELF file");
	if (header->e_ident[EI_CLASS] != NATIVE_CLASS)
		return elf_error(elf, "an ELF file of another word size than this process");
	if ((header->e_shoff && header->e_shentsize != sizeof(section_header)) ||
	    (header->e_phnum && header->e_phentsize != sizeof(program_header)))
		return elf_error(elf, "headers of unknown size");
	return 0;
}

int elf_file_open(struct elf_file *elf, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct stat st;

	memset(elf, 0, sizeof(*elf));
	elf->path = path;
	if (fd < 0 || fstat(fd, &st)) {
		err = mem__error(errno, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	elf->size = (size_t)st.st_size;
	if (!elf->size) { /* nothing to map */
		close(fd);
		return elf_error(elf, "not an ELF file");
	}
	elf->data = mmap(NULL, elf->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (elf->data == MAP_FAILED) {
		elf->data = NULL;
		return mem__error(errno, "%s: can't map it: %s", path, strerror(errno));
	}
	err = check_header(elf);
	if (err)
		elf_file_close(elf);
	return err;
}

void elf_file_close(struct elf_file *elf)
{
	if (elf->data)
		munmap((void *)elf->data, elf->size);
	elf->data = NULL;
}

/* Without its name, whose place among the names is returned; false past the last section. */
static bool read_section(const struct elf_file *elf, uint32_t index, struct elf_section *section,
			 uint32_t *name)
{
	const file_header *file = (const void *)elf->data;
	section_header header;
	const void *bytes;

	if (!file->e_shoff || index >= file->e_shnum)
		return false;
	bytes = elf_bytes(elf, file->e_shoff + (uint64_t)index * sizeof(header), sizeof(header));
	if (!bytes)
		return false;
	memcpy(&header, bytes, sizeof(header)); /* at any offset */
	*section = (struct elf_section){ .name = "",
					 .type = header.sh_type,
					 .link = header.sh_link,
					 .address = header.sh_addr,
					 .offset = header.sh_offset,
					 .size = header.sh_size };
	*name = header.sh_name;
	return true;
}

bool elf_file_section(const struct elf_file *elf, uint32_t index, struct elf_section *section)
{
	const file_header *file = (const void *)elf->data;
	struct elf_section names;
	uint32_t name, unused;

	if (!read_section(elf, index, section, &name))
		return false;
	if (read_section(elf, file->e_shstrndx, &names, &unused))
		section->name = elf_string(elf, &names, name) ?: "";
	return true;
}

const char *elf_string(const struct elf_file *elf, const struct elf_section *strings, uint64_t at)
{
	const char *text;

	if (at >= strings->size)
		return NULL;
	text = elf_bytes(elf, strings->offset + at, strings->size - at);
	return text && memchr(text, '\0', strings->size - at) ? text : NULL;
}

bool elf_file_offset(const struct elf_file *elf, uint64_t address, uint64_t *offset)
{
	const file_header *header = (const void *)elf->data;

	for (uint32_t i = 0; i < header->e_phnum; i++) {
		program_header segment;
		const void *bytes =
			elf_bytes(elf, header->e_phoff + (uint64_t)i * sizeof(segment), sizeof(segment));

		if (!bytes)
			return false;
		memcpy(&segment, bytes, sizeof(segment));
		if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
		    address - segment.p_vaddr >= segment.p_memsz)
			continue;
		*offset = address - segment.p_vaddr + segment.p_offset;
		return true;
	}
	return false;
}

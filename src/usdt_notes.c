/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A note of the name "stapsdt" and type 3 describes one place: the address of its instruction, that of
 * the section .stapsdt.base when the file was linked (a prelinked file has been moved since), that of
 * the semaphore, and three strings.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "error.h"
#include "usdt_notes.h"

#define NOTE_TYPE 3
#define NOTE_NAME "stapsdt"
#define NOTE_SECTION ".note.stapsdt"
#define BASE_SECTION ".stapsdt.base"

static int note_error(const struct elf_file *elf)
{
	return mem__error(EINVAL, "%s: its notes of USDT probes are broken", elf->path);
}

static bool find_section(const struct elf_file *elf, const char *name, struct elf_section *section)
{
	for (uint32_t i = 0; elf_file_section(elf, i, section); i++)
		if (!strcmp(section->name, name))
			return true;
	return false;
}

/* The string at *at, which is moved behind it; NULL if it isn't whole. */
static const char *take_string(const char **at, const char *end)
{
	const char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

/* What a note says, addresses turned into places of the file. */
static bool read_note(const struct elf_file *elf, const char *desc, const char *end, uint64_t base,
		      struct usdt_note *note)
{
	uintptr_t address[3]; /* of the machine's word size */

	if ((size_t)(end - desc) < sizeof(address))
		return false;
	memcpy(address, desc, sizeof(address));
	desc += sizeof(address);
	note->provider = take_string(&desc, end);
	note->name = note->provider ? take_string(&desc, end) : NULL;
	note->args = note->name ? take_string(&desc, end) : NULL;
	note->ref_counter = 0;
	if (!note->args)
		return false;
	if (base)
		address[0] += base - address[1];
	if (address[2] && base)
		address[2] += base - address[1];
	return elf_file_offset(elf, address[0], &note->offset) &&
	       (!address[2] || elf_file_offset(elf, address[2], &note->ref_counter));
}

static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~3ULL;
}

int usdt_notes_walk(const struct elf_file *elf, usdt_note_fn *fn, void *ctx)
{
	struct elf_section notes, base = { .address = 0 };
	const char *at, *end;

	if (!find_section(elf, NOTE_SECTION, &notes))
		return 0;
	if (!find_section(elf, BASE_SECTION, &base))
		base.address = 0;
	at = elf_bytes(elf, notes.offset, notes.size);
	if (!at)
		return note_error(elf);
	for (end = at + notes.size; (size_t)(end - at) >= sizeof(Elf64_Nhdr);) {
		struct usdt_note note;
		Elf64_Nhdr header; /* the same in both word sizes */
		uint64_t size;
		const char *desc;
		int err = 0;

		memcpy(&header, at, sizeof(header));
		size = sizeof(header) + padded(header.n_namesz) + padded(header.n_descsz);
		if (size > (size_t)(end - at))
			return note_error(elf);
		desc = at + sizeof(header) + padded(header.n_namesz);
		if (header.n_type == NOTE_TYPE && header.n_namesz == sizeof(NOTE_NAME) &&
		    !memcmp(at + sizeof(header), NOTE_NAME, sizeof(NOTE_NAME)))
			err = read_note(elf, desc, desc + header.n_descsz, base.address, &note)
				      ? fn(ctx, &note)
				      : note_error(elf);
		if (err)
			return err;
		at += size;
	}
	return 0;
}

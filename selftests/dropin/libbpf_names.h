/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The table of docs/from-bpftool.md, as far as names are all that differs: with this in front, what
 * was written for libbpf compiles against libmem.
 */
#ifndef LIBBPF_NAMES_H
#define LIBBPF_NAMES_H

#include <mem/mem.h>
#include <mem/ringbuf.h>

#define LIBBPF_OPTS(type, name, ...) struct type name = {.sz = sizeof(struct type), __VA_ARGS__}

/* types */
#define bpf_object	     mem_object
#define bpf_map		     mem_map
#define bpf_program	     mem_prog
#define bpf_link	     mem_link
#define bpf_object_open_opts mem_open_opts
#define object_name	     name
#define pin_root_path	     pin_dir
#define bpf_test_run_opts    mem_run_opts
#define ring_buffer	     mem_ringbuf

/* objects */
#define bpf_object__name		 mem_object_name
#define bpf_object__find_map_by_name	 mem_object_find_map
#define bpf_object__find_program_by_name mem_object_find_prog
#define bpf_object__prepare		 mem_object_prepare

/* maps */
#define bpf_map__fd		 mem_map_fd
#define bpf_map__name		 mem_map_name
#define bpf_map__type		 mem_map_type
#define bpf_map__key_size	 mem_map_key_size
#define bpf_map__value_size	 mem_map_value_size
#define bpf_map__max_entries	 mem_map_max_entries
#define bpf_map__set_max_entries mem_map_max_entries_set
#define bpf_map__set_autoattach	 mem_map_autoattach_set
#define bpf_map__reuse_fd	 mem_map_reuse_fd
#define bpf_map__set_pin_path	 mem_map_pin_path_set
#define bpf_map__attach_struct_ops mem_map_attach_struct_ops
#define bpf_map__lookup_elem(map, key, key_size, value, value_size, flags)                         \
	mem_map_lookup(map, key, value, flags)
#define bpf_map__update_elem(map, key, key_size, value, value_size, flags)                         \
	mem_map_update(map, key, value, flags)
#define bpf_map__delete_elem(map, key, key_size, flags)	   mem_map_delete(map, key)
#define bpf_map__get_next_key(map, key, next, key_size)	   mem_map_next_key(map, key, next)

/* programs */
#define bpf_program__fd		     mem_prog_fd
#define bpf_program__name	     mem_prog_name
#define bpf_program__section_name    mem_prog_section
#define bpf_program__type	     mem_prog_type
#define bpf_program__autoload	     mem_prog_autoload
#define bpf_program__set_autoload    mem_prog_autoload_set
#define bpf_program__set_autoattach  mem_prog_autoattach_set
#define bpf_program__attach	     mem_prog_attach
#define bpf_program__set_attach_target(prog, fd, name) mem_prog_target_set(prog, name, (fd) ? (fd) : -1)
#define bpf_program__attach_tracepoint	   mem_prog_attach_tracepoint
#define bpf_program__attach_raw_tracepoint mem_prog_attach_raw_tracepoint
#define bpf_program__attach_cgroup	   mem_prog_attach_cgroup
#define bpf_prog_test_run_opts		   mem_prog_run

/* links */
#define bpf_link__fd	  mem_link_fd
#define bpf_link__destroy mem_link_destroy

/* ring buffers */
#define ring_buffer__new     mem_ringbuf_new
#define ring_buffer__poll    mem_ringbuf_poll
#define ring_buffer__consume mem_ringbuf_consume
#define ring_buffer__free    mem_ringbuf_free

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief Regions that objects and processes share: reuse, pins, attaching, schemas by socket, forks. Part of <mem/mem.h>.
 */
#ifndef MEM_SHARE_H
#define MEM_SHARE_H

#include <mem/object.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** @defgroup publish Sharing regions between objects and processes
 *
 * A region is the same memory wherever it is met. An object can take on a map that exists instead
 * of making its own (mem_map_reuse()), find it by its pin (mem_map_pin_path_set(), or `pinning` in
 * the declaration), and a process without any program can attach to a region alone
 * (mem_region_attach(), or NAME__attach_region_REGION() of a generated header). In each case the
 * typed pointers lead to the live memory or there is an error; nobody is left with a copy.
 *
 * Nobody but the owner can open a pin unless its mode says so. Who can open it for reading and
 * writing can map it writable, unless it was frozen: see mem_region_readonly_set().
 * @{
 */

/** How a map is found. */
enum mem_source_kind {
	MEM_SOURCE_PIN = 1, /**< by the path of a pin */
	MEM_SOURCE_FD = 2,  /**< by a descriptor of this process */
	MEM_SOURCE_ID = 3,  /**< by its number in the kernel; takes CAP_SYS_ADMIN */
	MEM_SOURCE_SOCKET = 4 /**< from another process, over a Unix socket: for mem_region_attach() only */
};

/** A map that exists; see mem_source_pin() and its like. */
struct mem_source {
	uint32_t kind;    /**< MEM_SOURCE_* */
	uint32_t id;      /**< of MEM_SOURCE_ID */
	int fd;           /**< of MEM_SOURCE_FD and MEM_SOURCE_SOCKET; stays the caller's */
	uint32_t reserved; /**< 0 */
	const char *path; /**< of MEM_SOURCE_PIN */
};

/**
 * @brief A map by the path of its pin.
 * @param path  in a BPF file system
 * @return the source
 */
static inline struct mem_source mem_source_pin(const char *path)
{
	struct mem_source source = { MEM_SOURCE_PIN, 0, -1, 0, path };

	return source;
}

/**
 * @brief A map by a descriptor.
 * @param fd  opened for reading and writing; stays the caller's
 * @return the source
 */
static inline struct mem_source mem_source_fd(int fd)
{
	struct mem_source source = { MEM_SOURCE_FD, 0, fd, 0, NULL };

	return source;
}

/**
 * @brief A map by its number in the kernel.
 * @param id  as mem_map_id() and bpftool tell it
 * @return the source
 */
static inline struct mem_source mem_source_id(uint32_t id)
{
	struct mem_source source = { MEM_SOURCE_ID, id, -1, 0, NULL };

	return source;
}

/**
 * @brief A region that another process sends: mem_region_attach() then is mem_region_receive().
 * @param sock  connected; stays the caller's
 * @return the source
 */
struct mem_source mem_source_socket(int sock);

/**
 * @brief Use a map that exists instead of creating one.
 *
 * It must be what the object declares: type, sizes, capacity (unless that is 0) and flags. From this
 * call on the region over it is its memory, for constants read-only, and so is the region of a
 * frozen map (mem_region_writable() tells). What it contains stays; initial values are not written
 * to it. The address of an array's region stays; an arena is at the address that its maker chose,
 * and the skeleton's pointers are updated.
 *
 * @param map     of an opened, not prepared object
 * @param source  the map that exists
 * @return 0, or -EBUSY the map was made or reused already, -EINVAL it is not a map or another kind of
 *         map (the message names each difference), -EEXIST an arena's addresses are taken (the message
 *         says by what), -ENOENT nothing is there, -EACCES or -EPERM this user may not open it, or what the
 *         kernel answered. After a failure the object is as before.
 */
int mem_map_reuse(struct mem_map *map, struct mem_source source);

/**
 * @brief mem_map_reuse() of a descriptor.
 * @param map  of an opened, not prepared object
 * @param fd   of a map, opened for reading and writing; stays the caller's
 * @return as mem_map_reuse()
 */
int mem_map_reuse_fd(struct mem_map *map, int fd);

/**
 * @brief Whether a map was taken on instead of created, by the application or by its pin path.
 * @param map  of an object in any phase
 * @return 1 or 0
 */
int mem_map_is_reused(const struct mem_map *map);

/**
 * @brief Share a map by name: mem_object_prepare() uses what is pinned at a path, or pins its own there.
 *
 * The pin appears when the contents are in place; who is second uses the map of who was first. It
 * has mode 0600 and stays when the object is closed (mem_unpin()), but goes when prepare or load
 * fails. Maps with `pinning` (LIBBPF_PIN_BY_NAME) in their declaration have such a path from the
 * start: mem_open_opts.pin_dir and their name.
 *
 * @param map   of an opened, not prepared object
 * @param path  in a BPF file system, copied; NULL for none
 * @return 0, or -EBUSY the map exists, -EINVAL not a path, or a map without a life of its own, -ENOMEM
 */
int mem_map_pin_path_set(struct mem_map *map, const char *path);

/**
 * @brief The path that mem_object_prepare() looks at.
 * @param map  of an object in any phase
 * @return the path, NULL for none; belongs to the map
 */
const char *mem_map_pin_path(const struct mem_map *map);

/**
 * @brief Number of a map in the kernel.
 * @param map  of a prepared object
 * @return the number; 0 with errno if the map does not exist
 */
uint32_t mem_map_id(const struct mem_map *map);

/**
 * @brief Pin a map, in place of what is pinned there.
 *
 * Folders that are missing are made, for this user only. The pin appears in one step with its mode;
 * who has the older map open keeps it.
 *
 * @param map   of a prepared object
 * @param path  in a BPF file system; its last part has no '.'
 * @param mode  permissions; 0 is 0600. Mapping takes reading and writing, so 0644 lets nobody else in
 * @return 0, or -EBADF before mem_object_prepare(), -EINVAL no path or no such mode, -EPERM not a BPF file
 *         system (the message has the command that mounts one) or no privilege, or what else the kernel
 *         answered
 */
int mem_map_pin(struct mem_map *map, const char *path, unsigned int mode);

/**
 * @brief mem_map_pin() of the map behind a region; for others, with its schema beside it.
 *
 * If @p mode lets others in, "PATH~schema" is pinned as well, with which those who may not read the
 * kernel's types compare the layout when they attach. mem_unpin() removes both.
 * @param region  of a prepared object, or attached
 * @param path    in a BPF file system
 * @param mode    permissions; 0 is 0600. To let others read and not write, give 0666 to a region
 *                with mem_region_readonly_set()
 * @return as mem_map_pin()
 */
int mem_region_pin(struct mem_region *region, const char *path, unsigned int mode);

/**
 * @brief Remove a pin. The map lives on as long as somebody has it open or mapped.
 * @param path  of a pin
 * @return 0, or -ENOENT nothing is there, -EINVAL not a pin, -EACCES this user may not, or what else the kernel
 *         answered
 */
int mem_unpin(const char *path);

/** A pinned map, for mem_pin_list(). */
struct mem_pin_info {
	const char *path;     /**< of the pin */
	const char *name;     /**< the kernel's name of the map */
	uint32_t id;          /**< mem_map_id() */
	uint32_t type;        /**< BPF_MAP_TYPE_* */
	uint32_t value_size;  /**< bytes */
	uint32_t max_entries; /**< elements; pages of an arena */
	uint32_t mode;        /**< permissions */
};

/**
 * @brief Receives one pin of mem_pin_list().
 * @param ctx  as given to mem_pin_list()
 * @param pin  valid during the call only
 * @return 0 to go on; anything else ends the list and is returned by mem_pin_list()
 */
typedef int mem_pin_fn(void *ctx, const struct mem_pin_info *pin);

/**
 * @brief Walk the pinned maps in a folder and those below, by name.
 *
 * Left out is what this user may not open, and the schemas that mem_region_pin() puts beside regions.
 * @param folder  in a BPF file system; NULL for /sys/fs/bpf
 * @param fn      called for each
 * @param ctx     passed to @p fn
 * @return 0, what @p fn returned, or -ENOENT no such folder, -EINVAL not a BPF file system, or what else failed
 */
int mem_pin_list(const char *folder, mem_pin_fn *fn, void *ctx);

/**
 * @brief Let only programs write to a region: applications, this one included, read.
 *
 * The map is frozen at prepare, before anybody could map it writable, with the values that the
 * region has then. Any user may then be given it (mode 0666, or a descriptor) without being able
 * to change it. Nobody could write initial values into an arena that is frozen: they must be 0.
 * A map that is found instead of made (mem_map_reuse(), mem_map_pin_path_set()) must be frozen, or is
 * refused with -EINVAL.
 *
 * @param region  variables, an array or an arena of an opened, not prepared object
 * @param on      0: as usual
 * @return 0, or -EBUSY its map exists, -EINVAL it is read-only anyway
 */
int mem_region_readonly_set(struct mem_region *region, int on);

/**
 * @brief Whether the application may write to a region's memory.
 * @param region  of an object in any phase, or attached
 * @return 1 or 0
 */
int mem_region_writable(const struct mem_region *region);

/**
 * @brief Don't map an array region as a whole; mem_attach_opts has windows for it.
 * @param region  an array of an opened, not prepared object; it has no memory from now on
 * @return 0, or -EBUSY its map exists, -EINVAL not an array
 */
int mem_region_leave_unmapped(struct mem_region *region);

/**
 * @brief Says whether to accept anything from a peer.
 * @param ctx  as given to mem_region_receive(), or mem_attach_opts.ctx
 * @param pid  of the process that made the connection; it may have ended
 * @param uid  its user at that time
 * @param gid  its group at that time
 * @return 0 to go on, or a negative errno
 */
typedef int mem_peer_fn(void *ctx, int pid, unsigned int uid, unsigned int gid);

/** Options of mem_region_attach(). Zero means the default for every member but sz. */
struct mem_attach_opts {
	size_t sz;         /**< sizeof(struct mem_attach_opts) */
	int writable;      /**< 1: for reading and writing; 0: writing to it is SIGSEGV, but for an arena
				that this process has mapped writable already: it is there once */
	uint32_t first;    /**< of an array, map only the elements from this one on ... */
	uint32_t count;    /**< ... and of these so many; 0 is up to the end */
	uint32_t reserved; /**< 0 */
	mem_peer_fn *check; /**< of mem_source_socket(): asked before anything is read; NULL accepts any peer */
	void *ctx;         /**< passed to check */
};

/**
 * @brief Map a region that another object made, without loading any program.
 *
 * It takes no privilege if the source can be opened without. What an arena holds was written by
 * others: treat it as input.
 *
 * The layout is compared with that of @p image: with the types that the kernel keeps (CAP_SYS_ADMIN),
 * those that mem_region_send() sent along, or the schema that mem_region_pin() put beside the pin for
 * others. Without privilege and any of these only sizes can be compared, and, of arenas, the hash
 * in their record.
 *
 * @param image   whose region it is: its sizes and kind are compared. Must stay valid until
 *                mem_region_detach(). NULL takes any array that can be mapped, or arena, as it is.
 * @param name    of the region in @p image; without one, a name for messages, or NULL
 * @param source  the map behind the region
 * @param opts    NULL for defaults: all of it, read-only
 * @return the region, to be released by mem_region_detach(); mem_region_data() and
 *         mem_region_variables() have its memory. NULL with errno EINVAL another kind of map (the
 *         message names each difference), EEXIST an arena's addresses are taken (the message says by
 *         what), EPERM frozen and asked for writing, ERANGE no such elements, ENOENT nothing is there,
 *         EACCES this user may not open it, ENOMEM, or what else the kernel answered
 */
struct mem_region *mem_region_attach(const struct mem_image *image, const char *name,
				     struct mem_source source, const struct mem_attach_opts *opts);

/**
 * @brief Send a region over a Unix socket, with what is needed to check it: kind, sizes, address, the
 *        hash of its schema and, if this process has it or may ask for it, a descriptor of its types.
 *
 * Who receives it can do with it what this process can: map it writable, unless it is frozen
 * (mem_region_readonly_set()).
 *
 * @param sock    connected; SOCK_SEQPACKET or SOCK_STREAM
 * @param region  of a prepared object, or attached
 * @return 0, or -EBADF before mem_object_prepare(), -EPIPE nobody is there, or what sendmsg(2) answered
 */
int mem_region_send(int sock, struct mem_region *region);

/**
 * @brief Receive a region from a Unix socket and map it, as mem_region_attach() does.
 *
 * Whatever is wrong with a message, no descriptor of it is left open. It takes no privilege.
 *
 * @param sock   connected; SOCK_SEQPACKET or SOCK_STREAM
 * @param image  whose region it is, or NULL, as for mem_region_attach()
 * @param name   of the region in @p image; the message has to be of that region
 * @param opts   NULL for defaults: all of it, read-only
 * @param check  asked before anything is read; NULL accepts any peer
 * @param ctx    passed to @p check
 * @return the region, to be released by mem_region_detach(). NULL with errno EBADMSG not a whole message
 *         of this version with the descriptors of a map and its types, EMFILE no descriptor is left for them (the
 *         message is lost), ECONNRESET the peer is gone, EINVAL the map is not what the message or
 *         @p image says, what @p check answered, or as mem_region_attach()
 */
struct mem_region *mem_region_receive(int sock, const struct mem_image *image, const char *name,
				      const struct mem_attach_opts *opts, mem_peer_fn *check, void *ctx);

/**
 * @brief Unmap and release a region.
 * @param region  from mem_region_attach(); NULL, and any other region, is left alone
 */
void mem_region_detach(struct mem_region *region);

/**
 * @brief In a forked child: bring back the arenas of an object, at their addresses.
 *
 * A child starts without them on every kernel: touching one is SIGSEGV until then. Other regions
 * are there all the time.
 *
 * Attaching to such an arena anew, or reusing its map, brings it back as well.
 *
 * @param obj  an object in any phase, made by the parent
 * @return 0, also if nothing was missing, or -EEXIST something else is there by now (in a child that
 *         was not made by fork(3), or put there by MAP_FIXED; where /proc is not mounted the latter is
 *         not noticed), or what mmap(2) answered
 */
int mem_object_reattach(struct mem_object *obj);

/**
 * @brief mem_object_reattach() of a single region.
 * @param region  of an object in any phase, or attached
 * @return as mem_object_reattach()
 */
int mem_region_reattach(struct mem_region *region);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_SHARE_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief What generated headers call. Part of <mem/mem.h>.
 */
#ifndef MEM_SKELETON_H
#define MEM_SKELETON_H

#include <mem/object.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** @defgroup skeleton For generated headers
 * @{
 */

/** Where a generated struct keeps what the library fills in. Offsets are bytes from its start. */
struct mem_skeleton_layout {
	uint32_t size;             /**< sizeof(struct mem_skeleton_layout) */
	uint32_t skel_size;        /**< bytes of the generated struct */
	uint32_t obj;              /**< offset of struct mem_object * */
	uint32_t maps;             /**< offset of one struct mem_map * for each maps row but prototypes */
	uint32_t progs;            /**< offset of one struct mem_prog * for each progs row */
	uint32_t links;            /**< offset of one struct mem_link * for each progs row, then for each
				        struct_ops map */
	const uint32_t *variables; /**< for each regions row: offset of the pointer to its variables,
				        MEM_NONE if there is none */
	const uint32_t *arrays;    /**< for each regions row: offset of the pointer to its first element
				        or arena byte, MEM_NONE if there is none */
};

/**
 * @brief Open an image into a generated struct.
 * @param image   as for mem_object_open()
 * @param layout  of the struct; must stay valid until mem_skeleton_destroy()
 * @param opts    NULL for defaults
 * @return the struct, to be released by mem_skeleton_destroy(); NULL with errno as
 *         mem_object_open()
 */
void *mem_skeleton_open(const struct mem_image *image, const struct mem_skeleton_layout *layout,
			const struct mem_open_opts *opts);

/**
 * @brief mem_skeleton_open() and mem_object_load() in one, which is quicker: there is no moment in between
 *        for which regions would need memory of their own.
 * @param image   as for mem_skeleton_open()
 * @param layout  as for mem_skeleton_open()
 * @return the struct, to be released by mem_skeleton_destroy(); NULL with errno as
 *         mem_skeleton_open() or mem_object_load()
 */
void *mem_skeleton_open_and_load(const struct mem_image *image, const struct mem_skeleton_layout *layout);

/**
 * @brief Attach every loaded program whose section says where, as mem_prog_attach() does.
 *
 * Links the application put into the struct itself are left alone.
 *
 * @param skel    from mem_skeleton_open(), loaded
 * @param layout  as given to mem_skeleton_open()
 * @return 0, -EBADF not loaded, or the error of the first program that could not be attached; those
 *         before it are detached again
 */
int mem_skeleton_attach(void *skel, const struct mem_skeleton_layout *layout);

/**
 * @brief Choose whether NAME__attach() attaches a program.
 * @param prog  of an object in any phase
 * @param on    0 leaves it to the application; at first it is on
 */
void mem_prog_autoattach_set(struct mem_prog *prog, int on);

/**
 * @brief Choose whether NAME__attach() attaches a struct_ops map.
 * @param map  of an object in any phase; without effect on maps of other types
 * @param on   0 leaves it to the application; at first it is on
 */
void mem_map_autoattach_set(struct mem_map *map, int on);

/**
 * @brief Destroy every link in a generated struct and set it to NULL.
 * @param skel    from mem_skeleton_open()
 * @param layout  as given to mem_skeleton_open()
 */
void mem_skeleton_detach(void *skel, const struct mem_skeleton_layout *layout);

/**
 * @brief Detach, close the object and free the struct.
 * @param skel    from mem_skeleton_open(); NULL does nothing
 * @param layout  as given to mem_skeleton_open()
 */
void mem_skeleton_destroy(void *skel, const struct mem_skeleton_layout *layout);

/**
 * @brief Pin all maps, loaded programs and links of a generated struct in a folder of their own.
 *
 * They are there, and the programs run, when the process is gone; mem_skeleton_open_pinned() takes them
 * over. What is pinned there takes the place of what was, pin by pin. A record of the whole comes last:
 * a process that is killed before leaves pins that are not taken for an object.
 *
 * @param skel    from mem_skeleton_open(), loaded
 * @param layout  as given to mem_skeleton_open()
 * @param dir     folder in a BPF file system, made if it is missing, for this user only
 * @return 0, or -EBADF not loaded, -ENOTSUP it has per-thread structs, or is attached where this
 *         kernel has no link that can be pinned (perf events before 5.15), -EPERM not a BPF file system (the
 *         message has the command that mounts one) or no privilege, or what else the kernel answered
 */
int mem_skeleton_pin(void *skel, const struct mem_skeleton_layout *layout, const char *dir);

/**
 * @brief Open into a generated struct what mem_skeleton_pin() has left, without stopping anything.
 *
 * Regions are the memory that the programs have been using; initial values are not written. Capacities
 * are what they were set to then, and maps that were left out then stay out. Programs that attach by
 * themselves and have no link in the folder are attached. Struct_ops maps that have none stay detached:
 * only who loaded them can attach them.
 *
 * @param image   as for mem_object_open()
 * @param layout  of the struct; must stay valid until mem_skeleton_destroy()
 * @param opts    NULL for defaults
 * @param dir     the folder
 * @return the struct, loaded and attached, to be released by mem_skeleton_destroy(), which leaves the
 *         pins; NULL with errno ENOENT nothing is pinned there, or not all of it, ESTALE another object,
 *         or compiled from another version of its source, EINVAL a map, program or link is not the one
 *         that was pinned (the message says which), or as mem_object_open() and mem_map_reuse()
 */
void *mem_skeleton_open_pinned(const struct mem_image *image, const struct mem_skeleton_layout *layout,
			       const struct mem_open_opts *opts, const char *dir);

/**
 * @brief Remove the pins of mem_skeleton_pin(), and the folder if nothing else is in it. What nobody has
 *        open is detached and freed.
 * @param image  of the object; other versions may have had pins that this one knows nothing of
 * @param dir    the folder
 * @return 0, also if there is none, or -EINVAL not a BPF file system, or what else the kernel answered
 */
int mem_skeleton_unpin(const struct mem_image *image, const char *dir);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}

/** libmem for C++. */
namespace mem
{

/**
 * @brief Owns a generated struct: it is destroyed with its owner, which can be moved and not copied.
 *
 * Generated headers call theirs NAME__unique:
 *
 *     auto skel = hits__unique::open();
 *     if (skel.load() || skel.attach())
 *             return report(mem_error_message());
 *     use(skel->bss->hits);
 *
 * It throws nothing. An owner without a struct is false, and its functions answer -EBADF: after an open()
 * that failed, mem_error_message() still says why.
 *
 * @tparam T  a generated struct
 */
template <typename T> class skeleton
{
public:
	/** @brief Owns nothing. */
	skeleton() noexcept : skel_(nullptr) {}
	/** @brief Takes a struct over. @param skel  from NAME__open(), or NULL */
	explicit skeleton(T *skel) noexcept : skel_(skel) {}
	/** @brief Takes over what another one owns. @param other  owns nothing afterwards */
	skeleton(skeleton &&other) noexcept : skel_(other.release()) {}
	/** @brief The same, in place of what it owns. @param other  owns nothing afterwards @return itself */
	skeleton &operator=(skeleton &&other) noexcept
	{
		if (this != &other)
			reset(other.release());
		return *this;
	}
	skeleton(const skeleton &) = delete;
	skeleton &operator=(const skeleton &) = delete;
	~skeleton() { T::destroy(skel_); }

	/** @brief NAME__open_opts(). @param opts  NULL for defaults @return the owner, false with errno */
	static skeleton open(const struct mem_open_opts *opts = nullptr)
	{
		return skeleton(T::open(opts));
	}
	/** @brief NAME__open_and_load(). @return the owner, false with errno */
	static skeleton open_and_load() { return skeleton(T::open_and_load()); }
	/** @brief NAME__prepare(). @return 0 or a negative errno */
	int prepare() { return skel_ ? T::prepare(skel_) : no_skel; }
	/** @brief NAME__load(). @return 0 or a negative errno */
	int load() { return skel_ ? T::load(skel_) : no_skel; }
	/** @brief NAME__attach(). @return 0 or a negative errno */
	int attach() { return skel_ ? T::attach(skel_) : no_skel; }
	/** @brief NAME__detach(). */
	void detach()
	{
		if (skel_)
			T::detach(skel_);
	}

	/** @brief The struct. @return NULL if it owns none */
	T *get() const noexcept { return skel_; }
	/** @brief Its members; there must be a struct. @return the struct */
	T *operator->() const noexcept { return skel_; }
	/** @brief The struct; there must be one. @return a reference to it */
	T &operator*() const noexcept { return *skel_; }
	/** @brief Whether it owns a struct. @return true or false */
	explicit operator bool() const noexcept { return skel_ != nullptr; }
	/** @brief Gives the struct away. @return it, to be destroyed by the caller */
	T *release() noexcept
	{
		T *skel = skel_;

		skel_ = nullptr;
		return skel;
	}
	/** @brief Destroys what it owns, and takes another one over. @param skel  NULL for none */
	void reset(T *skel = nullptr)
	{
		T *old = skel_;

		skel_ = skel;
		T::destroy(old);
	}

private:
	enum { no_skel = -9 }; /* -EBADF */
	T *skel_;
};

} // namespace mem
#endif

#endif /* MEM_SKELETON_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and their blocks. One registry serves the whole process, whatever objects and libraries use
 * it.
 *
 * Generated headers keep the address of each of a thread's structs in a thread-local variable, a
 * cell, and come here while that is NULL: for the first time, and when the thread's block has to be
 * another one: after fork, and when the first object is loaded whose programs find blocks elsewhere.
 * A block that was given up stays what it is, memory of this thread, until the thread ends: other
 * code of it may be using it.
 *
 * Where nothing is loaded, or a slot can't be had, a thread gets private memory: the application
 * works as ever, programs don't see it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "object.h"
#include "opts.h"
#include "sys.h"
#include "task.h"

#define BUCKETS 1024
#define SLAB_BLOCKS 16
#define BLOCK_SIZE_MAX (1U << 20) /* bytes */

/* A block that a thread has, or had. */
struct block {
	struct block *older;
	char *memory;
	struct task_back *back; /* NULL: private memory, which a pointer in task storage may lead to */
	uint32_t slot;          /* with a back */
	uint32_t tid;           /* that the slot is claimed for */
};

struct thread {
	struct thread *next;
	int tid;
	struct mem_task_cell *cells; /* of this thread, to be emptied */
	bool here;          /* it has come here itself, and its end will be noticed */
	struct block *block; /* the current one, then those before */
	bool live;          /* programs find the current block */
	bool current;       /* ... and if they can't, nothing can be done: the block is the right one */
};

/* Memory of blocks that are not in a back. */
struct slab {
	struct slab *next;
	char *memory;
	size_t size;
};

struct free_block {
	struct free_block *next;
};

static struct {
	pthread_mutex_t lock;
	pthread_key_t key;          /* its destructor sees threads end */
	bool ready;                 /* key and fork handlers exist */
	bool closed;                /* the library is being unloaded */
	struct mem_task_opts opts;  /* mem_task_setup() */
	uint32_t block_size;        /* bytes; 0 until the first block or object needs it */
	struct task_back *back;     /* NULL while no object is prepared */
	bool loaded;                /* ... and its programs can be asked */
	bool joined;                /* it is another process', and counts as an object */
	struct thread *threads[BUCKETS]; /* by thread id */
	uint32_t thread_count;
	uint32_t reap_at;           /* threads at which to look for dead ones */
	struct slab *slabs;
	struct free_block *free_first, **free_last; /* oldest first */
	uint32_t private_blocks;    /* in use */
	bool warned;
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER };

static __thread struct thread *this_thread;
static __thread unsigned int ends; /* rounds of destructors in which this thread was unregistered */

static int current_tid(void)
{
	return (int)syscall(SYS_gettid);
}

static uint32_t block_size(void)
{
	if (!registry.block_size) {
		registry.block_size = registry.opts.block_size ? registry.opts.block_size
							       : MEM_TASK_BLOCK;
		while (registry.block_size < task_declared_size())
			registry.block_size *= 2;
		registry.reap_at = registry.reap_at ?: 256;
	}
	return registry.block_size;
}

/* --- private blocks --- */

static void slabs_free(void)
{
	while (registry.slabs) {
		struct slab *slab = registry.slabs;

		registry.slabs = slab->next;
		munmap(slab->memory, slab->size);
		free(slab);
	}
	registry.free_first = NULL;
	registry.free_last = NULL;
}

static void private_put(char *memory)
{
	struct free_block *block = (struct free_block *)(memory + MEM_TASK_HEAD);

	/* the longest unused is taken first: whatever still looks at it has had time to end */
	__atomic_store_n(&((struct task_head *)memory)->generation, MEM_TASK_FREE, __ATOMIC_RELAXED);
	block->next = NULL;
	if (registry.free_first)
		*registry.free_last = block;
	else
		registry.free_first = block;
	registry.free_last = &block->next;
}

static bool slab_add(void)
{
	struct slab *slab = malloc(sizeof(*slab));

	if (!slab)
		return false;
	slab->size = (size_t)registry.block_size * SLAB_BLOCKS;
	slab->memory = mmap(NULL, slab->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slab->memory == MAP_FAILED) {
		free(slab);
		return false;
	}
	slab->next = registry.slabs;
	registry.slabs = slab;
	for (size_t i = 0; i < SLAB_BLOCKS; i++)
		private_put(slab->memory + i * registry.block_size);
	return true;
}

static char *private_take(void)
{
	char *memory;

	if (!registry.free_first && !slab_add())
		return NULL;
	memory = (char *)registry.free_first - MEM_TASK_HEAD;
	registry.free_first = registry.free_first->next;
	memset(memory, 0, registry.block_size);
	registry.private_blocks++;
	return memory;
}

/* --- threads --- */

static struct thread **bucket(int tid)
{
	return &registry.threads[(uint32_t)tid % BUCKETS];
}

static struct thread *find_thread(int tid)
{
	struct thread *thread = *bucket(tid);

	while (thread && thread->tid != tid)
		thread = thread->next;
	return thread;
}

static void block_free(struct block *block)
{
	if (block->back) {
		task_back_release(block->back, block->slot, block->tid);
		task_back_put(block->back);
	} else {
		private_put(block->memory);
		registry.private_blocks--;
	}
	free(block);
}

static void blocks_free(struct thread *thread)
{
	while (thread->block) {
		struct block *block = thread->block;

		thread->block = block->older;
		block_free(block);
	}
	thread->live = false;
}

/* The thread has to ask again where its structs are. */
static void cells_empty(struct thread *thread)
{
	for (struct mem_task_cell *cell = thread->cells; cell; cell = cell->next)
		__atomic_store_n(&cell->data, NULL, __ATOMIC_RELAXED);
}

static void cells_forget(struct thread *thread)
{
	cells_empty(thread);
	while (thread->cells) {
		thread->cells->task = NULL;
		thread->cells = thread->cells->next;
	}
}

/* A dead thread's cells are no longer there: those of a live one are to be forgotten before. */
static void thread_free(struct thread *thread)
{
	struct thread **at = bucket(thread->tid);

	while (*at != thread)
		at = &(*at)->next;
	*at = thread->next;
	registry.thread_count--;
	blocks_free(thread);
	free(thread);
	if (!registry.private_blocks && !registry.back)
		slabs_free();
}

/* Threads that ended without running destructors, by a bare exit system call. */
static void reap(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct thread *next;

		for (struct thread *t = registry.threads[i]; t; t = next) {
			next = t->next;
			if (syscall(SYS_tgkill, getpid(), t->tid, 0) && errno == ESRCH)
				thread_free(t);
		}
	}
	registry.reap_at = 2 * registry.thread_count + 256;
}

static struct thread *thread_new(int tid)
{
	struct thread *thread;

	if (registry.thread_count >= registry.reap_at)
		reap();
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->tid = tid;
	thread->next = *bucket(tid);
	*bucket(tid) = thread;
	registry.thread_count++;
	return thread;
}

static void forget_self(void)
{
	if (this_thread)
		cells_forget(this_thread);
	this_thread = NULL;
}

static void on_thread_exit(void *thread)
{
	pthread_mutex_lock(&registry.lock);
	if (this_thread == thread) {
		forget_self();
		thread_free(thread);
		ends++;
	}
	pthread_mutex_unlock(&registry.lock);
}

/* --- fork: the child's one thread is a new one --- */

static void before_fork(void)
{
	pthread_mutex_lock(&registry.lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&registry.lock);
}

static void after_fork_in_child(void)
{
	pthread_mutex_init(&registry.lock, NULL);
	forget_self();
	if (registry.back) {
		task_back_leave(registry.back);
		registry.back->tgid = 0;
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		struct thread *thread;

		while ((thread = registry.threads[i])) {
			for (struct block *b = thread->block; b; b = b->older)
				if (b->back && !b->back->elsewhere)
					task_back_leave(b->back);
			thread_free(thread);
		}
	}
	if (registry.ready)
		pthread_setspecific(registry.key, NULL);
}

static int registry_start(void)
{
	if (registry.ready)
		return 0;
	if (pthread_key_create(&registry.key, on_thread_exit))
		return mem__error(EAGAIN, "no thread-specific key is left for per-thread structs");
	if (pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child)) {
		pthread_key_delete(registry.key);
		return mem__error(ENOMEM, "no memory for per-thread structs");
	}
	registry.ready = true;
	return 0;
}

/* A library that is unloaded with this one in it must not be called when threads end. */
__attribute__((destructor)) static void registry_end(void)
{
	pthread_mutex_lock(&registry.lock);
	if (registry.ready)
		pthread_key_delete(registry.key);
	registry.ready = false;
	registry.closed = true;
	pthread_mutex_unlock(&registry.lock);
}

/* --- registering --- */

static struct block *block_push(struct thread *thread, char *memory)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		return NULL;
	block->memory = memory;
	block->older = thread->block;
	thread->block = block;
	return block;
}

static int take_private(struct thread *thread)
{
	char *memory = private_take();

	if (!memory || !block_push(thread, memory)) {
		if (memory) {
			private_put(memory);
			registry.private_blocks--;
		}
		return mem__error(ENOMEM, "no memory for a thread's structs");
	}
	return 0;
}

/* A slot for a thread, with what it had in its block so far. */
static int take_slot(struct thread *thread, uint32_t tid)
{
	struct task_back *back = registry.back;
	const struct block *old = thread->block;
	struct block *block;
	uint32_t slot;
	char *memory;
	int err = task_back_take(back, tid, &slot);

	if (err)
		return err;
	memory = task_back_block(back, slot);
	memset(memory, 0, back->block_size);
	if (old)
		memcpy(memory + MEM_TASK_HEAD, old->memory + MEM_TASK_HEAD,
		       (back->block_size < registry.block_size ? back->block_size : registry.block_size) -
			       MEM_TASK_HEAD);
	block = block_push(thread, memory);
	if (!block) {
		task_back_release(back, slot, tid);
		return -ENOMEM;
	}
	block->back = back;
	block->slot = slot;
	block->tid = tid;
	back->refs++;
	return 0;
}

static void set_head(struct thread *thread, const struct task_self *self)
{
	struct task_head *head = (struct task_head *)thread->block->memory;

	head->tid = self->tid;
	head->tgid = self->tgid;
	head->execs = self->execs;
	__atomic_store_n(&head->generation, self->generation, __ATOMIC_RELEASE);
}

/* Let programs find a thread. self: who it is in the initial namespace; ahead: it is not the caller. */
static int make_live(struct thread *thread, struct task_self *self, bool ahead)
{
	struct task_back *back = registry.back;
	uint32_t slot;
	int err = 0;

	if (back->kind != MEM_TASK_IN_UPTR)
		err = take_slot(thread, self->tid);
	else if (!thread->block)
		err = take_private(thread);
	if (err)
		return err;
	slot = thread->block->slot;
	set_head(thread, self);
	if (back->kind == MEM_TASK_IN_ARRAY && !ahead) {
		self->element = task_back_element(back, slot);
		err = task_back_self(back, self);
	} else {
		err = task_back_point(back, thread->tid, thread->block->memory, slot);
	}
	thread->live = !err;
	return err;
}

static void warn_unseen(int err)
{
	if (registry.warned)
		return;
	registry.warned = true;
	mem__log(MEM_LOG_WARN, "programs do not see the per-thread structs of some threads: %s",
		 err == -ENOSPC ? "all slots are taken; ask for more with mem_task_setup()"
				: strerror(-err));
}

/* Registered ahead by another thread: whose data it is depends on who wrote to it since. */
static void adopt(struct thread *thread, const struct task_self *self)
{
	const struct task_head *head = (struct task_head *)thread->block->memory;
	uint64_t seen = __atomic_load_n(&head->generation, __ATOMIC_RELAXED);
	const struct task_back *back = thread->block->back; /* whose blocks may be smaller */
	uint32_t size = back ? back->block_size : registry.block_size;

	if (seen != MEM_TASK_PENDING && seen != self->generation)
		memset(thread->block->memory + MEM_TASK_HEAD, 0, size - MEM_TASK_HEAD);
	set_head(thread, self);
}

/*
 * Task storage belongs to one thread anyhow: it is enough that the first program that looks makes sure
 * of the rest. Asking takes a system call.
 */
static int identify(const struct thread *thread, struct task_self *self)
{
	struct task_back *back = registry.back;

	if (back->kind != MEM_TASK_IN_UPTR || back->other_ids || !back->tgid || thread->live)
		return task_back_self(back, self);
	self->generation = MEM_TASK_PENDING;
	self->tid = (uint32_t)thread->tid;
	self->tgid = back->tgid;
	self->execs = back->execs;
	return 0;
}

/* The calling thread's block, found by programs if there are any. */
static int thread_start(struct thread *thread)
{
	struct task_self self = { 0 };
	int err = 0;

	if (registry.back && registry.loaded) {
		err = task_back_return(registry.back);
		err = err ?: identify(thread, &self);
		if (!err && thread->live)
			adopt(thread, &self);
		else if (!err)
			err = make_live(thread, &self, false);
		if (err)
			warn_unseen(err);
	}
	if (!thread->block)
		err = take_private(thread);
	if (!thread->block)
		return err;
	thread->current = true;
	return 0;
}

static int thread_enter(void)
{
	struct thread *thread = this_thread;
	int err;

	if (thread && thread->current)
		return 0;
	/* glibc gives destructors four rounds; whoever is registered in the last one stays so for ever */
	if (ends >= PTHREAD_DESTRUCTOR_ITERATIONS - 1)
		return mem__error(ESHUTDOWN, "the thread is ending");
	block_size();
	err = registry_start();
	if (err)
		return err;
	if (!thread) {
		thread = find_thread(current_tid());
		if (thread && thread->here) { /* ended without a destructor */
			thread_free(thread);
			thread = NULL;
		}
		thread = thread ?: thread_new(current_tid());
	}
	if (!thread || pthread_setspecific(registry.key, thread))
		return mem__error(ENOMEM, "no memory to register a thread");
	this_thread = thread;
	thread->here = true;
	return thread_start(thread);
}

/* --- structs --- */

/* What all blocks there are, and are about to be, have room for. */
static uint32_t block_room(void)
{
	uint32_t size = block_size();

	return registry.back && registry.back->block_size < size ? registry.back->block_size : size;
}

static int declare_row(struct mem_task *task, const struct mem_image *image, uint32_t row)
{
	struct image_view view;
	int offset;

	offset = image_widen(image, &view);
	if (offset)
		return offset;
	if (row >= view.task_count)
		offset = mem__error(EINVAL, "%s: per-thread struct %u of %u", image->name, row,
				    view.task_count);
	else
		offset = task_declare(image->name, &view.tasks[row],
				      view.task_fields + view.tasks[row].fields.first, block_room(),
				      NULL);
	image_view_free(&view);
	if (offset > 0)
		__atomic_store_n(&task->offset, (uint32_t)offset, __ATOMIC_RELAXED);
	return offset < 0 ? offset : 0;
}

/* The calling thread's struct into its cell. */
static void *fill_cell(struct mem_task_cell *cell, struct mem_task *task)
{
	struct thread *thread = this_thread;
	void *data = thread->block->memory + __atomic_load_n(&task->offset, __ATOMIC_RELAXED);

	if (!cell->task) {
		cell->task = task;
		cell->next = thread->cells;
		thread->cells = cell;
	}
	__atomic_store_n(&cell->data, data, __ATOMIC_RELAXED);
	return data;
}

void *mem_task_register(struct mem_task_cell *cell, struct mem_task *task,
			const struct mem_image *image, uint32_t row)
{
	void *data = NULL;
	int err = 0;

	pthread_mutex_lock(&registry.lock);
	if (registry.closed)
		err = mem__error(ESHUTDOWN, "libmem is being unloaded");
	else if (!__atomic_load_n(&task->offset, __ATOMIC_RELAXED))
		err = declare_row(task, image, row);
	err = err ?: thread_enter();
	if (!err)
		data = fill_cell(cell, task);
	pthread_mutex_unlock(&registry.lock);
	if (err)
		errno = -err;
	return data;
}

void mem_task_forget(void *task)
{
	pthread_mutex_lock(&registry.lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct thread *t = registry.threads[i]; t; t = t->next) {
			struct mem_task_cell **at = &t->cells;

			while (*at) {
				if ((*at)->task == task)
					*at = (*at)->next;
				else
					at = &(*at)->next;
			}
		}
	}
	pthread_mutex_unlock(&registry.lock);
}

void mem_task_unregister(void)
{
	pthread_mutex_lock(&registry.lock);
	if (this_thread) {
		struct thread *thread = this_thread;

		forget_self();
		if (registry.ready)
			pthread_setspecific(registry.key, NULL);
		thread_free(thread);
	}
	pthread_mutex_unlock(&registry.lock);
}

int mem_task_setup(const struct mem_task_opts *opts)
{
	struct mem_task_opts given = { .sz = sizeof(given) };
	uint32_t size;
	int err = 0;

	if (!OPTS_VALID(opts, mem_task_opts))
		return -errno;
	given.back = OPTS_GET(opts, back, MEM_TASK_BACK_AUTO);
	given.threads = OPTS_GET(opts, threads, 0);
	size = given.block_size = OPTS_GET(opts, block_size, 0);
	if ((uint32_t)given.back > MEM_TASK_BACK_ARRAY || given.threads > 1U << 22 ||
	    (size && (size & (size - 1) || size < 256 || size > BLOCK_SIZE_MAX)))
		return mem__error(EINVAL, "mem_task_setup(): back %u, %u threads, blocks of %u bytes",
				  (uint32_t)given.back, given.threads, size);
	pthread_mutex_lock(&registry.lock);
	if (registry.back || registry.thread_count)
		err = mem__error(EBUSY, "mem_task_setup(): an object or thread has per-thread structs");
	else if (size && size < task_declared_size())
		err = mem__error(EINVAL, "mem_task_setup(): %u bytes are in use", task_declared_size());
	if (!err) {
		registry.opts = given;
		registry.block_size = 0;
	}
	pthread_mutex_unlock(&registry.lock);
	return err;
}

enum mem_task_back mem_task_back_used(void)
{
	uint32_t kind;

	pthread_mutex_lock(&registry.lock);
	kind = registry.back ? registry.back->kind : MEM_TASK_IN_NONE;
	pthread_mutex_unlock(&registry.lock);
	return (enum mem_task_back)kind;
}

void mem_task_use(void)
{
}

/* --- all threads --- */

static int register_other(int tid)
{
	struct task_self self = { .generation = MEM_TASK_PENDING, .tid = (uint32_t)tid };
	struct thread *thread = find_thread(tid);
	int err;

	if (thread)
		return thread->live;
	self.tgid = registry.back->tgid;
	self.execs = registry.back->execs;
	thread = thread_new(tid);
	if (!thread)
		return mem__error(ENOMEM, "no memory to register threads");
	err = make_live(thread, &self, true);
	if (err)
		thread_free(thread);
	if (err && err != -ESRCH && err != -ENOENT) /* it has ended, before or after its pidfd */
		warn_unseen(err);
	return !err;
}

/* Ahead: with slots only under the ids that programs see, with task storage by pidfd (Linux 6.9). */
static int register_others(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0, result = 0;

	if (!dir)
		return mem__error(errno, "can't list the threads of this process: %s", strerror(errno));
	while (result >= 0 && (entry = readdir(dir))) {
		int tid = (int)strtol(entry->d_name, NULL, 10);

		if (!tid)
			continue;
		result = register_other(tid);
		count += result > 0;
	}
	closedir(dir);
	return result < 0 ? result : count;
}

int mem_task_register_all(void)
{
	int result;

	pthread_mutex_lock(&registry.lock);
	if (!registry.back || !registry.loaded) {
		result = mem__error(EINVAL, "mem_task_register_all(): load an object with per-thread "
					    "structs first");
	} else {
		result = thread_enter();
		if (!result && registry.back->kind != MEM_TASK_IN_UPTR && registry.back->other_ids)
			result = this_thread->live; /* others follow on their first use */
		else
			result = result ?: register_others();
	}
	pthread_mutex_unlock(&registry.lock);
	return result;
}

int mem_task_each(struct mem_task *task, const struct mem_image *image, uint32_t row, mem_task_fn *fn,
		  void *ctx)
{
	int result = 0;

	pthread_mutex_lock(&registry.lock);
	if (!__atomic_load_n(&task->offset, __ATOMIC_RELAXED))
		result = declare_row(task, image, row);
	for (size_t i = 0; !result && i < BUCKETS; i++)
		for (struct thread *t = registry.threads[i]; !result && t; t = t->next)
			if (t->block)
				result = fn(ctx, t->tid, t->block->memory + task->offset);
	pthread_mutex_unlock(&registry.lock);
	return result;
}

/* --- objects --- */

/* The type has preserve_access_index: every access to a field of it has a record. */
static bool is_movable(const struct image_view *image, uint32_t type)
{
	for (uint32_t i = 0; i < image->core_relo_count; i++)
		if (image->core_relos[i].type_id == type)
			return true;
	return false;
}

static int declare_all(struct mem_object *obj)
{
	const struct image_view *image = &obj->image;
	bool fixed = registry.back || registry.thread_count || registry.opts.block_size;
	uint32_t size = fixed ? block_room() : BLOCK_SIZE_MAX;

	obj->task_offsets = calloc(image->task_count + image->task_field_count, sizeof(*obj->task_offsets));
	if (!obj->task_offsets)
		return mem__error(ENOMEM, "%s: no memory for per-thread structs", obj->name);
	obj->task_fields_at = obj->task_offsets + image->task_count;
	for (uint32_t i = 0; i < image->task_count; i++) {
		const struct mem_task_image *task = &image->tasks[i];
		struct task_programs programs = { .movable = is_movable(image, task->type),
						  .at = obj->task_fields_at + task->fields.first };
		int offset = task_declare(obj->name, task, image->task_fields + task->fields.first, size,
					  &programs);

		if (offset < 0)
			return offset;
		obj->task_offsets[i] = (uint32_t)offset;
	}
	if (!fixed) {
		registry.block_size = 0;
		size = block_size();
		while (size < task_declared_size())
			size *= 2;
		registry.block_size = size;
	}
	return 0;
}

static int share_maps(struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.map_count; i++) {
		struct mem_map *map = &obj->maps[i];
		int fd;

		if (!(map->image->flags & MEM_MAP_TASK))
			continue;
		fd = task_back_map(registry.back, map->image->name);
		map->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (fd >= 0 && map->fd < 0)
			return mem__error(errno, "%s: no descriptor is left: %s", obj->name,
					  strerror(errno));
	}
	return 0;
}

static int prepare(struct mem_object *obj)
{
	int err = registry_start();

	err = err ?: declare_all(obj);
	if (!err && !registry.back) {
		err = task_back_choose(obj, &registry.opts, registry.block_size, &registry.back);
		registry.loaded = false;
	}
	if (err)
		return err;
	registry.back->refs++;
	registry.back->objects++;
	obj->task_back = registry.back;
	err = task_back_return(obj->task_back);
	if (err)
		return mem__error(-err, "%s: can't map per-thread structs: %s", obj->name, strerror(-err));
	return share_maps(obj);
}

int task_prepare(struct mem_object *obj)
{
	int err = 0;

	if (obj->image.task_count) {
		pthread_mutex_lock(&registry.lock);
		err = prepare(obj);
		pthread_mutex_unlock(&registry.lock);
	}
	return err;
}

/* Its next use of a struct gives it a new block. */
static void thread_come_again(struct thread *thread)
{
	thread->current = false;
	if (!syscall(SYS_tgkill, getpid(), thread->tid, 0) || errno != ESRCH)
		cells_empty(thread);
}

/* Threads that came before the programs. Their memory may stay where it is, or they come here again. */
static void enlist(struct thread *thread)
{
	struct task_self self = { .generation = MEM_TASK_PENDING, .tid = (uint32_t)thread->tid };

	if (registry.back->kind == MEM_TASK_IN_UPTR && !registry.back->other_ids) {
		self.tgid = registry.back->tgid;
		self.execs = registry.back->execs;
		make_live(thread, &self, true);
	} else {
		thread_come_again(thread);
	}
}

static int find_self_prog(const struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.prog_count; i++)
		if (!strcmp(obj->progs[i].image->name, "mem_task_self"))
			return obj->progs[i].fd;
	return -1;
}

/* Programs can see threads from now on. */
static int start(const char *who)
{
	struct task_self self = { 0 };
	int err = task_back_self(registry.back, &self);

	if (err)
		return mem__error(-err, "%s: program mem_task_self does not run: %s", who, strerror(-err));
	registry.loaded = true;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct thread *t = registry.threads[i]; t; t = t->next)
			enlist(t);
	return 0;
}

static int start_object(struct mem_object *obj)
{
	int fd = find_self_prog(obj);

	if (fd < 0)
		return mem__error(EINVAL, "%s: program mem_task_self is needed: don't switch it off",
				  obj->name);
	registry.back->self_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (registry.back->self_fd < 0)
		return mem__error(errno, "%s: no descriptor is left: %s", obj->name, strerror(errno));
	return start(obj->name);
}

int task_load(struct mem_object *obj)
{
	int err = 0;

	if (obj->task_back) {
		pthread_mutex_lock(&registry.lock);
		if (!registry.loaded)
			err = start_object(obj);
		pthread_mutex_unlock(&registry.lock);
	}
	return err;
}

/* The last object is gone: threads go on with private memory. */
static void stop(void)
{
	struct task_back *back = registry.back;
	struct thread *self = this_thread;

	reap(); /* nobody else would notice those that are no more */
	registry.back = NULL;
	registry.loaded = false;
	registry.joined = false;
	task_layout_seal(false);
	if (self) {
		forget_self();
		thread_free(self);
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		struct thread *next;

		for (struct thread *t = registry.threads[i]; t; t = next) {
			next = t->next;
			/* other processes' programs may go on */
			if (t->live)
				__atomic_store_n(&((struct task_head *)t->block->memory)->generation,
						 MEM_TASK_FREE, __ATOMIC_RELAXED);
			t->live = false;
			if (!t->here)
				thread_free(t);
			else if (back->kind != MEM_TASK_IN_UPTR)
				thread_come_again(t);
		}
	}
	if (registry.ready)
		pthread_setspecific(registry.key, NULL);
	sys_close(&back->map_fd);
	sys_close(&back->slots_fd);
	sys_close(&back->self_fd);
	if (!registry.private_blocks)
		slabs_free();
	if (!registry.thread_count)
		registry.block_size = 0;
}

/* An object, or other processes' programs, are done with it. */
static void back_leave(struct task_back *back)
{
	if (!--back->objects && registry.back == back)
		stop();
	task_back_put(back);
}

void task_close(struct mem_object *obj)
{
	struct task_back *back = obj->task_back;

	free(obj->task_offsets);
	if (!back)
		return;
	pthread_mutex_lock(&registry.lock);
	back_leave(back);
	pthread_mutex_unlock(&registry.lock);
}

/* --- other processes --- */

int mem_task_share(const char *folder, unsigned int mode)
{
	int err;

	if (!folder || !*folder || mode & ~0777u)
		return mem__error(EINVAL, "mem_task_share(): folder '%s', mode %#o", folder ? folder : "",
				  mode);
	pthread_mutex_lock(&registry.lock);
	if (!registry.back || !registry.loaded)
		err = mem__error(EINVAL, "mem_task_share(): load an object with per-thread structs first");
	else
		err = task_share(registry.back, folder, mode ? mode : 0600);
	if (!err)
		task_layout_seal(true);
	pthread_mutex_unlock(&registry.lock);
	return err;
}

static void leave(void)
{
	struct task_back *back = registry.back;

	if (!registry.joined)
		return;
	registry.joined = false;
	back_leave(back);
}

static int join(const char *folder)
{
	struct task_back *back = NULL;
	int err;

	if (registry.back && (!registry.joined || registry.back->objects > 1))
		return mem__error(EBUSY, "mem_task_join(): this process has objects with per-thread structs "
					 "loaded");
	err = registry_start();
	err = err ?: task_join(folder, registry.back, registry.block_size, &back);
	if (err)
		return err < 0 ? err : 0;
	leave();
	back->refs = back->objects = 1;
	registry.back = back;
	registry.joined = true;
	if (!registry.block_size)
		registry.block_size = back->block_size;
	registry.reap_at = registry.reap_at ?: 256;
	task_layout_seal(true);
	err = start(folder);
	if (err)
		leave();
	return err ?: 1;
}

int mem_task_join(const char *folder)
{
	int err;

	if (!folder || !*folder)
		return mem__error(EINVAL, "mem_task_join(): no folder");
	pthread_mutex_lock(&registry.lock);
	err = join(folder);
	pthread_mutex_unlock(&registry.lock);
	return err;
}

void mem_task_leave(void)
{
	pthread_mutex_lock(&registry.lock);
	leave();
	pthread_mutex_unlock(&registry.lock);
}

static int each_slot(const struct task_back *back, uint32_t offset, mem_task_fn *fn, void *ctx)
{
	int result = 0;

	for (uint32_t slot = 0; !result && slot < back->count; slot++) {
		uint32_t tid = __atomic_load_n(&back->slots->owner[slot], __ATOMIC_ACQUIRE);
		const struct task_head *head;

		if (!tid || (!back->other_ids && kill((pid_t)tid, 0) && errno == ESRCH))
			continue; /* free, or left behind by a process that was killed */
		head = (const struct task_head *)task_back_block(back, slot);
		if (__atomic_load_n(&head->generation, __ATOMIC_ACQUIRE) > MEM_TASK_PENDING)
			result = fn(ctx, (int)tid, task_back_block(back, slot) + offset);
	}
	return result;
}

int mem_task_each_shared(struct mem_task *task, const struct mem_image *image, uint32_t row,
			 mem_task_fn *fn, void *ctx)
{
	int result = 0;

	pthread_mutex_lock(&registry.lock);
	if (!registry.back || !registry.loaded)
		result = mem__error(EINVAL, "mem_task_each_shared(): load an object with per-thread structs, "
					    "or join a process that has");
	else if (!registry.back->slots)
		result = mem__error(ENOTSUP, "per-thread structs are memory of their processes: an iterator "
					     "program (SEC(\"iter/task\")) can walk them");
	else
		result = task_back_return(registry.back);
	if (result < 0 && registry.back && registry.back->slots && registry.loaded)
		mem__error(-result, "mem_task_each_shared(): can't map the threads' memory: %s",
			   strerror(-result));
	if (!result && !__atomic_load_n(&task->offset, __ATOMIC_RELAXED))
		result = declare_row(task, image, row);
	if (!result)
		result = each_slot(registry.back, task->offset, fn, ctx);
	pthread_mutex_unlock(&registry.lock);
	return result;
}

/* Programs that run for packets, not for a thread, though some thread is always current. */
static bool has_task(uint32_t prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_SK_MSG:
	case BPF_PROG_TYPE_SK_LOOKUP:
	case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case BPF_PROG_TYPE_SOCK_OPS:
	case 32: /* BPF_PROG_TYPE_NETFILTER */
		return false;
	default:
		return true;
	}
}

uint64_t task_number(const struct mem_object *obj, const struct mem_extern_image *ext,
		     uint32_t prog_type)
{
	const struct task_back *back = obj->task_back;

	if (!back)
		return 0;
	switch (ext->kcfg_kind) {
	case MEM_TASK_NUMBER_BACK:
		return has_task(prog_type) ? back->kind : MEM_TASK_IN_NONE;
	case MEM_TASK_NUMBER_INDEX:
		return sys_pointer(back->index);
	default:
		return obj->task_offsets[ext->kcfg_offset];
	}
}

/* --- fields that are elsewhere than a program was compiled for --- */

/* The number in an instruction that is a field's offset; NULL if it has none. */
static bool get_offset(const struct bpf_insn *insn, uint32_t *offset)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		*offset = (uint16_t)insn->off;
		return true;
	case BPF_LD:
	case BPF_ALU:
	case BPF_ALU64:
		*offset = (uint32_t)insn->imm;
		return BPF_CLASS(insn->code) == BPF_LD || BPF_SRC(insn->code) == BPF_K;
	default:
		return false;
	}
}

static bool set_offset(struct bpf_insn *insn, uint32_t offset)
{
	uint32_t class = BPF_CLASS(insn->code);

	if (class == BPF_LDX || class == BPF_ST || class == BPF_STX)
		insn->off = (int16_t)offset;
	else
		insn->imm = (int32_t)offset;
	return offset <= INT16_MAX;
}

/* Where byte `offset` of a struct is now; the fields' own places say in which of them it is. */
static bool find_place(const struct mem_object *obj, const struct mem_task_image *task, uint32_t *offset)
{
	for (uint32_t i = task->fields.first; i < task->fields.first + task->fields.count; i++) {
		const struct mem_task_field_image *field = &obj->image.task_fields[i];

		if (field->offset > 8ULL * *offset || 8ULL * *offset >= (uint64_t)field->offset + field->size)
			continue;
		*offset = (uint32_t)(*offset + ((int64_t)obj->task_fields_at[i] - field->offset) / 8);
		return true;
	}
	return false;
}

int task_relocate(const struct mem_object *obj, const struct bpf_core_relo *relo, struct bpf_insn *insn)
{
	const struct mem_task_image *task = NULL;
	uint32_t offset;

	for (uint32_t i = 0; obj->task_offsets && i < obj->image.task_count; i++)
		if (obj->image.tasks[i].type == relo->type_id)
			task = &obj->image.tasks[i];
	if (!task)
		return 0;
	if (relo->kind != BPF_CORE_FIELD_BYTE_OFFSET || !get_offset(insn, &offset) ||
	    !find_place(obj, task, &offset) || !set_offset(insn, offset))
		return mem__error(EINVAL, "%s: a program asks of per-thread struct '%s' what only the kernel's "
					  "own structs can be asked (CO-RE record of kind %u)",
				  obj->name, task->name, relo->kind);
	return 1;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, stacks, rings, counters and the like in an arena, from both sides, with processes that are killed. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arena_structs.skel.h"
#include "bpf/arena_structs.h"
#include "harness.h"
#include "victims.h"

#include <mem/array.h>
#include <mem/counter.h>
#include <mem/list.h>
#include <mem/lock.h>
#include <mem/ring.h>

static struct arena_structs *skel;
static struct mem_heap *heap;

static void setup(void)
{
	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
	skel = assert_ptr(arena_structs__open());
}

static void teardown(void)
{
	arena_structs__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static void load_skel(void)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 4 << 20};

	assert_ok(arena_structs__load(skel));
	heap = &skel->arena->heap;
	assert_ok(mem_heap_create(assert_ptr(mem_object_find_region(skel->obj, "arena")), heap, &opts));
}

/* The verifier takes long for each: a test loads the programs that it runs. */
#define load(...) (keep_programs(skel->obj, PROGRAMS(__VA_ARGS__)), load_skel())

static uint32_t run(const struct mem_prog *prog, uint64_t count)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	skel->data->count = count;
	assert_ok(mem_prog_run(prog, &opts));
	return opts.retval;
}

/* Elements, forwards; checks the way back and that values are those of append(). */
static unsigned int check_list(uint64_t *sum)
{
	struct mem_list *list = &skel->arena->list;
	struct mem_list_node *node = mem_list_first(heap, list), *prev = NULL;
	unsigned int n;

	for (n = 0; node && n < 100000; n++) {
		ck_assert_uint_eq(node->prev, mem_low(prev));
		*sum += mem_entry(node, struct item, link)->value;
		prev = node;
		node = mem_list_next(heap, node);
	}
	ck_assert_uint_eq(list->last, mem_low(prev));
	return n;
}

static unsigned int empty_stack(uint64_t *sum)
{
	struct mem_stack_node *node;
	unsigned int n = 0;

	for (; (node = mem_stack_pop(heap, &skel->arena->stack)); n++)
		*sum += mem_entry(node, struct item, stacked)->value;
	return n;
}

TEST(both_sides_build_walk_and_empty_a_list)
{
	struct mem_list_node *node;
	uint64_t sum = 0;

	load_skel();
	ck_assert_uint_eq(run(skel->progs.append, 100), 0);
	ck_assert_uint_eq(check_list(&sum), 100);
	ck_assert_uint_eq(sum, 5050);
	node = mem_list_first(heap, &skel->arena->list);
	ck_assert_uint_eq(mem_entry(node, struct item, link)->value, 100);
	ck_assert_uint_eq(run(skel->progs.walk, 0), 0);
	ck_assert_uint_eq(skel->bss->sum, 5050);
	ck_assert_uint_eq(run(skel->progs.odd_to_stack, 0), 0);
	sum = 0;
	ck_assert_uint_eq(check_list(&sum), 50);
	ck_assert_uint_eq(sum, 2550);
	sum = 0;
	ck_assert_uint_eq(empty_stack(&sum), 50);
	ck_assert_uint_eq(sum, 2500);
	while ((node = mem_list_shift(heap, &skel->arena->list)))
		mem_free(heap, mem_entry(node, struct item, link));
	ck_assert_uint_eq(skel->arena->list.last, 0);
}
END_TEST

static int stop;

static void *shuffle_thread(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct mem_stack_node *top = mem_stack_pop(heap, &skel->arena->stack);
		struct mem_list_node *first = mem_list_shift(heap, &skel->arena->list);

		if (top)
			mem_list_append(heap, &skel->arena->list, &mem_entry(top, struct item, stacked)->link);
		if (first)
			mem_stack_push(&skel->arena->stack, &mem_entry(first, struct item, link)->stacked);
	}
	return NULL;
}

static void *run_thread(void *prog)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		assert_ok(mem_prog_run(prog, &opts));
	return NULL;
}

static int shuffle(double length, int kill_some)
{
	struct timespec pause = {0, 2000000};
	pthread_t threads[3];
	struct mem_link *calls;
	double end = test_now() + length;
	int victims = 0;

	ck_assert_uint_eq(run(skel->progs.append, 1000), 0);
	skel->data->count = 1000;
	stop = 0;
	calls = assert_ptr(mem_prog_attach(skel->progs.shuffle_on_call));
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, i ? run_thread : shuffle_thread, skel->progs.shuffle_many);
	while (test_now() < end) {
		nanosleep(&pause, NULL);
		if (kill_some) {
			pid_t pid = fork();

			if (!pid) {
				victim_map_arena(skel->obj);
				shuffle_thread(NULL);
			}
			nanosleep(&pause, NULL);
			victim_kill(pid);
			victims++;
		}
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	mem_link_destroy(calls);
	return victims;
}

TEST(programs_and_threads_move_elements_and_lose_none, .timeout = 60)
{
	uint64_t sum = 0;
	unsigned int n;

	load(skel->progs.append, skel->progs.shuffle_many, skel->progs.shuffle_on_call);
	shuffle(test_seconds(2), 0);
	n = check_list(&sum);
	n += empty_stack(&sum);
	ck_assert_uint_eq(skel->bss->failed, 0);
	ck_assert_uint_eq(n, 1000);
	ck_assert_uint_eq(sum, 500500);
}
END_TEST

TEST(a_killed_process_loses_what_it_held_and_leaves_a_list, .timeout = 60)
{
	unsigned int n, victims;
	uint64_t sum = 0;
	struct item *item;

	load(skel->progs.append, skel->progs.shuffle_many, skel->progs.shuffle_on_call);
	victims = (unsigned int)shuffle(test_seconds(2), 1);
	item = assert_ptr(mem_new(heap, struct item)); /* the first lock after a death repairs */
	assert_ok(mem_list_append(heap, &skel->arena->list, &item->link));
	assert_ok(mem_list_remove(heap, &skel->arena->list, &item->link));
	n = check_list(&sum);
	n += empty_stack(&sum);
	ck_assert_uint_le(n, 1000);
	ck_assert_uint_ge(n + 2 * victims, 1000);
}
END_TEST

TEST(rings_carry_values_in_order_both_ways)
{
	struct event event = {0};
	uint64_t sum = 0;

	load(skel->progs.produce, skel->progs.consume);
	ck_assert_int_eq(mem_ring_pop(heap, &skel->arena->up, &event), -EINVAL);
	ck_assert_int_eq(mem_ring_create(heap, &skel->arena->up, 100, 24), -EINVAL);
	assert_ok(mem_ring_create(heap, &skel->arena->up, 64, sizeof(event)));
	assert_ok(mem_ring_create(heap, &skel->arena->down, 64, sizeof(event)));
	ck_assert_int_eq(mem_ring_wait(&skel->arena->up, 1), 0);
	run(skel->progs.produce, 70);
	ck_assert_uint_eq(skel->bss->pushed, 64);
	ck_assert_uint_eq(skel->arena->up.dropped, 6);
	ck_assert_int_eq(mem_ring_wait(&skel->arena->up, 1), 1);
	for (uint64_t i = 0, last = 0; i < 64; i++, last = event.number) {
		assert_ok(mem_ring_pop(heap, &skel->arena->up, &event));
		ck_assert_uint_ge(event.number, last);
		ck_assert_uint_eq(event.check, event.producer ^ event.number);
	}
	ck_assert_int_eq(mem_ring_pop(heap, &skel->arena->up, &event), -ENOENT);
	ck_assert_int_eq(mem_ring_pop(heap, &skel->arena->up, &sum), -ESTALE);
	for (uint64_t i = 1; i <= 65; i++) {
		event = (struct event){1, i, 1 ^ i};
		ck_assert_int_eq(mem_ring_push(heap, &skel->arena->down, &event), i <= 64 ? 0 : -ENOSPC);
	}
	run(skel->progs.consume, 100);
	ck_assert_uint_eq(skel->bss->popped, 64);
	ck_assert_uint_eq(skel->bss->sum, 64 * 65 / 2);
	mem_ring_destroy(heap, &skel->arena->down);
	mem_ring_destroy(heap, &skel->arena->up);
}
END_TEST

static void push_down(uint64_t from, uint64_t step)
{
	for (uint64_t i = from; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i += step) {
		struct event event = {from, i, from ^ i};

		mem_ring_push(heap, &skel->arena->down, &event);
	}
}

static void *push_thread(void *arg)
{
	push_down((uintptr_t)arg, 2);
	return NULL;
}

static void *pop_thread(void *count)
{
	struct event event;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED) || mem_ring_wait(&skel->arena->up, 0)) {
		if (mem_ring_pop(heap, &skel->arena->up, &event))
			continue;
		++*(uint64_t *)count;
		if (event.check != (event.producer ^ event.number))
			__atomic_fetch_add(&skel->bss->wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(many_producers_and_consumers_and_deaths, .timeout = 60)
{
	struct timespec pause = {0, 2000000};
	uint64_t counts[2] = {0};
	pthread_t threads[6];

	load(skel->progs.produce, skel->progs.consume);
	assert_ok(mem_ring_create(heap, &skel->arena->up, 64, sizeof(struct event)));
	assert_ok(mem_ring_create(heap, &skel->arena->down, 64, sizeof(struct event)));
	skel->data->count = 500;
	stop = 0;
	for (int i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, i < 2 ? pop_thread : i < 3 ? push_thread : run_thread,
			       i < 2 ? (void *)&counts[i] : i < 3 ? (void *)7 :
			       i < 5 ? (void *)skel->progs.produce : (void *)skel->progs.consume);
	for (double end = test_now() + test_seconds(2); test_now() < end || skel->bss->pushed < 100;) {
		pid_t pid = fork();

		if (!pid) {
			victim_map_arena(skel->obj);
			push_down(8, 2);
		}
		nanosleep(&pause, NULL);
		victim_kill(pid);
	}
	stop = 1;
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	pop_thread(&counts[0]); /* what was pushed after the consumers had left */
	ck_assert_uint_eq(skel->bss->wrong, 0);
	ck_assert_uint_eq(counts[0] + counts[1], skel->bss->pushed);
	run(skel->progs.consume, 1000);
	ck_assert_uint_eq(skel->bss->popped, skel->arena->down.tail);
}
END_TEST

TEST(counters_and_histograms_count_every_event)
{
	unsigned long long before, after;
	struct mem_histogram *h;
	struct mem_link *link;

	load(skel->progs.count_call);
	h = &skel->arena->histogram;
	link = assert_ptr(mem_prog_attach(skel->progs.count_call));
	before = mem_counter_sum(&skel->arena->counter);
	for (int i = 0; i < 1000; i++)
		getppid();
	after = mem_counter_sum(&skel->arena->counter);
	mem_link_destroy(link);
	ck_assert_uint_ge(after - before, 1000);
	ck_assert_uint_eq(mem_histogram_quantile(h, 0.5), mem_histogram_start(mem_histogram_bucket(1000)));
	for (unsigned int b = 0; b < 252; b++)
		ck_assert_uint_eq(mem_histogram_bucket(mem_histogram_start(b)), b);
	ck_assert_uint_eq(mem_histogram_bucket(~0ULL), 251);
	for (unsigned long long v = 5; v < 1ULL << 62; v += v / 8 + 1) {
		ck_assert_uint_le(mem_histogram_start(mem_histogram_bucket(v)), v);
		ck_assert_uint_gt(mem_histogram_start(mem_histogram_bucket(v) + 1), v);
	}
	mem_counter_add(&skel->arena->counter, 5);
	ck_assert_uint_ge(mem_counter_sum(&skel->arena->counter), after + 5);
}
END_TEST

static void *take_ids(void *taken)
{
	for (;;) {
		int id = mem_id_take(heap, &skel->arena->ids);
		unsigned long long *element;

		if (id < 0)
			return NULL;
		element = mem_array_at(heap, &skel->arena->array, unsigned long long, id);
		if (element)
			mem_add(element, 1ULL);
		++*(unsigned int *)taken;
	}
}

TEST(each_number_is_given_once)
{
	unsigned int taken[2] = {0}, result;
	unsigned long long *element;
	pthread_t threads[2];

	load(skel->progs.take_ids);
	ck_assert_uint_eq(run(skel->progs.take_ids, 1), EINVAL);
	assert_ok(mem_bitmap_create(heap, &skel->arena->ids, 3001));
	assert_ok(mem_array_create(heap, &skel->arena->array, 3001, 8));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, take_ids, &taken[i]);
	run(skel->progs.take_ids, 1000);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 3001; i++) {
		element = mem_array_find(heap, &skel->arena->array, unsigned long long, i);
		ck_assert_ptr_nonnull(element);
		ck_assert_uint_eq(*element, 1);
		ck_assert_int_eq(mem_bitmap_test(heap, &skel->arena->ids, (unsigned int)i), 1);
	}
	ck_assert_ptr_eq(mem_array_at(heap, &skel->arena->array, unsigned long long, 3001), NULL);
	ck_assert_int_eq(mem_id_take(heap, &skel->arena->ids), -ENOSPC);
	ck_assert_int_eq(mem_bitmap_set(heap, &skel->arena->ids, 3001), -EINVAL);
	ck_assert_int_eq(mem_id_give(heap, &skel->arena->ids, 1234), 1);
	ck_assert_int_eq(mem_id_give(heap, &skel->arena->ids, 1234), 0);
	result = run(skel->progs.take_ids, 1);
	if (result == EAGAIN) /* it looks at 64 words, and then on from there */
		result = run(skel->progs.take_ids, 1);
	ck_assert_uint_eq(result, 0);
	element = mem_array_find(heap, &skel->arena->array, unsigned long long, 1234);
	ck_assert_uint_eq(*element, 2);
	mem_array_destroy(heap, &skel->arena->array);
	mem_bitmap_destroy(heap, &skel->arena->ids);
	ck_assert_msg(mem_heap_is_valid(heap), "%s", test_message());
}
END_TEST

static void *own(void *wrong)
{
	struct mem_ref *ref = &skel->arena->ref;

	for (int i = 0; i < test_rounds(20000); i++) {
		if (!mem_ref_get(ref))
			continue;
		if (mem_load(&skel->arena->released))
			++*(unsigned int *)wrong;
		if (mem_ref_put(ref))
			mem_add(&skel->arena->released, 1ULL);
	}
	return NULL;
}

/* Whoever that is: the owners come and go on both sides while the first one lets go. */
TEST(what_is_counted_is_released_once_by_its_last_owner)
{
	struct mem_ref *ref;
	unsigned int wrong[2] = {0};
	pthread_t threads[2];

	load(skel->progs.own);
	ref = &skel->arena->ref;
	ck_assert_int_eq(mem_ref_get(ref), 0); /* nobody has it yet */
	mem_ref_init(ref);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, own, &wrong[i]);
	run(skel->progs.own, 10000);
	if (mem_ref_put(ref))
		mem_add(&skel->arena->released, 1ULL);
	run(skel->progs.own, 10000);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(skel->arena->released, 1);
	ck_assert_uint_eq(wrong[0] + wrong[1] + skel->bss->wrong, 0);
	ck_assert_int_eq(mem_ref_get(ref), 0);
}
END_TEST

struct toggler {
	pthread_t thread;
	uint64_t bit;
	unsigned int wrong; /* times that the bit was not as this thread had left it */
};

static void *toggle(void *arg)
{
	unsigned long long *bits = (unsigned long long *)&skel->arena->bits;
	struct toggler *own = arg;

	for (int i = 0; i < test_rounds(20000); i++) {
		mem_or(bits, own->bit);
		own->wrong += !(mem_load(bits) & own->bit);
		mem_and(bits, ~own->bit);
		own->wrong += !!(mem_load(bits) & own->bit);
	}
	mem_or(bits, own->bit);
	return NULL;
}

TEST(bits_of_one_word_are_changed_each_for_itself)
{
	struct toggler togglers[2];

	load(skel->progs.toggle);
	for (unsigned int i = 0; i < 2; i++) {
		togglers[i] = (struct toggler){.bit = TOGGLED_BY_THREAD(i)};
		pthread_create(&togglers[i].thread, NULL, toggle, &togglers[i]);
	}
	run(skel->progs.toggle, 20000);
	for (int i = 0; i < 2; i++) {
		pthread_join(togglers[i].thread, NULL);
		ck_assert_uint_eq(togglers[i].wrong, 0);
	}
	ck_assert_uint_eq(skel->bss->wrong, 0);
	ck_assert_uint_eq(skel->arena->bits, TOGGLED_BY_THREAD(0) | TOGGLED_BY_THREAD(1));
}
END_TEST

TEST(damaged_structures_do_not_take_the_application_along)
{
	struct event event = {0};
	unsigned int seed = 9;

	load();
	assert_ok(mem_ring_create(heap, &skel->arena->up, 64, sizeof(event)));
	for (int round = 0; round < test_rounds(3000); round++) {
		struct mem_list_node *node;

		skel->arena->list = (struct mem_list){{0}, (unsigned)rand_r(&seed), (unsigned)rand_r(&seed) * 2U};
		skel->arena->stack.top = (unsigned)rand_r(&seed) * 2U;
		skel->arena->up.head = skel->arena->up.tail = (unsigned long long)rand_r(&seed) << 20;
		if (round % 2)
			skel->arena->up.slots = (unsigned)rand_r(&seed) * 2U;
		node = mem_list_first(heap, &skel->arena->list);
		for (int i = 0; i < 100 && node; i++)
			node = mem_list_next(heap, node);
		mem_list_shift(heap, &skel->arena->list);
		mem_stack_pop(heap, &skel->arena->stack);
		mem_ring_push(heap, &skel->arena->up, &event);
		mem_ring_pop(heap, &skel->arena->up, &event);
	}
}
END_TEST

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mem::task_local in C++17: from a program to the memory that the kernel's programs see.
. "$(dirname "$0")/harness.sh"

program()
{
	cat <<- 'END'
		#include <cstdio>
		#include <memory>
		#include <string>
		#include <thread>
		#include <vector>
		#include "task_basic.skel.h"

		static mem::task_local<struct request, task_basic__task_request> request;
		static mem::task_local<struct counters, task_basic__task_counters> counters;
		static struct task_basic *skel;

		/* what the program answers: the thread's id and one, 0 if it sees none */
		static unsigned int echo()
		{
			struct mem_run_opts opts = {};

			opts.sz = sizeof(opts);
			return mem_prog_run(skel->progs.echo, &opts) ? 0 : opts.retval;
		}

		/* Uses the struct when thread_local objects of the thread are destroyed. */
		struct last_words {
			~last_words()
			{
				if (request)
					request->id = 99;
			}
		};

		static bool work(unsigned long id)
		{
			thread_local last_words words;

			(void)words;
			if (request->id || (*counters).calls)
				return false;
			request->id = id;
			(*counters).calls = id;
			return echo() == id + 1 && request->seen == id && request->name[0] == 'x';
		}

		int main(int argc, char **)
		{
			using deleter = void (*)(struct task_basic *);
			std::vector<std::thread> threads;
			bool right[20] = {};

			static_assert(std::is_same<decltype(*request), struct request &>::value, "a reference");
			mem_log_set(MEM_LOG_WARN, nullptr, nullptr);
			std::unique_ptr<struct task_basic, deleter> owner(task_basic__open(), task_basic__destroy);
			skel = owner.get();
			if (!skel || task_basic__load(skel))
				return std::puts(mem_error_message()), argc;
			if (!work(1000))
				return std::puts("the first thread's is not seen"), 1;
			for (unsigned long i = 0; i < 20; i++)
				threads.emplace_back([i, &right] { right[i] = work(i + 1); });
			for (auto &thread : threads)
				thread.join();
			for (bool each : right)
				if (!each)
					return std::puts("a thread's is not seen"), 1;
			return request->id == 1000 && echo() == 1001 ? 0 : (std::puts("overwritten"), 1);
		}
	END
}

reads_like_a_thread_local_variable()
{
	local cxx

	[ -e "$BUILD/selftests/task_basic.skel.h" ] || skip "the test objects are not built"
	program > "$scratch/program.cc"
	for cxx in "$CXX" clang++-19; do
		command -v "$cxx" > /dev/null || continue
		echo "$cxx"
		"$cxx" -std=c++17 -O2 -g -pthread -Wall -Wextra -Werror -pedantic -Iinclude -I"$BUILD/selftests" \
			"$scratch/program.cc" -L"$BUILD" -lmem -o "$scratch/program"
		# where bpf(2) is refused it compiles and links, and that is all
		"$BUILD/selftests/can_bpf" > /dev/null || continue
		LD_LIBRARY_PATH=$BUILD "$scratch/program"
	done
}

check reads_like_a_thread_local_variable reads_like_a_thread_local_variable
finish

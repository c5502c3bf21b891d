// SPDX-License-Identifier: BSD-2-Clause
/*
 * A client for servers of memcached's protocol: fills one over TCP, then sends gets over UDP and
 * keeps so many of them under way. Prints one line:
 *
 *     gets per second, median and 99 % latency in microseconds, lost, wrong, gets, this process's CPU
 *     time in microseconds
 *
 *     kv ADDRESS PORT KEYS VALUE-BYTES WINDOW SECONDS
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mem/counter.h>

#include "clock.h"

#define WINDOW_MAX 64
#define LOST_NS	   200000000LL /* nothing came for so long: what is under way is lost */

struct request {
	long long sent;
	unsigned int key;
};

struct load {
	struct sockaddr_in server;
	unsigned int keys, size, window, under_way;
	uint16_t next_id;
	struct request request[65536]; /* by id; sent 0: answered */
	struct mem_histogram latency;
	unsigned long long answered, lost, wrong;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_to(const struct load *load, int type)
{
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&load->server, sizeof(load->server)))
		die("connect");
	return fd;
}

static void value_of(char *value, unsigned int key, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		value[i] = (char)('a' + (key + i) % 26);
}

static void fill(const struct load *load)
{
	int fd = connect_to(load, SOCK_STREAM);
	char line[2048], value[1500], answer[16];
	FILE *to = fdopen(dup(fd), "w");

	if (!to)
		die("fdopen");
	for (unsigned int key = 0; key < load->keys; key++) {
		value_of(value, key, load->size);
		fprintf(to, "set key-%08u 0 0 %u noreply\r\n%.*s\r\n", key, load->size, (int)load->size, value);
	}
	snprintf(line, sizeof(line), "version\r\n");
	fputs(line, to);
	if (fflush(to) || read(fd, answer, sizeof(answer)) < 7 || memcmp(answer, "VERSION", 7))
		die("filling the server");
	fclose(to);
	close(fd);
}

/* Send as many as are missing in the window, by one call. */
static void send_some(struct load *load, int fd)
{
	static char text[WINDOW_MAX][64];
	static struct iovec iov[WINDOW_MAX];
	static struct mmsghdr header[WINDOW_MAX];
	unsigned int count = load->window - load->under_way;
	long long now = clock_ns();

	for (unsigned int i = 0; i < count; i++) {
		uint16_t id = load->next_id++;
		unsigned int key = (unsigned int)random() % load->keys;
		uint16_t frame[4] = {htons(id), 0, htons(1), 0};

		memcpy(text[i], frame, 8);
		iov[i] = (struct iovec){text[i], 8 + (size_t)sprintf(text[i] + 8, "get key-%08u\r\n", key)};
		header[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
		load->request[id] = (struct request){now, key};
	}
	if (count && sendmmsg(fd, header, count, 0) != (int)count)
		die("sendmmsg");
	load->under_way += count;
}

/* Whether it is the value of the key that was asked for, whole. */
static int is_right(const struct load *load, const char *bytes, size_t size, unsigned int key)
{
	char expected[2048], value[1500];
	int length;

	value_of(value, key, load->size);
	length = snprintf(expected, sizeof(expected), "VALUE key-%08u 0 %u\r\n%.*s\r\nEND\r\n", key,
			  load->size, (int)load->size, value);
	return size == (size_t)length && !memcmp(bytes, expected, size);
}

static void note(struct load *load, const char *bytes, size_t size, long long now)
{
	uint16_t id;
	struct request *request;

	memcpy(&id, bytes, 2);
	request = &load->request[ntohs(id)];
	if (size < 8 || !request->sent)
		return; /* given up before */
	mem_histogram_add(&load->latency, (unsigned long long)(now - request->sent));
	load->wrong += !is_right(load, bytes + 8, size - 8, request->key);
	request->sent = 0;
	load->answered++;
	load->under_way--;
}

static void give_up(struct load *load)
{
	for (unsigned int id = 0; id < 65536; id++)
		load->request[id].sent = 0;
	load->lost += load->under_way;
	load->under_way = 0;
}

static void receive_some(struct load *load, int fd)
{
	static char bytes[WINDOW_MAX][2048];
	static struct iovec iov[WINDOW_MAX];
	static struct mmsghdr header[WINDOW_MAX];
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	long long now;
	int count;

	for (unsigned int i = 0; i < load->window; i++) {
		iov[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
		header[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	count = recvmmsg(fd, header, load->window, MSG_DONTWAIT, NULL);
	if (count <= 0 && !poll(&readable, 1, (int)(LOST_NS / 1000000)))
		give_up(load);
	now = clock_ns();
	for (int i = 0; i < count; i++)
		note(load, bytes[i], header[i].msg_len, now);
}

/* Of this process, and of what the kernel did on its time. */
static long long cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

int main(int argc, char **argv)
{
	static struct load load;
	long long start, end, cpu;
	double seconds;
	int fd;

	if (argc != 7 || inet_pton(AF_INET, argv[1], &load.server.sin_addr) != 1) {
		fprintf(stderr, "usage: kv ADDRESS PORT KEYS VALUE-BYTES WINDOW SECONDS\n");
		return 1;
	}
	load.server.sin_family = AF_INET;
	load.server.sin_port = htons((uint16_t)atoi(argv[2]));
	load.keys = (unsigned int)atoi(argv[3]);
	load.size = (unsigned int)atoi(argv[4]) % 1400;
	load.window = (unsigned int)atoi(argv[5]) % (WINDOW_MAX + 1);
	seconds = atof(argv[6]);
	fill(&load);
	fd = connect_to(&load, SOCK_DGRAM);
	cpu = cpu_us();
	start = clock_ns();
	end = start + (long long)(seconds * 1e9);
	while (clock_ns() < end) {
		send_some(&load, fd);
		receive_some(&load, fd);
	}
	seconds = (double)(clock_ns() - start) / 1e9;
	cpu = cpu_us() - cpu;
	printf("%.0f %.1f %.1f %llu %llu %llu %lld\n", (double)load.answered / seconds,
	       (double)mem_histogram_quantile(&load.latency, 0.5) / 1000,
	       (double)mem_histogram_quantile(&load.latency, 0.99) / 1000, load.lost, load.wrong, load.answered, cpu);
	return load.wrong != 0;
}

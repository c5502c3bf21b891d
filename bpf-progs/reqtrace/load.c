/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"
#include "work.h"

struct connection {
	const struct sockaddr_un *address;
	const char *line;
	int times;
	pthread_t thread;
	int failed;
};

int load_address(const char *path, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

static int ask(int fd, const char *line)
{
	char text[LINE_SIZE];
	int length = snprintf(text, sizeof(text), "%s\n", line);
	ssize_t got;

	if (length >= LINE_SIZE || write(fd, text, (size_t)length) != length)
		return 1;
	got = read(fd, text, sizeof(text) - 1); /* the server writes an answer in one piece */
	if (got <= 0)
		return 1;
	text[got] = 0;
	fputs(text, stdout);
	return strncmp(text, "ok ", 3) != 0;
}

static void *run(void *arg)
{
	struct connection *connection = arg;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)connection->address,
			      sizeof(*connection->address))) {
		perror("reqserver: connecting");
		connection->failed = 1;
	}
	for (int i = 0; !connection->failed && i < connection->times; i++)
		connection->failed = ask(fd, connection->line);
	if (fd >= 0)
		close(fd);
	return NULL;
}

int load_run(const struct sockaddr_un *address, int times, char **lines, int count)
{
	struct connection *connections = calloc((size_t)count, sizeof(*connections));
	int failed = !connections, started = 0;

	for (; !failed && started < count; started++) {
		struct connection *connection = &connections[started];

		*connection = (struct connection){.address = address, .line = lines[started], .times = times};
		if (pthread_create(&connection->thread, NULL, run, connection))
			break;
	}
	failed |= started < count;
	while (started--) {
		pthread_join(connections[started].thread, NULL);
		failed |= connections[started].failed;
	}
	free(connections);
	return failed;
}

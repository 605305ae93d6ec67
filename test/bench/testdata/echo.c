/* echo sends every datagram back, and is nothing else: what nobody can do faster. It listens on the port of 127.0.0.1
   that is its argument, or takes the socket that systemd passes, and tells that it is ready. */

#include <arpa/inet.h>
#include <err.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int bound(const char *port)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0)
		err(1, "port %s", port);
	return fd;
}

static void ready(const char *path)
{
	struct sockaddr_un systemd = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	strncpy(systemd.sun_path, path, sizeof systemd.sun_path - 1);
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(systemd.sun_path);
	if (*path == '@')
		systemd.sun_path[0] = 0;
	if (fd < 0 || sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&systemd, length) < 0)
		err(1, "%s", path);
	close(fd);
}

int main(int argc, char **argv)
{
	char b[1024];
	struct sockaddr_storage from;
	int fd = argc > 1 ? bound(argv[1]) : 3;
	if (getenv("NOTIFY_SOCKET"))
		ready(getenv("NOTIFY_SOCKET"));
	for (;;) {
		socklen_t length = sizeof from;
		ssize_t n = recvfrom(fd, b, sizeof b, 0, (struct sockaddr *)&from, &length);
		if (n < 0 || sendto(fd, b, n, 0, (struct sockaddr *)&from, length) < 0)
			err(1, "echo");
	}
}

/* Stands between a program and the C library: writes to a store's database fail while a file is there. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int file)
{
	static const char name[] = "/detente.db";
	const char *flag = getenv("FAIL_WHILE");
	char link[64], path[4096];
	ssize_t length;

	if (flag == NULL || access(flag, F_OK) != 0)
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", file);
	length = readlink(link, path, sizeof path - 1);
	if (length < (ssize_t)(sizeof name - 1))
		return 0;
	path[length] = 0;
	return strcmp(path + length - (sizeof name - 1), name) == 0;
}

#define WRITE_AT(function, offset_type)                                                          \
	ssize_t function(int file, const void *bytes, size_t count, offset_type offset)          \
	{                                                                                        \
		static ssize_t (*next)(int, const void *, size_t, offset_type);                  \
		if (fails(file)) {                                                               \
			errno = EIO;                                                             \
			return -1;                                                               \
		}                                                                                \
		if (next == NULL)                                                                \
			next = (ssize_t (*)(int, const void *, size_t, offset_type))             \
				dlsym(RTLD_NEXT, #function);                                     \
		return next(file, bytes, count, offset);                                         \
	}

WRITE_AT(pwrite, off_t)
WRITE_AT(pwrite64, off64_t)

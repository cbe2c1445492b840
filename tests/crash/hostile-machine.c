/*
 * A machine that misbehaves on request, under a process that knows nothing of it: preloaded, it stands between the
 * process and the C library. What it does is read at every call from a small file that both sides map, so that a test
 * changes it while the process runs:
 *
 *     int64 clock_offset_ms   added to the wall clock; the monotonic clock, by which timers run, is left alone
 *     int64 sync_delay_ms     waited before each sync of a file
 *     int64 write_error       the errno of every write to a disk, or 0; standard output and sockets are no disk
 *     int64 syncs             counted here: how often a sync was asked for
 *
 * Writes to a disk are told from others by how they are made: at a position, to a path, or to a file's length.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
  volatile int64_t clock_offset_ms;
  volatile int64_t sync_delay_ms;
  volatile int64_t write_error;
  volatile int64_t syncs;
};

static struct control nothing;
static struct control *control = &nothing;

#define REAL(name) \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("HOSTILE_MACHINE");
  if (path == NULL) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) abort();
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) abort();
  close(file);
  control = mapped;
}

static int is_refused(void) {
  if (control->write_error == 0) return 0;
  errno = (int)control->write_error;
  return 1;
}

/* The clock. */

int clock_gettime(clockid_t id, struct timespec *time) {
  REAL(clock_gettime);
  int outcome = real(id, time);
  if (outcome == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
    int64_t ns = time->tv_nsec + (control->clock_offset_ms % 1000) * 1000000;
    time->tv_sec += control->clock_offset_ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
    time->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
  }
  return outcome;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

/* Syncs. */

static int before_sync(void) {
  __atomic_fetch_add(&control->syncs, 1, __ATOMIC_RELAXED);
  int64_t ms = control->sync_delay_ms;
  struct timespec wait = {ms / 1000, (ms % 1000) * 1000000};
  if (ms > 0) nanosleep(&wait, NULL);
  return is_refused();
}

int fsync(int file) {
  REAL(fsync);
  return before_sync() ? -1 : real(file);
}

int fdatasync(int file) {
  REAL(fdatasync);
  return before_sync() ? -1 : real(file);
}

/* Writes. Each name of the C library has a twin for large files, which is the same function here. */

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  REAL(pwrite);
  return is_refused() ? -1 : real(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  REAL(pwrite64);
  return is_refused() ? -1 : real(file, bytes, count, at);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
  REAL(pwritev);
  return is_refused() ? -1 : real(file, parts, count, at);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) {
  REAL(pwritev64);
  return is_refused() ? -1 : real(file, parts, count, at);
}

int ftruncate(int file, off_t length) {
  REAL(ftruncate);
  return is_refused() ? -1 : real(file, length);
}

int ftruncate64(int file, off64_t length) {
  REAL(ftruncate64);
  return is_refused() ? -1 : real(file, length);
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  return is_refused() ? -1 : real(path, mode);
}

int rmdir(const char *path) {
  REAL(rmdir);
  return is_refused() ? -1 : real(path);
}

int unlink(const char *path) {
  REAL(unlink);
  return is_refused() ? -1 : real(path);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  return is_refused() ? -1 : real(from, to);
}

/* A disk that takes no writes opens no file for them; only a read-only one says so at once. */
static int is_open_refused(int flags) {
  return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 && control->write_error == EROFS && is_refused();
}

static mode_t mode_in(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  REAL(open);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return is_open_refused(flags) ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  REAL(open64);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return is_open_refused(flags) ? -1 : real(path, flags, mode);
}

// A disk that fails and loses power, for the process that this library is preloaded into.
//
// It watches the files of one directory (not those of directories in it) and keeps a copy of what is durable: what a
// machine would find after its power failed. Written bytes are pending until fsync or fdatasync of their file. A name
// is durable once its directory was synced; a new file's first name also by a sync of the file, as on ext4. Names that
// end in -shm never are, since SQLite makes those files anew.
//
// Environment: FAULTS_DIRECTORY, what is watched; FAULTS_DURABLE, the copy, as it is at the start: each file by its name,
// and linked to .data/ by the inode that it has in the watched directory; FAULTS_CONTROL, a file that holds a struct
// control, which a test may write at any time.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ({                                                  \
    static __typeof__(&name) real;                                     \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);      \
    real; })

struct fault {
    int64_t error;  // the errno of the calls that fail; 0: none fails; TORN
    int64_t skip;   // so many calls succeed first
    int64_t count;  // so many fail then; below 0: all
    int64_t hits;   // so many have failed; counted here
    int64_t calls;  // so many were made; counted here
};

struct control {
    struct fault write;  // and ftruncate
    struct fault sync;
    int64_t lying;       // syncs return 0, and nothing becomes durable
    int64_t writeback;   // about half of the writes become durable in part before they are synced, as the kernel may do
    int64_t clock;       // seconds that the wall clock is ahead
};

// Half of the write reaches the disk, and then the process is killed.
enum { TORN = -1 };

// A write, or a change of the length to `at` where there is no data.
struct change {
    struct change *next;
    off_t at;
    size_t length;
    char data[];
};

struct file {
    struct file *next;
    ino_t inode;
    int forgotten;  // never durable
    int truncated;  // a change of the length is pending
    struct change *first, **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct control *control;
static struct file *files;
static const char *durable;
static char directory[PATH_MAX];  // without links; empty while it does not exist
static struct stat directory_stat;

static void give_up(const char *what) {
    perror(what);
    abort();
}

static int ends_in_shm(const char *name) {
    size_t length = strlen(name);
    return length >= 4 && !strcmp(name + length - 4, "-shm");
}

static void join(char *path, const char *parent, const char *name) {
    if (snprintf(path, PATH_MAX, "%s/%s", parent, name) >= PATH_MAX) give_up(name);
}

static void data_path(char *path, ino_t inode) {
    char name[64];
    snprintf(name, sizeof name, ".data/%lu", (unsigned long)inode);
    join(path, durable, name);
}

// The durable content of a file, to be closed.
static int open_data(ino_t inode) {
    char path[PATH_MAX];
    data_path(path, inode);
    int data = REAL(open64)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (data < 0) give_up(path);
    return data;
}

static void put(int data, const char *bytes, size_t length, off_t at) {
    if (REAL(pwrite64)(data, bytes, length, at) != (ssize_t)length) give_up("the durable copy");
}

static void drop_changes(struct file *file) {
    while (file->first) {
        struct change *next = file->first->next;
        free(file->first);
        file->first = next;
    }
    file->last = &file->first;
    file->truncated = 0;
}

static struct file *find(ino_t inode) {
    struct file *file = files;
    while (file && file->inode != inode) file = file->next;
    return file;
}

static struct file *watch(ino_t inode, const char *name) {
    struct file *file = find(inode);
    if (!file) {
        file = calloc(1, sizeof *file);
        if (!file) give_up("memory");
        file->inode = inode;
        file->last = &file->first;
        file->next = files;
        files = file;
    }
    file->forgotten = ends_in_shm(name);
    return file;
}

// A new file has no durable content, whatever had its inode before.
static void watch_new(ino_t inode, const char *name) {
    char path[PATH_MAX];
    drop_changes(watch(inode, name));
    data_path(path, inode);
    unlink(path);
}

static void remember(struct file *file, const void *bytes, size_t length, off_t at) {
    if (file->forgotten || control->lying) return;
    struct change *change = malloc(sizeof *change + length);
    if (!change) give_up("memory");
    *change = (struct change){.at = at, .length = length};
    if (length) memcpy(change->data, bytes, length);
    else file->truncated = 1;
    *file->last = change;
    file->last = &change->next;
    if (length && control->writeback && !file->truncated && rand() % 2) {
        int data = open_data(file->inode);
        put(data, bytes, 1 + rand() % length, at);
        close(data);
    }
}

// Gives a file's durable content a durable name.
static void name_data(ino_t inode, const char *name) {
    char data[PATH_MAX], path[PATH_MAX], new[PATH_MAX];
    struct stat content, named;
    close(open_data(inode));
    data_path(data, inode);
    join(path, durable, name);
    join(new, durable, ".data/new");
    if (stat(data, &content)) give_up(data);
    if (!stat(path, &named) && named.st_ino == content.st_ino) return;
    if (link(data, new) || rename(new, path)) give_up(path);
}

// The name of an open file, if it is in the directory.
static const char *name_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    char *slash = strrchr(path, '/');
    if (!slash || strstr(path, " (deleted)")) return NULL;
    *slash = 0;
    return *directory && !strcmp(path, directory) ? slash + 1 : NULL;
}

static void sync_file(struct file *file, int fd) {
    char path[PATH_MAX];
    int data = open_data(file->inode);
    for (struct change *change = file->first; change; change = change->next) {
        if (change->length) put(data, change->data, change->length, change->at);
        else if (REAL(ftruncate64)(data, change->at)) give_up("the durable copy");
    }
    drop_changes(file);
    struct stat content;
    if (fstat(data, &content)) give_up("the durable copy");
    close(data);
    const char *name = name_of(fd, path);
    if (content.st_nlink == 1 && name) name_data(file->inode, name);
}

static void sync_directory(void) {
    DIR *names = opendir(directory);
    if (!names) give_up(directory);
    for (struct dirent *entry; (entry = readdir(names));)
        if (entry->d_type == DT_REG && !ends_in_shm(entry->d_name)) name_data(entry->d_ino, entry->d_name);
    closedir(names);
    names = opendir(durable);
    if (!names) give_up(durable);
    for (struct dirent *entry; (entry = readdir(names));) {
        char path[PATH_MAX];
        join(path, directory, entry->d_name);
        if (entry->d_type != DT_REG || !access(path, F_OK)) continue;
        join(path, durable, entry->d_name);
        unlink(path);
    }
    closedir(names);
}

// The directory may be made by the process itself.
static void locate(void) {
    if (*directory || !realpath(getenv("FAULTS_DIRECTORY"), directory)) return;
    if (stat(directory, &directory_stat)) give_up(directory);
}

// Watches what was there before, and is in the durable copy already.
static void watch_files(void) {
    DIR *names = opendir(directory);
    if (!names) give_up(directory);
    for (struct dirent *entry; (entry = readdir(names));)
        if (entry->d_type == DT_REG) watch(entry->d_ino, entry->d_name);
    closedir(names);
}

__attribute__((constructor)) static void start(void) {
    durable = getenv("FAULTS_DURABLE");
    if (!durable) return;
    locate();
    if (*directory) watch_files();
    srand(getpid());
    int fd = REAL(open64)(getenv("FAULTS_CONTROL"), O_RDWR | O_CLOEXEC);
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || control == MAP_FAILED) give_up("FAULTS_CONTROL");
    close(fd);
}

// Takes the lock if the file is watched: a file of the directory, or itself, for which `file` is null.
static int watched(int fd, struct file **file) {
    struct stat stat;
    if (!control || fstat(fd, &stat) || stat.st_dev != directory_stat.st_dev) return 0;
    int is_directory = S_ISDIR(stat.st_mode) && stat.st_ino == directory_stat.st_ino;
    if (!is_directory && !S_ISREG(stat.st_mode)) return 0;
    pthread_mutex_lock(&lock);
    *file = is_directory ? NULL : find(stat.st_ino);
    if (is_directory || *file) return 1;
    pthread_mutex_unlock(&lock);
    return 0;
}

static int injected(struct fault *fault) {
    int error = fault->error;
    fault->calls++;
    if (!error || !fault->count) return 0;
    if (fault->skip > 0) {
        fault->skip--;
        return 0;
    }
    if (fault->count > 0) fault->count--;
    fault->hits++;
    return error;
}

static ssize_t unlock_with(ssize_t result, int error) {
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static ssize_t write_watched(struct file *file, int fd, const void *bytes, size_t length, off_t at) {
    int error = injected(&control->write);
    if (error > 0) return unlock_with(-1, error);
    if (error == TORN) length /= 2;
    ssize_t written;
    if (at < 0) {
        at = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
        written = REAL(write)(fd, bytes, length);
    } else {
        written = REAL(pwrite64)(fd, bytes, length, at);
    }
    if (error == TORN) {
        if (!file->forgotten) put(open_data(file->inode), bytes, written, at);
        kill(getpid(), SIGKILL);
    }
    error = errno;
    if (written > 0) remember(file, bytes, written, at);
    return unlock_with(written, error);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct file *file;
    if (!watched(fd, &file)) return REAL(write)(fd, bytes, length);
    return write_watched(file, fd, bytes, length, -1);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    struct file *file;
    if (!watched(fd, &file)) return REAL(pwrite64)(fd, bytes, length, at);
    return write_watched(file, fd, bytes, length, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return pwrite64(fd, bytes, length, at);
}

// Of a watched file, the first buffer only: a short write.
ssize_t writev(int fd, const struct iovec *buffers, int count) {
    struct file *file;
    if (!watched(fd, &file)) return REAL(writev)(fd, buffers, count);
    return write_watched(file, fd, buffers->iov_base, buffers->iov_len, -1);
}

// Of a watched file, not at all: std then reads and writes.
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags) {
    struct file *file;
    if (!watched(to, &file)) return REAL(copy_file_range)(from, from_at, to, to_at, length, flags);
    return unlock_with(-1, ENOSYS);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t length) {
    struct file *file;
    if (!watched(to, &file)) return REAL(sendfile64)(to, from, at, length);
    return unlock_with(-1, ENOSYS);
}

int ftruncate64(int fd, off64_t length) {
    struct file *file;
    if (!watched(fd, &file)) return REAL(ftruncate64)(fd, length);
    int error = injected(&control->write);
    if (error > 0) return unlock_with(-1, error);
    int result = REAL(ftruncate64)(fd, length);
    error = errno;
    if (!result) remember(file, NULL, 0, length);
    return unlock_with(result, error);
}

int ftruncate(int fd, off_t length) {
    return ftruncate64(fd, length);
}

// The real sync is left out: the durable copy stands for the disk.
static int sync_watched(struct file *file, int fd) {
    int error = injected(&control->sync);
    if (error > 0) {
        // As Linux does: what could not be written counts as clean, so that the next sync does not write it either.
        if (file) drop_changes(file);
        return unlock_with(-1, error);
    }
    if (control->lying) return unlock_with(0, 0);
    if (!file) sync_directory();
    else if (!file->forgotten) sync_file(file, fd);
    return unlock_with(0, 0);
}

int fsync(int fd) {
    struct file *file;
    return watched(fd, &file) ? sync_watched(file, fd) : REAL(fsync)(fd);
}

int fdatasync(int fd) {
    struct file *file;
    return watched(fd, &file) ? sync_watched(file, fd) : REAL(fdatasync)(fd);
}

static int open_watched(int at, const char *path, int flags, mode_t mode) {
    if (!control) return REAL(openat64)(at, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat stat;
    int existed = !fstatat(at, path, &stat, 0);
    int fd = REAL(openat64)(at, path, flags, mode), error = errno;
    char real[PATH_MAX];
    locate();
    const char *name = fd >= 0 && !fstat(fd, &stat) && S_ISREG(stat.st_mode) ? name_of(fd, real) : NULL;
    if (name) {
        if (!existed || !find(stat.st_ino)) watch_new(stat.st_ino, name);
        if (flags & O_TRUNC) remember(find(stat.st_ino), NULL, 0, 0);
    }
    return unlock_with(fd, error);
}

#define MODE(flags) ({                           \
    mode_t mode = 0;                             \
    if (flags & (O_CREAT | O_TMPFILE)) {         \
        va_list arguments;                       \
        va_start(arguments, flags);              \
        mode = va_arg(arguments, mode_t);        \
        va_end(arguments);                       \
    }                                            \
    mode; })

int open(const char *path, int flags, ...) {
    return open_watched(AT_FDCWD, path, flags, MODE(flags));
}

int open64(const char *path, int flags, ...) {
    return open_watched(AT_FDCWD, path, flags, MODE(flags));
}

int openat(int at, const char *path, int flags, ...) {
    return open_watched(at, path, flags, MODE(flags));
}

int openat64(int at, const char *path, int flags, ...) {
    return open_watched(at, path, flags, MODE(flags));
}

static int is_wall_clock(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = REAL(clock_gettime)(clock, time);
    if (control && is_wall_clock(clock)) time->tv_sec += control->clock;
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    int result = REAL(gettimeofday)(time, zone);
    if (control) time->tv_sec += control->clock;
    return result;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

/* A copy by several threads, which live for that copy only. */

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "extension.h"
#include <pythread.h>

/* A thread is made for at least so many bytes. To make and join one takes 20 to 70 us. */
#define BYTES_PER_THREAD (2 << 20)

/* What PyThread_start_new_thread returns if no thread was started: PYTHREAD_INVALID_THREAD_ID, which the limited API
   leaves out. */
#define NOT_STARTED ((unsigned long)-1)

/* What the threads of one copy share. */
typedef struct {
    const Py_buffer *dst, *src;
    Py_ssize_t n_parts;
    _Atomic Py_ssize_t next;        /* the next part that nobody has begun */
    _Atomic Py_ssize_t n_running;   /* the threads that have not ended their parts, the caller's included */
    _Atomic int status;             /* 0, or -1 if a part failed */
    PyThread_type_lock done;        /* released by the last thread, if that is not the caller's */
} job;

/* One of the threads. */
typedef struct {
    job *job;
    _Atomic pid_t id;   /* the kernel's number; 0 until the thread runs */
} worker;

static void copy_parts(job *job)
{
    Py_ssize_t part;
    while ((part = atomic_fetch_add(&job->next, 1)) < job->n_parts)
        if (pybuffer_copy_part(job->dst, job->src, part, job->n_parts) < 0)
            atomic_store(&job->status, -1);
}

static void run_worker(void *arg)
{
    worker *worker = arg;
    job *job = worker->job;
    atomic_store(&worker->id, (pid_t)syscall(SYS_gettid));
    copy_parts(job);
    if (atomic_fetch_sub(&job->n_running, 1) == 1)
        PyThread_release_lock(job->done);
}

/* Returns when a thread that has ended its parts is gone for the kernel too: os.fork() warns as long as it counts more
   than one. The interpreter's threads are detached, so pthread_join cannot tell. */
static void wait_until_gone(const worker *worker)
{
    pid_t process = getpid(), id = atomic_load(&worker->id);
    while (syscall(SYS_tgkill, process, id, 0) == 0)
        sched_yield();
}

/* Starts up to `n` workers; how many were started. */
static Py_ssize_t start(job *job, worker *workers, Py_ssize_t n)
{
    Py_ssize_t n_started = 0;
    while (n_started < n) {
        worker *worker = workers + n_started;
        worker->job = job;
        atomic_fetch_add(&job->n_running, 1);
        if (PyThread_start_new_thread(run_worker, worker) == NOT_STARTED) {
            atomic_fetch_sub(&job->n_running, 1);
            break;
        }
        n_started++;
    }
    return n_started;
}

/* Copies with `n` more threads, or with as many of them as the system grants. */
static void run(job *job, worker *workers, Py_ssize_t n)
{
    Py_ssize_t n_started = start(job, workers, n);
    copy_parts(job);
    if (atomic_fetch_sub(&job->n_running, 1) != 1)
        PyThread_acquire_lock(job->done, WAIT_LOCK);
    for (Py_ssize_t i = 0; i < n_started; i++)
        wait_until_gone(workers + i);
}

Py_ssize_t parts_for_threads(const Py_buffer *dst, const Py_buffer *src, Py_ssize_t n_threads)
{
    Py_ssize_t most = src->len / BYTES_PER_THREAD;
    return pybuffer_copy_n_parts(dst, src, most < n_threads ? most : n_threads);
}

int copy_by_threads(const Py_buffer *dst, const Py_buffer *src, Py_ssize_t n_parts)
{
    job job = { .dst = dst, .src = src, .n_parts = n_parts, .n_running = 1 };
    worker *workers = PyMem_Calloc((size_t)n_parts, sizeof *workers);
    job.done = workers == NULL ? NULL : PyThread_allocate_lock();
    if (job.done == NULL) {
        PyMem_Free(workers);
        return -1;
    }
    PyThread_acquire_lock(job.done, NOWAIT_LOCK);
    Py_BEGIN_ALLOW_THREADS
    run(&job, workers, n_parts - 1);
    Py_END_ALLOW_THREADS
    PyThread_release_lock(job.done);
    PyThread_free_lock(job.done);
    PyMem_Free(workers);
    return atomic_load(&job.status);
}

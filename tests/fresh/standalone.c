/* A copy into fresh memory without Python, in a sandbox that ends the process for a call of mincore. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <libpybuffer.h>

enum { N = 2000 };

static void forbid_mincore(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mincore, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof steps / sizeof *steps, steps };
    int is_set = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                 prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (!is_set) {
        perror("seccomp");
        exit(2);
    }
}

int main(void)
{
    unsigned char *from = malloc(N * N), *to = malloc(N * N);
    Py_ssize_t shape[2] = { N, N }, strides[2] = { 1, N };
    Py_buffer view = { .buf = from, .len = N * N, .itemsize = 1, .ndim = 2, .shape = shape, .strides = strides };
    for (int i = 0; i < N * N; i++)
        from[i] = (unsigned char)(i % 251);
    forbid_mincore();
    if (PyBuffer_ToContiguous(to, &view, view.len, 'C') < 0)
        return 1;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if (to[i * N + j] != from[j * N + i])
                return 1;
    puts("done");
    return 0;
}

/* Who reads an exporter's memory? Its pages are closed, and the instruction that touches them first is remembered. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

static char *pages;
static size_t length;
static void *reader;

static void *instruction(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (void *)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)context->uc_mcontext.pc;
#else
#error "where does this machine's ucontext_t keep the address of the instruction?"
#endif
}

static void touched(int number, siginfo_t *info, void *context)
{
    char *address = info->si_addr;
    if (address < pages || address >= pages + length) {
        signal(number, SIG_DFL); /* a crash like any other: it comes again */
        return;
    }
    reader = instruction(context);
    mprotect(pages, length, PROT_READ | PROT_WRITE); /* and the instruction runs again */
}

/* Closes whole pages until something touches them. */
int close_pages(void *address, size_t n_bytes)
{
    struct sigaction action = { .sa_sigaction = touched, .sa_flags = SA_SIGINFO };

    pages = address;
    length = n_bytes;
    reader = NULL;
    if (sigaction(SIGSEGV, &action, NULL) < 0)
        return -1;
    return mprotect(pages, length, PROT_NONE);
}

/* The file with the code that touched them; NULL: nothing has. */
const char *file_of_reader(void)
{
    Dl_info image;

    return reader != NULL && dladdr(reader, &image) ? image.dli_fname : NULL;
}

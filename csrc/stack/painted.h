/* Functions run on a small painted stack that no page guards, and how deep each of them went.
 *
 * The stack lies in the middle of ordinary memory. All of it is painted first; the lowest byte that has lost
 * its paint tells how much was used, whoever used it: the function, what it calls in libc, and the exporter. */
#ifndef STACK_PAINTED_H
#define STACK_PAINTED_H

#include <stdbool.h>
#include <stddef.h>

enum { STACK = 16 << 10 };

/* Runs `run(argument)` on a painted stack, and notes how much of it was used for `family`. */
void painted_run(const char *family, void (*run)(void *), void *argument);

/* Says that what `family` did was wrong. */
void painted_wrong(const char *family, const char *what);

/* What is printed at the end: "family<TAB>bytes" for each, in the order in which they first ran. Whether all was
 * right. */
bool painted_report(void);

/* Whether malloc refuses every call meanwhile. */
extern bool memory_is_refused;
/* Whether what runs shall leave errno as it is. */
extern bool keeps_errno;

/* The families. */
void run_copies(void);
void run_formats(void);
void run_objects(void);
void run_dlpack(void);

#endif

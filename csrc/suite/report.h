/* What passes between the expectations and the program that runs the tests. */
#ifndef SUITE_REPORT_H
#define SUITE_REPORT_H

void report_begin_test(void);

/* The number of expectations that failed since. */
int report_end_test(void);

/* From now on the first failed expectation ends the process, with 1. */
void report_exit_at_failure(void);

#endif

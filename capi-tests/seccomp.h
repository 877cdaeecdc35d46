/*  Leaves a process some of the system calls.  */
#ifndef SECCOMP_H
#define SECCOMP_H

#include "harness.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define LONGEST_LIST 100

/*  From here on these calls, or all others, fail so in every thread.  */
static inline void filter (const int *calls, size_t count, bool are_allowed, int number)
{
    struct sock_filter code[LONGEST_LIST + 3];
    size_t size = 0;
    const uint32_t refuse = SECCOMP_RET_ERRNO | (uint32_t) number;
    code[size++] = (struct sock_filter)
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr));
    CHECK (count <= LONGEST_LIST);
    for (size_t n = 0; n < count; n++)
        code[size++] = (struct sock_filter)
          BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, calls[n], count - n, 0);
    code[size++] = (struct sock_filter)
      BPF_STMT (BPF_RET | BPF_K, are_allowed ? refuse : SECCOMP_RET_ALLOW);
    code[size++] = (struct sock_filter)
      BPF_STMT (BPF_RET | BPF_K, are_allowed ? SECCOMP_RET_ALLOW : refuse);
    struct sock_fprog program = {size, code};
    CHECK_OK (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK_OK (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program));
}

#endif

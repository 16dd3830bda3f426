/*
 * Creates short-lived processes in every way that Linux has, and logs each one.
 *
 *   load LOG COUNT FIRST SCRIPT   creates COUNT processes, numbered from FIRST
 *   load leaf NUMBER STATUS       ends with STATUS
 *   load many COUNT               creates COUNT processes that do nothing, as fast as possible
 *   load lasting COUNT            creates COUNT processes of 100 milliseconds, 20 at a time
 *   load wait                     waits until its input ends
 *
 * A line of LOG is "PID PARENT END KIND NUMBER PROGRAM": END is an exit status, or 1000 and the
 * signal; PROGRAM is 0 if none was run, 1 for a leaf, 2 for the script. It is built twice: for 64
 * bits with a C library, and for 32 bits without one (-DBARE), so that it needs none for i386.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#define KINDS 20
#define O_WRONLY_APPEND_CREATE (1 | 02000 | 0100)
#define SIGKILL_ 9
#define SIGTERM_ 15
#define WALL 0x40000000

#ifdef BARE
static inline __attribute__((always_inline)) long sys(long n, long a, long b, long c, long d, long e)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result)
                     : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
    return result;
}
#define VFORK() sys(SYS_vfork, 0, 0, 0, 0, 0)
#else
#include <pthread.h>
#include <spawn.h>
#include <unistd.h>
static long sys(long n, long a, long b, long c, long d, long e)
{
    return syscall(n, a, b, c, d, e);
}
#define VFORK() vfork()
#endif

static int log_file;
static const char *self, *script;
static char **environment;

static void finish(int status)
{
    sys(SYS_exit_group, status, 0, 0, 0, 0);
    __builtin_unreachable();
}

static char *number(char *end, unsigned long value)
{
    *--end = 0;
    do
        *--end = '0' + value % 10;
    while (value /= 10);
    return end;
}

static unsigned long parse(const char *text)
{
    unsigned long value = 0;
    while (*text >= '0' && *text <= '9')
        value = 10 * value + (*text++ - '0');
    return value;
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* The real number, as no library remembers it. */
static long own_pid(void)
{
    return sys(SYS_getpid, 0, 0, 0, 0, 0);
}

static void note(long pid, long parent, long end, long kind, long index, long program)
{
    char line[160], digits[24];
    long values[6] = {pid, parent, end, kind, index, program};
    int length = 0;
    for (int i = 0; i < 6; i++) {
        for (char *digit = number(digits + sizeof digits, values[i]); *digit; digit++)
            line[length++] = *digit;
        line[length++] = i < 5 ? ' ' : '\n';
    }
    sys(SYS_write, log_file, (long)line, length, 0, 0);
}

struct words {
    char number[24], status[24];
    char *argv[5];
};

static void leaf_words(struct words *words, long index, int status)
{
    words->argv[0] = (char *)self;
    words->argv[1] = "leaf";
    words->argv[2] = number(words->number + sizeof words->number, index);
    words->argv[3] = number(words->status + sizeof words->status, status);
    words->argv[4] = 0;
}

static void run_leaf(struct words *words)
{
    sys(SYS_execve, (long)self, (long)words->argv, (long)environment, 0, 0);
    finish(126);
}

static long fork_(void)
{
    return sys(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0);
}

static long clone3_(void)
{
    struct clone_args args = {.exit_signal = 17};
    return sys(SYS_clone3, (long)&args, sizeof args, 0, 0, 0);
}

/* A thread that does one thing and ends, without the library's knowledge. */
static struct words thread_words;
static volatile int thread_job, thread_status;

/* Has seccomp end this thread alone. */
static void end_by_filter(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0 /* the call's number */),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof steps / sizeof *steps, steps};
    sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    sys(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&filter, 0, 0);
    sys(SYS_getppid, 0, 0, 0, 0, 0);
}

static void spin(int times)
{
    for (volatile int i = 0; i < times; i++)
        ;
}

/* Waits until the thread-group leader has exited, and a moment longer, so that /proc shows it. */
static void outlive_first(void)
{
    char line[64] = "";
    long moment[2] = {0, 4000000};
    for (int state = 0; state != 'Z';) {
        long file = sys(SYS_open, (long)"/proc/self/stat", 0, 0, 0, 0);
        long length = sys(SYS_read, file, (long)line, sizeof line, 0, 0);
        sys(SYS_close, file, 0, 0, 0, 0);
        for (int i = 0; i + 2 < length; i++)
            if (line[i] == ')')
                state = line[i + 2];
        sys(SYS_sched_yield, 0, 0, 0, 0, 0);
    }
    sys(SYS_nanosleep, (long)moment, 0, 0, 0, 0);
}

static void thread_body(void)
{
    if (thread_job == 1)
        run_leaf(&thread_words);
    if (thread_job == 2)
        spin(200000);
    if (thread_job == 3) {
        spin(thread_status * 500);
        sys(SYS_kill, own_pid(), SIGTERM_, 0, 0, 0);
    }
    if (thread_job == 4)
        outlive_first();
    if (thread_job == 5)
        end_by_filter();
    sys(SYS_exit, thread_status, 0, 0, 0, 0);
}

#ifdef BARE
static char stack[65536] __attribute__((aligned(16)));
static volatile int thread_lives;
static void thread(int job)
{
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                 CLONE_CHILD_CLEARTID;
    void **top = (void **)(stack + sizeof stack - 64);
    *top = (void *)thread_body;
    thread_job = job;
    thread_lives = 1;
    long result;
    __asm__ volatile("int $0x80\n\t"
                     "testl %%eax, %%eax\n\t"
                     "jnz 1f\n\t"
                     "popl %%eax\n\t"
                     "call *%%eax\n\t"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone), "b"(flags), "c"(top), "d"(0), "S"(0), "D"(&thread_lives)
                     : "memory");
    (void)result;
}
static void join(void)
{
    while (thread_lives)
        sys(SYS_sched_yield, 0, 0, 0, 0, 0);
}
#else
static pthread_t thread_handle;
static void *thread_start(void *unused)
{
    thread_body();
    return unused;
}
static void *thread_return(void *unused)
{
    return unused;
}
static void thread(int job)
{
    thread_job = job;
    if (pthread_create(&thread_handle, 0, job ? thread_start : thread_return, 0))
        finish(125);
}
static void join(void)
{
    pthread_join(thread_handle, 0);
}
#endif

/* Returns the status that the kernel reports to the parent, where it decides which one counts. */
static int end_of(long child)
{
    int status = 0;
    sys(SYS_wait4, child, (long)&status, WALL, 0, 0);
    return status & 127 ? 1000 + (status & 127) : status >> 8;
}

static void make(long index)
{
    long own = own_pid(), kind = index % KINDS, child = -1;
    int status = index % 120, end = status, program = 0;
    struct words words;
    leaf_words(&words, index, status);
    switch (kind) {
    case 0: /* a fork that ends */
        if ((child = fork_()) == 0)
            finish(status);
        break;
    case 1: /* a fork that runs a program */
        program = 1;
        if ((child = fork_()) == 0)
            run_leaf(&words);
        break;
    case 2: /* a vfork that runs a program */
        program = 1;
        child = VFORK();
        if (child == 0) {
            sys(SYS_execve, (long)self, (long)words.argv, (long)environment, 0, 0);
            sys(SYS_exit_group, 126, 0, 0, 0, 0);
        }
        break;
    case 3: /* a vfork that ends */
        child = VFORK();
        if (child == 0)
            sys(SYS_exit_group, status, 0, 0, 0, 0);
        break;
    case 4: /* clone3 */
        if ((child = clone3_()) == 0)
            finish(status);
        break;
    case 5: /* clone3 and a program */
        program = 1;
        if ((child = clone3_()) == 0)
            run_leaf(&words);
        break;
    case 6: /* what libraries do to start a program */
        program = 1;
#ifdef BARE
        if ((child = sys(SYS_fork, 0, 0, 0, 0, 0)) == 0)
            run_leaf(&words);
#else
        {
            pid_t spawned;
            if (posix_spawn(&spawned, self, 0, 0, words.argv, environment))
                finish(125);
            child = spawned;
        }
#endif
        break;
    case 7: /* a thread, not a process */
        thread(0);
        join();
        return;
    case 8: /* killed at once */
        end = 1000 + SIGKILL_;
        if ((child = fork_()) == 0)
            for (;;)
                sys(SYS_pause, 0, 0, 0, 0, 0);
        sys(SYS_kill, child, SIGKILL_, 0, 0, 0);
        break;
    case 9: /* a crash */
        end = 1000 + 11;
        if ((child = fork_()) == 0)
            for (;;)
                *(volatile int *)0 = 0;
        break;
    case 10: /* a child whose parent is gone */
        if ((child = fork_()) == 0) {
            long middle = own_pid(), grandchild = fork_();
            if (grandchild == 0) {
                sys(SYS_sched_yield, 0, 0, 0, 0, 0);
                finish(77);
            }
            note(grandchild, middle, 77, 100, index, 0);
            finish(status);
        }
        break;
    case 11: /* clone3, killed before it made a record */
        end = 1000 + SIGKILL_;
        if ((child = clone3_()) == 0)
            for (;;)
                ;
        sys(SYS_kill, child, SIGKILL_, 0, 0, 0);
        break;
    case 12: /* a program run by a thread that is not the first */
        program = 1;
        if ((child = fork_()) == 0) {
            thread_words = words;
            leaf_words(&thread_words, index, status);
            thread(1);
            for (;;)
                sys(SYS_pause, 0, 0, 0, 0, 0);
        }
        break;
    case 13: /* the first thread ends before the last one */
        if ((child = fork_()) == 0) {
            thread_status = status;
            thread(4);
            sys(SYS_exit, 121, 0, 0, 0, 0);
        }
        end = end_of(child);
        break;
    case 14: /* a script */
        program = 2;
        end = index & 255; /* it runs "load leaf SCRIPT NUMBER" */
        if ((child = fork_()) == 0) {
            char *argv[] = {(char *)script, words.argv[2], 0};
            sys(SYS_execve, (long)script, (long)argv, (long)environment, 0, 0);
            finish(126);
        }
        break;
    case 15: /* a program by its file */
        program = 1;
        if ((child = fork_()) == 0) {
            long file = sys(SYS_open, (long)self, 02000000 /* O_CLOEXEC */, 0, 0, 0);
            sys(SYS_execveat, file, (long)"", (long)words.argv, (long)environment, 0x1000);
            finish(126);
        }
        break;
    case 16: /* a program that is not there */
        end = 127;
        if ((child = fork_()) == 0) {
            sys(SYS_execve, (long)"/no/such/program", (long)words.argv, (long)environment, 0, 0);
            finish(127);
        }
        break;
    case 17: /* a program that is asked to end while threads run */
        end = 1000 + SIGTERM_;
        if ((child = fork_()) == 0) {
            thread(2);
            sys(SYS_kill, own_pid(), SIGTERM_, 0, 0, 0);
            for (;;)
                sys(SYS_pause, 0, 0, 0, 0, 0);
        }
        break;
    case 18: /* the first thread ends while another one has the program end */
        if ((child = fork_()) == 0) {
            thread_status = index / KINDS % 50;
            thread(3);
            sys(SYS_exit, status, 0, 0, 0, 0);
        }
        end = end_of(child);
        break;
    case 19: /* a thread that is not allowed what it does; the others go on */
        if ((child = fork_()) == 0) {
            thread(5);
            join();
            finish(status);
        }
        break;
    }
    if (child <= 0)
        finish(124);
    note(child, own, end, kind, index, program);
    /* all of them, those too that were left to us */
    while (sys(SYS_wait4, -1, 0, WALL, 0, 0) > 0)
        ;
}

static int many(unsigned long count)
{
    while (count--) {
        long child = VFORK();
        if (child == 0)
            sys(SYS_exit_group, 0, 0, 0, 0, 0);
        if (child < 0)
            return 124;
        sys(SYS_wait4, child, 0, WALL, 0, 0);
    }
    return 0;
}

/* At most 20 at a time, each of which is there for long enough to be looked at. */
static int lasting(unsigned long count)
{
    long time[2] = {0, 100000000};
    unsigned long running = 0;
    while (count || running) {
        if (!count || running == 20) {
            sys(SYS_wait4, -1, 0, WALL, 0, 0);
            running--;
            continue;
        }
        long child = fork_();
        if (child == 0) {
            sys(SYS_nanosleep, (long)time, 0, 0, 0, 0);
            finish(0);
        }
        if (child < 0)
            return 124;
        running++;
        count--;
    }
    return 0;
}

static int run(int argc, char **argv, char **environ_)
{
    self = argv[0];
    environment = environ_;
    if (argc == 4 && same(argv[1], "leaf"))
        return parse(argv[3]);
    if (argc == 2 && same(argv[1], "wait"))
        return sys(SYS_read, 0, (long)(char[1]){0}, 1, 0, 0);
    if (argc == 3 && same(argv[1], "many"))
        return many(parse(argv[2]));
    if (argc == 3 && same(argv[1], "lasting"))
        return lasting(parse(argv[2]));
    if (argc != 5)
        return 2;
    log_file = sys(SYS_open, (long)argv[1], O_WRONLY_APPEND_CREATE, 0600, 0, 0);
    script = argv[4];
    sys(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    unsigned long count = parse(argv[2]), first = parse(argv[3]);
    for (unsigned long index = first; index < first + count; index++)
        make(index);
    return 0;
}

#ifdef BARE
__asm__(".globl _start\n"
        "_start:\n\t"
        "movl %esp, %eax\n\t"
        "andl $-16, %esp\n\t"
        "subl $12, %esp\n\t"
        "pushl %eax\n\t"
        "call start\n");
__attribute__((used)) static void start(long *stack_)
{
    int argc = stack_[0];
    char **argv = (char **)(stack_ + 1);
    finish(run(argc, argv, argv + argc + 1));
}
void *memset(void *at, int value, unsigned long count)
{
    for (char *byte = at; count--;)
        *byte++ = value;
    return at;
}
void *memcpy(void *at, const void *from, unsigned long count)
{
    char *byte = at;
    for (const char *other = from; count--;)
        *byte++ = *other++;
    return at;
}
#else
int main(int argc, char **argv, char **environ_)
{
    return run(argc, argv, environ_);
}
#endif

/* A minimal audit daemon on libaudit: registers, polls, receives and counts records. */

#include <errno.h>
#include <libaudit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

int main(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);

    int fd = audit_open();
    if (fd < 0 || audit_set_pid(fd, (uint32_t)getpid(), WAIT_YES) <= 0) {
        perror("reader: cannot register as the audit daemon");
        return 1;
    }
    unsigned long records = 0;
    unsigned long ends = 0;
    while (!stop) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (poll(&ready, 1, -1) < 0)
            continue;
        struct audit_reply reply;
        while (audit_get_reply(fd, &reply, GET_REPLY_NONBLOCKING, 0) > 0) {
            if (reply.type >= AUDIT_FIRST_USER_MSG) {
                records++;
                ends += reply.type == AUDIT_EOE;
            }
        }
    }
    audit_set_pid(fd, 0, WAIT_NO);
    audit_close(fd);
    fprintf(stderr, "events=%lu records=%lu\n", ends, records);
    return 0;
}

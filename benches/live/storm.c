/* Calls getppid COUNT times without a pause: storm COUNT. */

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words)
{
    long calls = count > 1 ? atol(words[1]) : 0;
    while (calls-- > 0)
        syscall(SYS_getppid);
    return 0;
}

#ifndef BASE_PRIVATE_FILE_H
#define BASE_PRIVATE_FILE_H

#include <stdbool.h>

/*
 * Files that only the service's user may open: the ledger, its gate, the shared state of the
 * running processes.
 */

/*
 * Open for reading and writing, creating it with mode 0600 unless it is there; a symbolic link is
 * not followed.  What root creates belongs to the owner of the directory, so that an operator's
 * command run before the service does not lock the service out.  With O_EXCL among `flags` it must
 * not be there.  Returns the descriptor, or -1 with errno.
 */
int private_file_open(const char *path, int flags);

/*
 * Whether the path still leads to this open file or directory: others open what it leads to, and
 * share nothing with who has a file that was removed.
 */
bool private_file_is_at(int fd, const char *path);

#endif

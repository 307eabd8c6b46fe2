/*
 * Durability: what makes a commit, a file and a name outlive a loss of power.
 */
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/sync.h"

/*
 * Through SQLite's own file object: a second descriptor on the file, once closed, would take
 * SQLite's POSIX locks with it.
 */
int
db_sync_file(struct db *db, int pointer_code)
{
	sqlite3_file *file = NULL;
	int code = sqlite3_file_control(db->sqlite, "main", pointer_code, &file);

	if (code != SQLITE_OK)
		return code;
	return file && file->pMethods ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL)
				      : SQLITE_CANTOPEN;
}

/*
 * After a failure the kernel may report the next sync as a success though pages were lost, so none
 * of this handle's later claims could be believed.
 */
enum outcome
db_sync(struct db *db, struct fault *why)
{
	int code;

	if (db->distrusted)
		return fault_set(
		    why, BROKEN, "ledger %s: an earlier sync failed; reopen it", db->path);
	if ((code = db_sync_file(db, SQLITE_FCNTL_JOURNAL_POINTER)) != SQLITE_OK) {
		db->distrusted = true;
		return fault_set(why, BROKEN, "ledger %s: the log cannot be synced: %s", db->path,
		    sqlite3_errstr(code));
	}
	return DONE;
}

enum outcome
db_sync_directory(const char *path, struct fault *why)
{
	enum outcome outcome = DONE;
	char *copy = text_copy(path);
	int fd;

	if ((fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(fd) < 0)
		outcome = db_failed_errno(path, "directory of", why);
	if (fd >= 0)
		close(fd);
	free(copy);
	return outcome;
}

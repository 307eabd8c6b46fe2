/*
 * The marker: what stands in the file of the gate, as one line that people can read too.
 *
 * SQLite makes a new database where it finds none, and then cuts the log that is beside it: all
 * that had been answered and not yet copied would be gone.  And it copies any log into the database
 * beside it.  So both are looked at before SQLite sees them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "db/error.h"
#include "db/handle.h"
#include "db/marker.h"
#include "db/sync.h"

/* Of one length, so that a shorter one leaves nothing of a longer one behind. */
#define MARKER_FORMAT "there is a ledger: file %20" PRIu64 " log %20" PRIu64 "\n"
#define MARKER_SIZE   70

struct files {
	uint64_t database, log; /* Inodes; 0: not there. */
	bool has_content, log_has_content;
};

static bool
look_at(const char *path, uint64_t *inode, bool *has_content)
{
	struct stat file;

	*inode = 0;
	*has_content = false;
	if (stat(path, &file) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	*inode = file.st_ino;
	*has_content = file.st_size > 0;
	return true;
}

static enum outcome
look(const struct db *db, struct files *files, struct fault *why)
{
	char *log = text_format("%s-wal", db->path);
	enum outcome outcome = DONE;

	if (!look_at(db->path, &files->database, &files->has_content))
		outcome = db_failed_errno(db->path, "ledger", why);
	else if (!look_at(log, &files->log, &files->log_has_content))
		outcome = db_failed_errno(log, "log", why);
	free(log);
	return outcome;
}

/* False: nothing is written there, or by a version that wrote nothing. */
static bool
read_marker(const struct db *db, struct files *files)
{
	char line[MARKER_SIZE + 1] = "";

	return pread(db->gate, line, MARKER_SIZE, 0) > 0 &&
	    sscanf(line, "there is a ledger: file %" SCNu64 " log %" SCNu64, &files->database,
		&files->log) == 2;
}

bool
db_marker_moved(struct db *db)
{
	struct stat ours, theirs;

	return fstat(db->gate, &ours) < 0 || stat(db->gate_path, &theirs) < 0 ||
	    ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino;
}

enum outcome
db_marker_check(struct db *db, bool create, struct fault *why)
{
	struct files now = { 0 }, before = { 0 };
	bool marked = read_marker(db, &before);
	enum outcome outcome;

	if ((outcome = look(db, &now, why)) != DONE)
		return outcome;
	if (!now.has_content && now.log_has_content)
		return fault_set(why, BROKEN,
		    "ledger %s: the file is %s, but its log %s-wal is there; put the file back, or "
		    "move the log away and restore a copy",
		    db->path, now.database == 0 ? "gone" : "empty", db->path);
	if (!now.has_content && marked)
		return fault_set(why, BROKEN,
		    "ledger %s: there was one, and the file is %s; put it back or restore a copy "
		    "(to "
		    "begin with an empty ledger, remove %s-gate)",
		    db->path, now.database == 0 ? "gone" : "empty", db->path);
	if (now.database == 0 && !create)
		return fault_set(why, NEVER, "ledger %s: there is none", db->path);
	if (marked && now.log_has_content && now.log == before.log &&
	    now.database != before.database)
		return fault_set(why, BROKEN,
		    "ledger %s: the file was replaced, and the log %s-wal belongs to the one "
		    "before; "
		    "put that back, or move the log away",
		    db->path, db->path);
	return DONE;
}

enum outcome
db_marker_write(struct db *db, struct fault *why)
{
	struct files now = { 0 }, before = { 0 };
	bool marked = read_marker(db, &before);
	char line[MARKER_SIZE + 1];
	enum outcome outcome;
	int length;

	if ((outcome = look(db, &now, why)) != DONE)
		return outcome;
	if (marked && now.database == before.database && now.log == before.log)
		return DONE;
	length = snprintf(line, sizeof(line), MARKER_FORMAT, now.database, now.log);
	/* A full disk is met by the first commit; an old line refuses nothing that belongs together. */
	if (pwrite(db->gate, line, (size_t)length, 0) != length)
		return marked ? DONE : db_failed_errno(db->gate_path, "gate", why);
	/* That there is one must last; what belongs together is told anew at each opening. */
	if (!marked && fdatasync(db->gate) < 0)
		return db_failed_errno(db->path, "gate of", why);
	return marked ? DONE : db_sync_directory(db->path, why);
}

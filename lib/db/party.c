/*
 * Who works on the database: a line in the file of the gate names the directory, and a lock on a
 * byte of that file, shared by all who have joined, shows that one of them lives.
 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "db/error.h"
#include "db/gate.h"
#include "db/handle.h"
#include "db/party.h"
#include "host/byte_lock.h"

/* Behind the marker; of one length, so that a shorter line leaves nothing of a longer one behind. */
#define LINE_OFFSET 128
#define LINE_SIZE   512
#define PATH_SHOWN  400

struct party {
	uint64_t device, inode;               /* The directory's. */
	uint64_t parent_device, parent_inode; /* Of the one that it is in, by the path below. */
	char path[PATH_SHOWN + 1];
};

static enum outcome
identify(const char *directory, struct party *party, struct fault *why)
{
	char *path = realpath(directory, NULL);
	struct stat own, parent;

	if (path == NULL)
		return db_failed_errno(directory, "directory", why);
	snprintf(party->path, sizeof(party->path), "%s", path);
	if (stat(path, &own) < 0 || stat(dirname(path), &parent) < 0) {
		free(path);
		return db_failed_errno(directory, "directory", why);
	}
	free(path);
	party->device = own.st_dev;
	party->inode = own.st_ino;
	party->parent_device = parent.st_dev;
	party->parent_inode = parent.st_ino;
	return DONE;
}

static bool
read_party(const struct db *db, struct party *party)
{
	char line[LINE_SIZE + 1] = "";

	return pread(db->gate, line, LINE_SIZE, LINE_OFFSET) > 0 &&
	    sscanf(line,
		"run directory %" SCNx64 ":%" SCNx64 " in %" SCNx64 ":%" SCNx64 " %400[^\n]",
		&party->device, &party->inode, &party->parent_device, &party->parent_inode,
		party->path) == 5;
}

static enum outcome
write_party(struct db *db, const struct party *party, struct fault *why)
{
	char line[LINE_SIZE + 1];
	int length = snprintf(line, sizeof(line),
	    "run directory %" PRIx64 ":%" PRIx64 " in %" PRIx64 ":%" PRIx64 " %s\n", party->device,
	    party->inode, party->parent_device, party->parent_inode, party->path);

	memset(line + length, ' ', (size_t)(LINE_SIZE - length));
	return pwrite(db->gate, line, LINE_SIZE, LINE_OFFSET) == LINE_SIZE
	    ? DONE
	    : db_failed_errno(db->gate_path, "gate", why);
}

static bool
is_same_directory(const struct party *a, const struct party *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* A path leads to one directory at a time, so the other has gone. */
static bool
is_same_place(const struct party *a, const struct party *b)
{
	return a->parent_device == b->parent_device && a->parent_inode == b->parent_inode &&
	    strcmp(a->path, b->path) == 0;
}

static enum outcome
join_inside(struct db *db, const struct party *own, struct fault *why)
{
	struct party other = { 0 };
	bool known = read_party(db, &other);
	enum outcome outcome = DONE;

	/* Only when nobody else has it can the byte be had alone. */
	if (known && !is_same_directory(own, &other) && !is_same_place(own, &other) &&
	    !byte_lock_try(db->gate, DB_BYTE_PARTY, 1))
		return errno == EAGAIN || errno == EACCES
		    ? fault_set(why, BROKEN,
			  "ledger %s: others work on it with another run directory (%s, as they "
			  "see it); all must share one",
			  db->path, other.path)
		    : db_failed_errno(db->gate_path, "gate", why);
	if (!known || !is_same_directory(own, &other))
		outcome = write_party(db, own, why);
	if (outcome == DONE && !byte_lock_share(db->gate, DB_BYTE_PARTY, 1))
		outcome = db_failed_errno(db->gate_path, "gate", why);
	return outcome;
}

enum outcome
db_join(struct db *db, const char *directory, struct fault *why)
{
	struct party own = { 0 };
	enum outcome outcome;

	if ((outcome = identify(directory, &own, why)) != DONE ||
	    (outcome = db_gate_enter(db, why)) != DONE)
		return outcome;
	outcome = join_inside(db, &own, why);
	db_gate_leave(db);
	return outcome;
}

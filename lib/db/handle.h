#ifndef DB_HANDLE_H
#define DB_HANDLE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* What the files of this room know of an open database; no other room includes this. */
struct query;

/* The bytes of the gate's file that are locked. */
enum db_byte {
	DB_BYTE_GATE,  /* Held by the one that writes. */
	DB_BYTE_TURN,  /* Held by the one that checkpoints. */
	DB_BYTE_PARTY, /* Shared by all who have joined, see party.h. */
};

struct db {
	sqlite3 *sqlite;
	int gate; /* -1 while not open. */
	char *gate_path;
	bool inside;   /* The gate is held by us. */
	bool shut_out; /* It was not to be had the last time. */
	bool timed;    /* The timer has been made. */
	timer_t timer; /* Ends a wait for the gate. */
	/*
	 * A sync failed: the kernel may have forgotten pages that it calls clean.  Only reopening
	 * helps.
	 */
	bool distrusted;
	bool later;    /* The owner calls db_checkpoint() itself. */
	bool turn;     /* It is this handle that checkpoints. */
	int log_pages; /* How long the log was after the last commit; 0 when that changed nothing. */
	int left_pages; /* How long the last checkpoint has left it; 0 when all of it is in the database. */
	struct query **queries; /* Those prepared, see query.h. */
	size_t count, capacity;
	char *path;
};

#endif
